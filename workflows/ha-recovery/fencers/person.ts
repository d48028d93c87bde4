import { iso } from '../../../shared/kernel/clock.ts';
import type { Host } from '../../../shared/model/inventory.ts';
import type { Fencer } from './fencer.ts';
import { lastLives } from './lease.ts';

/** How often a fence that waits looks for a word of a person, and asks the power controller again, ms. Declared. */
export const WORD_EVERY_MS = 30_000;

/**
 * The last way of fencing (HA-7): a person has made sure that the host runs nothing. It counts for what was silent
 * then; a sign of life since, `seenAt`, proves it wrong.
 */
export function byPerson({ fenceConfirmed }: Pick<Host, 'fenceConfirmed'>, seenAt: number): string | undefined {
  if (!fenceConfirmed || seenAt >= fenceConfirmed.at) return undefined;
  const { by, at, statement } = fenceConfirmed;
  return `${by} confirmed at ${iso(at)} that it runs nothing: ${statement}`;
}

export const person: Fencer = {
  async fence(siteId, hosts, deps) {
    const said = hosts.filter((host) => host.fenceConfirmed);
    if (said.length === 0) return new Map();
    // While signs of life cannot be read nobody's word can be checked; nor could anything be started at that site.
    const seen = (await lastLives(siteId, said, deps)) ?? [];
    return new Map(
      seen.flatMap((host) => {
        const word = byPerson(host, host.seenAt);
        return word ? [[host.id, word] as const] : [];
      }),
    );
  },
};
