import { figure } from '../performance/words.ts';

export const count = (n: number, thing: string, things = `${thing}s`): string =>
  `${figure(n)} ${n === 1 ? thing : things}`;

/** An address as programmers write it. */
export const hex = (address: number): string => `0x${address.toString(16)}`;
