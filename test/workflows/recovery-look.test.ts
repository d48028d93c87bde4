import { expect, it } from 'vitest';
import { nextLook } from '../../workflows/vm/look.ts';

const NOW = 1_000_000;
const s = (seconds: number) => NOW + seconds * 1000;

it.each([
  ['nothing was started', [], 1],
  ['all serve within a few seconds: when the last one does', [s(30), s(34.2), s(35)], 35],
  ['some boot after others: when the first bunch serves', [s(65), s(30), s(33)], 33],
  ['the first bunch serves already: when the second does', [s(-2), s(31)], 31],
  ['one should serve by now: again soon', [s(-1)], 5],
])('what serves is looked at: %s', (_what, readyAt, seconds) => {
  expect(nextLook(readyAt, NOW)).toBe(seconds);
});
