import { SECOND } from '../../shared/kernel/clock.ts';

/** Guests that serve within so long of each other are looked at together, ms. Declared. */
const TOGETHER_MS = 15 * SECOND;
/** What should serve by now, and does not, is looked at again after so long, s. Declared. */
const AGAIN_S = 5;

/**
 * After how many seconds it is looked at what serves: when the next bunch of guests is up, not when the last one is, which
 * may wait for others that it depends on. A look costs transitions, so a bunch is looked at once. Pure.
 */
export function nextLook(readyAt: readonly number[], now: number): number {
  const ahead = readyAt.filter((at) => at > now).sort((a, b) => a - b);
  if (ahead.length === 0) return readyAt.length === 0 ? 1 : AGAIN_S;
  const gap = ahead.findIndex((at, i) => at - (ahead[i - 1] ?? at) > TOGETHER_MS);
  const last = ahead[(gap === -1 ? ahead.length : gap) - 1] as number;
  return Math.max(1, Math.ceil((last - now) / SECOND));
}
