import { figure } from '../performance/words.ts';

export const count = (n: number, thing: string): string => `${figure(n)} ${thing}${n === 1 ? '' : 's'}`;

/** An address as programmers write it. */
export const hex = (address: number): string => `0x${address.toString(16)}`;
