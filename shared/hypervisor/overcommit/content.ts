import { createHash } from 'node:crypto';
import type { GuestSpec } from '../../model/vm.ts';
import { BASE_PAGE_BYTES, GUEST_CONTENT } from '../parameters.ts';

/** Bytes of a page that sharing and swap handle (MEM-9). */
export const PAGE_BYTES = BASE_PAGE_BYTES;
export const PAGES_PER_MIB = (1024 * 1024) / PAGE_BYTES;

/** Where the content of a page comes from. Pages of one source and number are equal; all pages of `zero` are. */
export type ContentSource = 'zero' | `image:${string}` | `own:${string}`;

/** Pages `offset` to `offset + pages - 1` of a source, one after the other in a guest's memory. */
export interface ContentRun {
  source: ContentSource;
  /** First page of the source, in pages. */
  offset: number;
  pages: number;
}

/** The 4096 bytes of one page of a source. The same page always has the same bytes, and no two others are equal. */
export function pageContent(source: ContentSource, page: number): Uint8Array {
  if (source === 'zero') return new Uint8Array(PAGE_BYTES);
  return createHash('shake256', { outputLength: PAGE_BYTES }).update(`${page} ${source}`).digest();
}

/** The bytes of every page that the runs describe, in the order of the guest's memory. */
export function* contentOf(runs: readonly ContentRun[]): Generator<Uint8Array> {
  for (const run of runs) for (let i = 0; i < run.pages; i++) yield pageContent(run.source, run.offset + i);
}

/**
 * What stands in the touched memory of a usual guest: zeros, what it has read from its image, and its own. Every guest
 * of an image reads the same part of it first. The runs add up to the whole pages of `touchedMiB`.
 */
export function usualContent(guest: {
  id: string;
  os: GuestSpec['os'];
  image: string;
  touchedMiB: number;
}): ContentRun[] {
  const { zeroShare, imageShare, imageMiB } = GUEST_CONTENT[guest.os];
  const pages = Math.floor(guest.touchedMiB * PAGES_PER_MIB);
  const zero = Math.floor(pages * zeroShare);
  const image = Math.min(Math.floor(pages * imageShare), imageMiB * PAGES_PER_MIB);
  const runs: ContentRun[] = [
    { source: 'zero', offset: 0, pages: zero },
    { source: `image:${guest.image}`, offset: 0, pages: image },
    { source: `own:${guest.id}`, offset: 0, pages: pages - zero - image },
  ];
  return runs.filter((run) => run.pages > 0);
}
