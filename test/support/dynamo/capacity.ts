import type { Change } from './change.ts';
import { sizeOfRow } from './values.ts';

const WRITE_UNIT = 1024;
const READ_UNIT = 4096;

/** A read counts in pieces of 4 KiB, half a unit each where it need not be consistent; nothing found is one piece. */
export const readUnits = (bytes: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / READ_UNIT)) * (consistent ? 1 : 0.5);

/** A write counts in pieces of 1 KiB of the larger item, before or after; twice in a transaction. */
export function writeUnits({ before, row }: Change, times: 1 | 2): number {
  const bytes = Math.max(before ? sizeOfRow(before) : 0, row ? sizeOfRow(row) : 0);
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT)) * times;
}
