import { hostCapacity, promisedExtra } from '../../shared/hypervisor/host-capacity.ts';
import { type Amounts, dimensionsOf, minus } from '../../shared/model/amounts.ts';
import { type Expandable, type Host, promisedBy } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { hostKey } from '../host/records.ts';

const EXPANDABLE = ['sockets', 'coresPerSocket', 'memoryMiB', 'numaNodes'] as const satisfies (keyof Expandable)[];

export const hasHardware = (host: Host, hardware: Expandable): boolean =>
  EXPANDABLE.every((field) => host[field] === hardware[field]);

/**
 * The record and the ledger of a host follow its hardware: capacity and what is free change by the same amounts, and so
 * does what its cluster promises on top (OVC-5). Nothing is held there, so nodes may also become smaller.
 */
export async function adopt(host: Host, hardware: Expandable, state: State, { store }: StepDeps): Promise<void> {
  if (hasHardware(host, hardware)) return;
  const cluster = await new Inventory(store, SYSTEM).cluster(host.clusterId);
  const capacity = hostCapacity({ ...host, ...hardware }, host.capacity.node0Vcpus !== undefined);
  const extra = promisedExtra(capacity, cluster);
  const more = {
    capacity: minus(capacity, host.capacity),
    free: minus(promisedBy({ capacity, ...extra }), promisedBy(host)),
  };
  const changed = () => new TryAgain(`host ${host.id}, or what its cluster promises, changed meanwhile`);
  const tx = new Transaction()
    .update(hostKey(host), {
      set: { ...hardware, ...extra, ...fresh('capacity', host, more.capacity), ...fresh('free', host, more.free) },
      add: { version: 1, ...grown('capacity', host, more.capacity), ...grown('free', host, more.free) },
      condition: [
        '#claim = :mine',
        ...EXPANDABLE.map((field) => `#${field} = :${field}Was`),
        ...(['overcommitMiB', 'overcommitVcpus'] as const).map((e) =>
          host[e] === undefined ? `attribute_not_exists(#${e})` : `#${e} = :${e}Was`,
        ),
      ].join(' AND '),
      names: { '#claim': 'claim' },
      values: {
        ':mine': state.operationId,
        ...Object.fromEntries(EXPANDABLE.map((field) => [`:${field}Was`, host[field]])),
        ...(host.overcommitMiB === undefined ? {} : { ':overcommitMiBWas': host.overcommitMiB }),
        ...(host.overcommitVcpus === undefined ? {} : { ':overcommitVcpusWas': host.overcommitVcpus }),
      },
      onFail: changed,
    })
    .check(keys.cluster(cluster.id), 'version = :seen', changed, { ':seen': cluster.version });
  await store.commit(tx);
}

type Ledger = 'capacity' | 'free';

/** Dimensions that the ledger has not counted before: a node that came with a socket. */
const fresh = (ledger: Ledger, host: Host, more: Amounts): Record<string, number> =>
  Object.fromEntries(
    dimensionsOf(more).flatMap((d) => (host[ledger][d] === undefined ? [[`${ledger}.${d}`, more[d] as number]] : [])),
  );

/** Relative: a ledger is never overwritten. */
const grown = (ledger: Ledger, host: Host, more: Amounts): Record<string, number> =>
  Object.fromEntries(
    dimensionsOf(more).flatMap((d) =>
      host[ledger][d] !== undefined && more[d] ? [[`${ledger}.${d}`, more[d] as number]] : [],
    ),
  );
