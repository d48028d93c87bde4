import { BASE_PAGE_BYTES, TABLE_ENTRIES, TABLE_ENTRY_BYTES, TABLE_LEVELS_MOST } from '../parameters.ts';
import { Refused } from '../refusal.ts';
import type { TableSpace } from './frames.ts';
import { type FixedPage, pageBytes } from './pages.ts';

/** What a walk finds. Addresses in bytes; `references` counts the entries that were read. */
export type Walk =
  | {
      found: true;
      /** The translated address. */
      address: number;
      pageBytes: number;
      writable: boolean;
      /** Where the entry of the page stands. */
      entry: number;
      references: number;
    }
  | {
      found: false;
      /** The level that missed: 1 is the lowest. */
      level: number;
      /** Address of the table page that missed. */
      table: number;
      references: number;
    };

/** The page that an operation changed, by its first address. */
export interface PageRange {
  base: number;
  bytes: number;
}

/** A radix page table. Its pages are real frames of the space that it was made in. */
export interface PageTable {
  readonly root: number;
  readonly levels: number;
  /** Enters a page. Refused when anything is mapped there, or when address or target are not on a page's edge. */
  map(address: number, target: number, page: FixedPage, writable?: boolean): PageRange;
  /** Lets the page that holds the address point elsewhere; its size stays. Refused when none does. */
  remap(address: number, target: number, writable?: boolean): PageRange;
  /** Takes the page that holds the address out, and gives empty tables back. Refused when none does. */
  unmap(address: number): PageRange;
  walk(address: number): Walk;
}

// The layout of an entry is that of x86: flags in the low 12 bits, which are 0 in the address of every frame.
const PRESENT = 1;
const WRITABLE = 2;
const LARGE_PAGE = 128;

const flagsOf = (word: number): number => word % BASE_PAGE_BYTES;
const isPage = (word: number, level: number): boolean => level === 1 || (flagsOf(word) & LARGE_PAGE) !== 0;
export const isPresent = (word: number): boolean => (flagsOf(word) & PRESENT) !== 0;
/** The address in an entry: of the next table, or of the page. */
export const targetOf = (word: number): number => word - flagsOf(word);

const bytesAt = (level: number): number => BASE_PAGE_BYTES * TABLE_ENTRIES ** (level - 1);
const entryAddress = (table: number, address: number, level: number): number =>
  table + (Math.floor(address / bytesAt(level)) % TABLE_ENTRIES) * TABLE_ENTRY_BYTES;

/** End of the addresses that a table of so many levels can translate, bytes. Numbers are exact below 2^53. */
export const addressEnd = (levels: number): number => Math.min(bytesAt(levels + 1), 2 ** 53);

const refuse = (reason: string, fix: string, figures: Record<string, number>): never => {
  throw new Refused({ rule: 'MEM-3', reason, fix, figures });
};
function checkAddress(address: number, levels: number): void {
  const end = addressEnd(levels);
  if (!Number.isSafeInteger(address) || address < 0 || address >= end)
    refuse(`address ${address} is outside of a table of ${levels} levels`, `use addresses below ${end}`, {
      address,
      end,
    });
}
function checkEdge(address: number, bytes: number): void {
  if (!Number.isSafeInteger(address) || address < 0 || address % bytes !== 0)
    refuse(`address ${address} is not on the edge of a page of ${bytes} bytes`, 'align it', { address, bytes });
}

/**
 * Walks the table at `root` as an MMU does. Every entry is read through `read`, so whoever passes it can count. Refused
 * by MEM-3 when so many levels cannot translate the address.
 */
export function walk(root: number, levels: number, address: number, read: (entry: number) => number): Walk {
  checkAddress(address, levels);
  let table = root;
  for (let level = levels; ; level--) {
    const references = levels - level + 1;
    const entry = entryAddress(table, address, level);
    const word = read(entry);
    if (!isPresent(word)) return { found: false, level, table, references };
    if (isPage(word, level)) {
      const bytes = bytesAt(level);
      const writable = (flagsOf(word) & WRITABLE) !== 0;
      return {
        found: true,
        address: targetOf(word) + (address % bytes),
        pageBytes: bytes,
        writable,
        entry,
        references,
      };
    }
    table = targetOf(word);
  }
}

/** An empty table of 1 to 5 levels (MEM-3). Refused for any other number. */
export function createPageTable(space: TableSpace, levels: number): PageTable {
  if (!Number.isInteger(levels) || levels < 1 || levels > TABLE_LEVELS_MOST)
    refuse(`a page table has 1 to ${TABLE_LEVELS_MOST} levels, not ${levels}`, 'choose one of these', { levels });
  const root = space.takeFrame();
  /** Entries in use of each table page; one without any goes back. */
  const used = new Map<number, number>([[root, 0]]);

  const use = (table: number, by: 1 | -1): number => {
    const now = (used.get(table) ?? 0) + by;
    used.set(table, now);
    return now;
  };
  const wordOf = (target: number, level: number, writable: boolean): number =>
    target + PRESENT + (writable ? WRITABLE : 0) + (level > 1 ? LARGE_PAGE : 0);

  /** The tables on the way to the entry of the page that holds the address, the root first. */
  const wayTo = (address: number): { tables: number[]; level: number; entry: number } => {
    checkAddress(address, levels);
    const tables = [root];
    for (let level = levels; ; level--) {
      const entry = entryAddress(tables.at(-1) as number, address, level);
      const word = space.read(entry);
      if (!isPresent(word)) return refuse(`no page is mapped at ${address}`, 'map it first', { address, level });
      if (isPage(word, level)) return { tables, level, entry };
      tables.push(targetOf(word));
    }
  };
  const rangeOf = (address: number, level: number): PageRange => {
    const bytes = bytesAt(level);
    return { base: address - (address % bytes), bytes };
  };

  return {
    root,
    levels,
    map(address, target, page, writable = true) {
      checkAddress(address, levels);
      const bytes = pageBytes(page);
      checkEdge(address, bytes);
      checkEdge(target, bytes);
      if (bytes > bytesAt(levels))
        refuse(`a table of ${levels} levels has no page of ${bytes} bytes`, 'use a smaller page', { levels, bytes });
      let table = root;
      let level = levels;
      for (; bytesAt(level) > bytes; level--) {
        const entry = entryAddress(table, address, level);
        const word = space.read(entry);
        if (isPresent(word) && isPage(word, level))
          refuse(`a larger page covers ${address}`, 'unmap it first', { address, level });
        if (isPresent(word)) {
          table = targetOf(word);
          continue;
        }
        const below = space.takeFrame();
        used.set(below, 0);
        use(table, 1);
        space.write(entry, below + PRESENT + WRITABLE);
        table = below;
      }
      const entry = entryAddress(table, address, level);
      if (isPresent(space.read(entry)))
        refuse(`address ${address} is mapped already`, 'remap or unmap it', { address, level });
      space.write(entry, wordOf(target, level, writable));
      use(table, 1);
      return { base: address, bytes };
    },
    remap(address, target, writable = true) {
      const { level, entry } = wayTo(address);
      checkEdge(target, bytesAt(level));
      space.write(entry, wordOf(target, level, writable));
      return rangeOf(address, level);
    },
    unmap(address) {
      const { tables, level, entry } = wayTo(address);
      space.write(entry, 0);
      let at = level;
      while (tables.length > 0) {
        const table = tables.pop() as number;
        const above = tables.at(-1);
        if (use(table, -1) > 0 || above === undefined) break;
        at++;
        space.write(entryAddress(above, address, at), 0);
        used.delete(table);
        space.giveFrame(table);
      }
      return rangeOf(address, level);
    },
    walk: (address) => walk(root, levels, address, space.read),
  };
}
