import { MINUTE } from '../kernel/clock.ts';
import type { Host } from './inventory.ts';

/** A host flaps when it became suspect so often within the window. Declared. */
export const FLAPS = 3;
export const FLAP_WINDOW_MS = 10 * MINUTE;
/** A host that flaps takes VMs again when it has been well for so long, ms. Declared. */
export const STEADY_MS = 5 * MINUTE;

/** Its last instants with one more. */
export const flapsWith = (host: Pick<Host, 'flaps'>, at: number): number[] => [...(host.flaps ?? []), at].slice(-FLAPS);

/** It came and went so often that coming back once more means little: it stays suspect until it is steady. */
export function flaps({ flaps: at = [] }: Pick<Host, 'flaps'>): boolean {
  const [first, last] = [at[0], at.at(-1)];
  return at.length >= FLAPS && first !== undefined && last !== undefined && last - first <= FLAP_WINDOW_MS;
}

/** Whether a suspect host that is well may serve again. */
export const steady = (host: Pick<Host, 'flaps' | 'condition' | 'conditionAt'>, now: number): boolean =>
  !flaps(host) || (host.condition === 'alive' && now - (host.conditionAt ?? now) >= STEADY_MS);
