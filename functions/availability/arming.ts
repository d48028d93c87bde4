import type * as z from 'zod';
import type { disarmCluster } from '../../shared/contract/availability.ts';
import { iso, MINUTE } from '../../shared/kernel/clock.ts';
import { busy, DomainError } from '../../shared/kernel/errors.ts';
import { armed, type Disarmed } from '../../shared/model/ha.ts';
import type { Cluster } from '../../shared/model/inventory.ts';
import { decideAnew, Raced } from '../../shared/store/anew.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { type Call, resource } from '../http/call.ts';
import { clusterView } from '../http/views.ts';

export const armingHandlers = {
  disarmCluster: (call: Call<z.infer<typeof disarmCluster>>) =>
    decideAnew(async () => {
      const cluster = await read(call);
      if (cluster.disarmed && !armed(cluster, call.now)) throw disarmedAlready(cluster, cluster.disarmed);
      const { reason, forMinutes } = call.body;
      const disarmed: Disarmed = {
        since: call.now,
        ...(forMinutes === undefined ? {} : { until: call.now + forMinutes * MINUTE }),
        reason,
        by: call.caller.actor,
      };
      const tx = new Transaction().update(keys.cluster(cluster.id), { set: { disarmed }, ...asRead(cluster) });
      const answer = resource(200, clusterView({ ...cluster, disarmed }));
      return call.commit(tx, answer, {
        event: { type: 'cluster.disarmed', subject: cluster.id, data: { ...call.body } },
      });
    }),

  armCluster: (call: Call) =>
    decideAnew(async () => {
      const { disarmed, ...cluster } = await read(call);
      if (!disarmed)
        throw new DomainError('illegal-transition', `High availability of cluster ${cluster.name} is in force.`, {
          figures: { state: 'armed', event: 'arm', allowed: ['disarm'] },
        });
      const tx = new Transaction().update(keys.cluster(cluster.id), {
        remove: ['disarmed'],
        ...asRead({ ...cluster, disarmed }),
      });
      const data = { disarmedBy: disarmed.by, since: iso(disarmed.since) };
      const answer = resource(200, clusterView(cluster));
      return call.commit(tx, answer, { event: { type: 'cluster.armed', subject: cluster.id, data } });
    }),
};

async function read(call: Call<unknown>): Promise<Cluster> {
  const cluster = await new Inventory(call.deps.store, SYSTEM).cluster(call.param('clusterId'));
  call.checkVersion(cluster);
  return cluster;
}

function disarmedAlready(cluster: Cluster, { by, since, until, reason }: Disarmed): DomainError {
  const end = until === undefined ? 'until it is armed' : `until ${iso(until)}`;
  return new DomainError(
    'illegal-transition',
    `${by} has disarmed cluster ${cluster.name} since ${iso(since)}, ${end}: ${reason}.`,
    {
      figures: {
        state: 'disarmed',
        event: 'disarm',
        allowed: ['arm'],
        by,
        since: iso(since),
        ...(until === undefined ? {} : { until: iso(until) }),
        reason,
      },
    },
  );
}

/**
 * Nobody has armed or disarmed it since. The version is left alone: it counts the settings that hosts are told, and
 * whoever tells them now must not take this for a newer one.
 */
const asRead = ({ disarmed, name }: Cluster): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => ({
  condition: disarmed ? '#disarmed.#since = :since' : 'attribute_exists(pk) AND attribute_not_exists(#disarmed)',
  names: { '#disarmed': 'disarmed', ...(disarmed ? { '#since': 'since' } : {}) },
  values: disarmed ? { ':since': disarmed.since } : {},
  onFail: () => new Raced(busy(`Cluster ${name} is armed and disarmed faster than this request can; try again.`)),
});
