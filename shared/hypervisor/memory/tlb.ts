import { Refused } from '../refusal.ts';
import { FIXED_PAGES, type FixedPage, pageBytes, pageMiB } from './pages.ts';

/** One cached translation. Addresses of first bytes. */
export interface TlbEntry {
  base: number;
  target: number;
  page: FixedPage;
  writable: boolean;
}

/** Translation look-aside buffer (MEM-14): forgets the least recently used entry first. */
export interface Tlb {
  /** The entry that translates the address. A hit makes it the most recently used. */
  lookup(address: number): TlbEntry | undefined;
  insert(entry: TlbEntry): void;
  /** Forgets every entry that touches the range, as INVLPG does when several entries stand for one page. */
  invalidate(base: number, bytes: number): void;
  flush(): void;
}

/** A TLB of so many entries, for pages of all sizes. 0 is a CPU without one; any other than a whole number is Refused. */
export function createTlb(entries: number): Tlb {
  if (!Number.isSafeInteger(entries) || entries < 0)
    throw new Refused({
      rule: 'MEM-14',
      reason: `a TLB cannot have ${entries} entries`,
      fix: 'use a whole number from 0 up',
      figures: { entries },
    });
  /** A Map keeps the order of insertion, so its first key is the least recently used. */
  const cached = new Map<number, TlbEntry>();
  /** Bases are multiples of 4096, which leaves room for the kind of page. */
  const keyOf = (address: number, page: FixedPage): number =>
    address - (address % pageBytes(page)) + FIXED_PAGES.indexOf(page);
  return {
    lookup(address) {
      for (const page of FIXED_PAGES) {
        const key = keyOf(address, page);
        const entry = cached.get(key);
        if (entry === undefined) continue;
        cached.delete(key);
        cached.set(key, entry);
        return entry;
      }
      return undefined;
    },
    insert(entry) {
      if (entries === 0) return;
      const key = keyOf(entry.base, entry.page);
      cached.delete(key);
      if (cached.size === entries) cached.delete(cached.keys().next().value as number);
      cached.set(key, entry);
    },
    invalidate(base, bytes) {
      for (const [key, entry] of cached)
        if (entry.base < base + bytes && base < entry.base + pageBytes(entry.page)) cached.delete(key);
    },
    flush: () => cached.clear(),
  };
}

/** Memory that a full TLB translates without a walk, MiB: entries x page size (MEM-10). */
export const tlbReachMiB = (entries: number, page: FixedPage): number => entries * pageMiB(page);
