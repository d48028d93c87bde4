import type * as z from 'zod';
import type { createFault } from '../../shared/contract/sim-shapes.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { invalid, notFound } from '../../shared/kernel/errors.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import type { Store } from '../../shared/store/store.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type Fault, worldKeys } from '../../shared/world/records.ts';
import type { World } from '../../shared/world/world.ts';
import type { Call } from '../http/call.ts';
import { slicePage } from '../http/paging.ts';
import { faultView } from './views.ts';

type Body = z.infer<typeof createFault>;

/** Kinds whose target is not a host: what it is instead. */
const OTHER_TARGETS: Partial<Record<Body['kind'], 'site' | 'vm' | 'datastore' | 'link' | 'volume'>> = {
  'site-loss': 'site',
  'call-timeout': 'site',
  'answer-lost': 'site',
  'duplicate-call': 'site',
  'guest-crash': 'vm',
  'guest-hang': 'vm',
  'datastore-loss': 'datastore',
  'slow-disk': 'volume',
  'disk-error': 'volume',
  'link-cut': 'link',
  'link-degraded': 'link',
};

export const faultHandlers = (world: World) => ({
  async createFault(call: Call<Body>) {
    const { kind, target, at, for: seconds } = call.body;
    await mustExist(world, call.deps.store, kind, target);
    const from = at ? Date.parse(at) : call.now;
    if (from < call.now - 1)
      throw invalid([
        { location: 'body.at', message: 'lies in the past', fix: 'leave it out for now, or name a later time' },
      ]);
    const fault: Fault = {
      kind: 'fault',
      id: call.newId('fault'),
      fault: kind,
      target,
      at: from,
      ...(seconds ? { until: from + seconds * SECOND } : {}),
    };
    const tx = new Transaction().put(worldKeys.fault(fault.id), fault, { table: 'world' });
    return call.commit(
      tx,
      { status: 201, body: faultView(fault, call.now) },
      { event: { type: 'simulation.changed', subject: fault.id, data: { fault: kind, target } } },
    );
  },

  async listFaults(call: Call) {
    const { list, options } = call.paging('');
    const page = slicePage(await world.faults(), options.limit, call.query.pageToken, list);
    return { status: 200, body: { ...page, items: page.items.map((f) => faultView(f, call.now)) } };
  },

  /** A fault is not forgotten when it ends: what it did to the world still follows from it. */
  async endFault(call: Call) {
    const id = call.param('faultId');
    const fault = (await world.faults()).find((f) => f.id === id);
    if (!fault) throw notFound('fault', id);
    const until = Math.max(fault.at, Math.min(fault.until ?? call.now, call.now));
    const tx = new Transaction().update(
      worldKeys.fault(id),
      { set: { until }, condition: 'attribute_exists(pk)', onFail: () => notFound('fault', id) },
      'world',
    );
    return call.commit(
      tx,
      { status: 204 },
      { event: { type: 'simulation.changed', subject: id, data: { ended: fault.fault, target: fault.target } } },
    );
  },
});

/** A fault on a thing that does not exist would be a drill that proves nothing. */
async function mustExist(world: World, store: Store, kind: Body['kind'], target: string): Promise<void> {
  const of = OTHER_TARGETS[kind] ?? 'host';
  const plant = new Inventory(store, SYSTEM);
  const there = async (): Promise<boolean> => {
    if (of === 'link') return (await plant.links()).some((l) => l.id === target);
    const hosts = await world.hosts();
    if (of === 'site') return hosts.some((h) => h.siteId === target);
    if (of === 'host') return hosts.some((h) => h.id === target || h.rack === target);
    if (of === 'datastore') {
      const sites = [...new Set(hosts.map((h) => h.siteId))];
      const datastores = (await Promise.all(sites.map((s) => plant.datastores(s)))).flat();
      return datastores.some((d) => d.id === target);
    }
    const volumes = await world.ofKind<{ id: string; vmId: string }>('volume');
    return volumes.some((v) => (of === 'vm' ? v.vmId : v.id) === target);
  };
  if (await there()) return;
  const message = `there is no ${of} '${target}' in the world`;
  throw invalid([
    { location: 'body.target', message, fix: `name a ${of} that GET /v1/sim/world or the inventory lists` },
  ]);
}
