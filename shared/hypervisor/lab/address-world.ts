import { createMachine } from '../memory/frames.ts';
import { createNativeProcess } from '../memory/native.ts';
import { createNested } from '../memory/nested.ts';
import { MIB, pageBytes, pagesOf, smallerPage } from '../memory/pages.ts';
import type { GuestUpdate, Scheme } from '../memory/scheme.ts';
import { createShadow } from '../memory/shadow.ts';
import { createThreeTables } from '../memory/three-tables.ts';
import { createVmMemory, type VmMemory } from '../memory/vm-memory.ts';
import { GUEST_TABLE_AREA_BYTES, TABLE_LEVELS_MOST } from '../parameters.ts';
import type { AddressQuestion, SchemeName } from './address-spec.ts';
import { RefusedAt, within } from './within.ts';

/** One page of an application in a VM, under several schemes that have the same host behind them. */
export interface World {
  address: number;
  /** Where the guest keeps the address, GPA: before and after the remap. */
  places: number[];
  schemes: { name: SchemeName; scheme: Scheme; remap(): GuestUpdate }[];
}

const VIRTUAL = { 'three-tables': createThreeTables, shadow: createShadow, nested: createNested };

/**
 * The guest keeps page i of the application half a VM further on, so that each layer has numbers of its own; the remap
 * moves it to the next page. Memory stands behind both places from the start, as the three tables allocate none.
 * @throws RefusedAt MEM-3, MEM-11 for an address, page size, number of levels or memory that cannot be
 */
export function createWorld(question: AddressQuestion): World {
  const { memoryMiB, pageSize, hostPageSize, levels, tlbEntries } = question;
  const address = typeof question.address === 'string' ? Number.parseInt(question.address, 16) : question.address;
  const sized = levels >= 1 && levels <= TABLE_LEVELS_MOST ? 'memoryMiB' : 'levels';
  const memory = within(sized, () => createVmMemory({ sizeMiB: memoryMiB, hostPage: hostPageSize, levels }));
  const pages = within('pageSize', () => pagesOf(memoryMiB, pageSize));
  within('address', () => memory.checkInside(address, 1));
  const places = placesOf(question, pages, address);
  for (const place of places) memory.allocate(place);
  const base = address - (address % pageBytes(pageSize));
  const [first, second = first] = places.map((place) => place - (address - base)) as [number, number?];
  const schemes = question.schemes.map((name) =>
    within('levels', () => {
      if (name === 'native') return nativeScheme(question, memory, address, places);
      const scheme = VIRTUAL[name]({ memory, guestLevels: levels, tlbEntries });
      scheme.map(base, first, pageSize);
      return { name, scheme, remap: () => scheme.remap(base, second) };
    }),
  );
  return { address, places, schemes };
}

function placesOf({ pageSize, memoryMiB, remap }: AddressQuestion, pages: number, address: number): number[] {
  const bytes = pageBytes(pageSize);
  // The guest's own tables stand at the end of its memory.
  const usable = Math.max(1, Math.floor((memoryMiB * MIB - GUEST_TABLE_AREA_BYTES) / bytes));
  if (remap && usable < 2)
    throw new RefusedAt(
      {
        rule: 'MEM-3',
        reason: `a VM of ${pages} pages of ${pageSize} has no other page to move to`,
        fix: 'give it more memory, or smaller pages',
        figures: { pages },
      },
      'remap',
    );
  const first = (Math.floor(address / bytes) + Math.floor(usable / 2)) % usable;
  return (remap ? [first, (first + 1) % usable] : [first]).map((page) => page * bytes + (address % bytes));
}

/** A process without VM, to which the host OS gives the very frames that the guest's mapping leads to. */
function nativeScheme(question: AddressQuestion, memory: VmMemory, address: number, places: readonly number[]) {
  const { pageSize, hostPageSize, levels, tlbEntries } = question;
  const scheme = createNativeProcess({ machine: createMachine(), levels, tlbEntries });
  const page = smallerPage(pageSize, hostPageSize);
  const offset = address % pageBytes(page);
  const [first, second = first] = places.map((place) => memory.touch(place) - offset) as [number, number?];
  scheme.map(address - offset, first, page);
  return { name: 'native' as const, scheme, remap: () => scheme.remap(address - offset, second) };
}
