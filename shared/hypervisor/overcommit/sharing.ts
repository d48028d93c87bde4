import { createHash } from 'node:crypto';
import { Refused } from '../refusal.ts';
import { PAGE_BYTES } from './content.ts';

/**
 * Who may share pages with whom. Across tenants (`host`) a tenant can find out by the time that a write takes whether
 * another has a page of the same content, because the first write to a shared page copies it; so `tenant` is the default.
 */
export type SharingScope = 'tenant' | 'host';

interface Frame {
  bytes: Uint8Array;
  /** Guest pages that are mapped to it. */
  mapped: number;
}
interface Guest {
  tenantId: string;
  /** Pre-allotted huge pages or passthrough: never shared (MEM-12). */
  pinned: boolean;
  pages: Map<number, Frame>;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * Page sharing over real bytes (OVC-4): pages of the same content use one frame, and a write to a shared page copies it
 * first, so that the writer alone sees the new content. `runs.ts` counts the same frames without the bytes.
 */
export class SharedMemory {
  readonly #guests = new Map<string, Guest>();
  readonly #frames = new Set<Frame>();
  readonly #scope: SharingScope;
  readonly #hash: (bytes: Uint8Array) => string;

  /** `hash` only finds candidates: pages are compared byte by byte before they share. */
  constructor(scope: SharingScope = 'tenant', hash: (bytes: Uint8Array) => string = sha256) {
    this.#scope = scope;
    this.#hash = hash;
  }

  /** Frames in use. */
  get frames(): number {
    return this.#frames.size;
  }

  /** Guest pages that have a frame. */
  get mappedPages(): number {
    return [...this.#guests.values()].reduce((sum, guest) => sum + guest.pages.size, 0);
  }

  /** References from guest pages that the frames count. Always `mappedPages`. */
  get references(): number {
    return [...this.#frames].reduce((sum, frame) => sum + frame.mapped, 0);
  }

  /** Throws `Refused` OVC-4 when a VM of this id is there already. */
  add(vm: string, tenantId: string, pinned = false): void {
    if (this.#guests.has(vm))
      throw new Refused({ rule: 'OVC-4', reason: `the VM ${vm} is here already`, fix: 'Remove it first.' });
    this.#guests.set(vm, { tenantId, pinned, pages: new Map() });
  }

  /** Gives all frames back that no other VM uses. */
  remove(vm: string): void {
    for (const frame of this.#guest(vm).pages.values()) this.#unmap(frame);
    this.#guests.delete(vm);
  }

  /** What the guest reads from a page: 4096 bytes, zeros where it never wrote. */
  read(vm: string, page: number): Uint8Array {
    const frame = this.#guest(vm).pages.get(page);
    return frame === undefined ? new Uint8Array(PAGE_BYTES) : Uint8Array.from(frame.bytes);
  }

  /** Replaces the content of a page. Throws `Refused` MEM-9 for anything but 4096 bytes. */
  write(vm: string, page: number, bytes: Uint8Array): void {
    if (bytes.length !== PAGE_BYTES)
      throw new Refused({
        rule: 'MEM-9',
        reason: `a page has ${PAGE_BYTES} bytes, not ${bytes.length}`,
        fix: 'Write whole pages.',
        figures: { bytes: bytes.length },
      });
    const { pages } = this.#guest(vm);
    const frame = pages.get(page);
    if (frame?.mapped === 1) {
      frame.bytes.set(bytes);
      return;
    }
    if (frame !== undefined) this.#unmap(frame);
    const copy: Frame = { bytes: Uint8Array.from(bytes), mapped: 1 };
    this.#frames.add(copy);
    pages.set(page, copy);
  }

  /** Lets all pages of the same content in scope share one frame. Answers the frames that became free. */
  share(): number {
    const before = this.#frames.size;
    const candidates = new Map<string, Frame[]>();
    const hashes = new Map<Frame, string>();
    for (const guest of this.#guests.values()) {
      if (guest.pinned) continue;
      for (const [page, frame] of guest.pages) {
        const hash = hashes.get(frame) ?? this.#hash(frame.bytes);
        hashes.set(frame, hash);
        const key = this.#scope === 'tenant' ? `${hash} ${guest.tenantId}` : hash;
        const list = candidates.get(key) ?? [];
        const same = list.find((other) => equal(other.bytes, frame.bytes));
        if (same === undefined) candidates.set(key, [...list, frame]);
        else if (same !== frame) {
          same.mapped++;
          guest.pages.set(page, same);
          this.#unmap(frame);
        }
      }
    }
    return before - this.#frames.size;
  }

  #guest(vm: string): Guest {
    const guest = this.#guests.get(vm);
    if (guest === undefined)
      throw new Refused({ rule: 'OVC-4', reason: `the VM ${vm} is not here`, fix: 'Add it first.', figures: { vm } });
    return guest;
  }

  #unmap(frame: Frame): void {
    frame.mapped--;
    if (frame.mapped === 0) this.#frames.delete(frame);
  }
}
