import type * as z from 'zod';
import type { patchCluster } from '../../shared/contract/shapes.ts';
import { effectiveGeneration } from '../../shared/hypervisor/cpu/baseline.ts';
import { promisedExtra } from '../../shared/hypervisor/host-capacity.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { formerLeasesAfter } from '../../shared/model/ha.ts';
import { allocatedOf, type Cluster, type Host, promisedBy } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type Call, resource } from '../http/call.ts';
import { versioned } from '../http/conditions.ts';
import { refusalsOf, unavailable } from '../http/refusals.ts';
import { clusterView } from '../http/views.ts';
import { holdEmpty, mustMakeSense, stateWith } from './failover-settings.ts';

/**
 * Changes the settings of a cluster: HA, memory overcommit (OVC-5), NUMA for guests (NUMA-3), CPU baseline (SCH-6). An
 * operation tells the hosts and their ledgers. A promise for failures is accepted even if it is broken already: the answer
 * says how it stands, and the probe raises the alarm (HA-13). What VMs there already need is not taken away: that is refused here, with
 * the host and its figures.
 */
export async function changeCluster(call: Call<z.infer<typeof patchCluster>>) {
  const inventory = new Inventory(call.deps.store, SYSTEM);
  const cluster = await inventory.cluster(call.param('clusterId'));
  call.checkVersion(cluster);
  const { cpuBaseline = cluster.cpuBaseline, overcommit: change, ha: haChange, ...rest } = call.body;
  const { cpuBaseline: _, ...before } = cluster;
  const after: Cluster = {
    ...before,
    ...given(rest),
    ha: { ...cluster.ha, ...given(haChange ?? {}) },
    overcommit: { ...cluster.overcommit, ...given(change ?? {}) },
    ...(cpuBaseline ? { cpuBaseline } : {}),
    version: cluster.version + 1,
  };
  const hosts = await inventory.hostsOf(cluster.id, { consistent: true });
  mustBePossible(after, hosts);
  const failover = FAILOVER.some((field) => haChange?.[field] !== undefined);
  if (failover) mustMakeSense(cluster, after, hosts);
  const { state, slots } = failover ? await stateWith(call.deps.store, after) : {};
  const { ha, overcommit, vcpuRatioPercent, numa } = after;
  const formerLeases = formerLeasesAfter(cluster, ha.leaseSeconds, call.now);
  const tx = new Transaction().update(keys.cluster(cluster.id), {
    set: {
      ha,
      formerLeases,
      overcommit,
      vcpuRatioPercent,
      numa,
      ...(cpuBaseline ? { cpuBaseline } : {}),
      ...(slots ? { slots } : {}),
    },
    add: { version: 1 },
    remove: cpuBaseline ? [] : ['cpuBaseline'],
    ...versioned(cluster),
    ...(slots ? asNoted(cluster) : {}),
  });
  if (failover) holdEmpty(tx, cluster, after);
  const operation = newOperation({
    id: call.newId('operation', undefined),
    kind: 'configure',
    target: cluster.id,
    input: {
      clusterId: cluster.id,
      before: {
        overcommit: cluster.overcommit,
        vcpuRatioPercent: cluster.vcpuRatioPercent,
        numa: cluster.numa,
        version: cluster.version,
      },
    },
    createdAt: call.now,
  });
  const answer = resource(200, { ...clusterView(after), ...(state ? { failover: state } : {}) });
  const headers = { ...answer.headers, 'operation-location': `/v1/system/operations/${operation.id}` };
  return call.commit(tx, { ...answer, headers }, { operation });
}

/** As `versioned`, and no start has noted a larger VM meanwhile: that changes no version. */
const asNoted = (cluster: Cluster) => {
  const { condition, names, values } = versioned(cluster);
  const { slots } = cluster;
  return {
    condition: `${condition} AND ${slots ? '#slots.#changes = :changes' : 'attribute_not_exists(#slots)'}`,
    names: { ...names, '#slots': 'slots', ...(slots ? { '#changes': 'changes' } : {}) },
    values: { ...values, ...(slots ? { ':changes': slots.changes } : {}) },
  };
};

/** What decides how a cluster stands to failures. */
const FAILOVER = ['admission', 'failoverHosts', 'recovery'] as const;

/** @throws `in-use`, or `feature-unavailable` for a host that is older than the baseline. */
function mustBePossible(after: Cluster, hosts: readonly Host[]): void {
  for (const host of hosts) {
    const { cpuGeneration } = host;
    const [older] = cpuGeneration ? refusalsOf(() => effectiveGeneration(cpuGeneration, after.cpuBaseline)) : [];
    if (older) throw unavailable('cpuBaseline', { ...older, reason: `${host.name}: ${older.reason}` });
    const extra = promisedExtra(host.capacity, after);
    const may = promisedBy({ capacity: host.capacity, ...extra });
    const allocated = allocatedOf(host);
    const over = (['vcpus', 'memoryMiB'] as const).find((d) => allocated[d] > may[d]);
    if (over)
      throw new DomainError(
        'in-use',
        `VMs of host ${host.name} have ${allocated[over]} ${UNIT[over]}, and it might promise ${may[over]} then (${RULE[over]}).`,
        {
          figures: {
            rule: RULE[over],
            hostId: host.id,
            dimension: over,
            allocated: allocated[over],
            allowed: may[over],
            help: ['Move or stop VMs of this host first, or choose a higher ratio.'],
          },
        },
      );
  }
}

const UNIT = { vcpus: 'vCPUs', memoryMiB: 'MiB' } as const;
const RULE = { vcpus: 'CPU-17', memoryMiB: 'OVC-5' } as const;

const given = <T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)) as never;
