import type { RecoveryMethod } from '../model/ha.ts';
import type { Cluster } from '../model/inventory.ts';
import type { HostPool, Need } from './need.ts';
import type { Refused } from './placement.ts';
import type { Rule } from './validators.ts';

const STAGES: Record<RecoveryMethod, readonly HostPool[]> = {
  automatic: ['normal'],
  reserved: ['reserved'],
  automaticThenReserved: ['normal', 'reserved'],
  reservedThenAutomatic: ['reserved', 'normal'],
};

/** Which hosts are asked for a VM of a failed host, one stage after the other (HA-3, HA-13). */
export const recoveryStages = (method: RecoveryMethod): readonly HostPool[] => STAGES[method];

/**
 * Places a VM of a failed host: the next hosts are asked only where the ones before have no room. The promise of the
 * cluster is not asked: this is what the capacity was kept for. What cannot be placed is refused with the last answer.
 */
export function placeRecovered<P extends { ok: true }>(
  need: Need,
  { ha }: Pick<Cluster, 'ha'>,
  pick: (need: Need) => P | Refused,
): P | Refused {
  const { powersOn: _, ...asked } = need;
  let refused: Refused | undefined;
  for (const pool of recoveryStages(ha.recovery)) {
    const decision = pick({ ...asked, pool });
    if (decision.ok) return decision;
    refused = refused ? both(refused, decision) : decision;
  }
  return refused as Refused;
}

/** Rules that come before the question to which stage a host belongs: both stages rule out the same hosts by them. */
const COMMON: ReadonlySet<string> = new Set<Rule>(['site', 'cluster', 'host', 'state']);

/** A host that one stage passes over belongs to the other: what that one says of it counts. */
function both(a: Refused, b: Refused): Refused {
  const ruledOut = { ...a.ruledOut };
  for (const [rule, hosts] of Object.entries(b.ruledOut) as [Rule, number][])
    ruledOut[rule] = COMMON.has(rule) ? hosts : (ruledOut[rule] ?? 0) + hosts;
  delete ruledOut.failover;
  return { ...a, ruledOut, help: [...new Set([...a.help, ...b.help])] };
}
