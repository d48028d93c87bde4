import { demandOf } from '../../hypervisor/demand.ts';
import { loadOf, type Machine } from '../../hypervisor/machine.ts';
import type { CopyPlan } from '../../hypervisor/migration/copy.ts';
import { copyMs, planLiveMigration } from '../../hypervisor/migration/live.ts';
import type {
  CancelResult,
  MigrationOrder,
  MigrationRef,
  MigrationResult,
  SwitchResult,
} from '../../hypervisor/port.ts';
import { Transaction } from '../../store/transaction.ts';
import { endOf, guestBorn, seenState } from '../process.ts';
import { type Departure, type WorldHost, type WorldIncoming, type WorldProcess, worldKeys } from '../records.ts';
import { agentReachable, type HostTimeline, within } from '../timeline.ts';
import { Refusal, type Site } from './common.ts';
import { freeOn, lacking } from './room.ts';
import { grantVolumes } from './start.ts';

/** Both ends of a migration as one call finds them. */
interface Ends {
  now: number;
  source: WorldHost;
  target: WorldHost;
  targetLine: HostTimeline;
  /** What stands at the source, dead or alive. */
  process: WorldProcess | undefined;
  /** It runs there with the epoch that the order names. */
  runs: boolean;
}
type Outcome<R> = Omit<R, 'vmId' | 'hostId'>;

const ref = ({ vmId, hostId }: MigrationRef) => ({ vmId, hostId });

export async function beginMigrations(site: Site, orders: MigrationOrder[]): Promise<MigrationResult[]> {
  const results: MigrationResult[] = [];
  for (const order of orders) results.push({ ...ref(order), ...(await begin(site, order)) });
  return results;
}

async function begin(site: Site, order: MigrationOrder): Promise<Outcome<MigrationResult>> {
  const ends = await endsOf(site, order);
  if (!ends) return { outcome: 'unreachable' };
  const { process, runs, now, source, target, targetLine } = ends;
  if (!process || !runs) return { outcome: 'refused', reason: `VM ${order.vmId} does not run on ${order.hostId}` };
  // Every migration of a VM has an epoch of its own: what belongs to an earlier one comes too late.
  if ((process.cancelled ?? 0) >= order.toEpoch || (process.migration?.epoch ?? 0) > order.toEpoch)
    return { outcome: 'refused', reason: 'this migration was given up' };
  if (process.migration?.epoch === order.toEpoch)
    return answer(planOf(process, process.migration, ends), process.migration);
  if (within(targetLine.storageLost, now))
    return { outcome: 'refused', reason: `host ${order.to} does not reach its storage` };
  const short = lacking(order.to, await freeOn(site.world, target, targetLine, now), demandOf(order.machine));
  if (short) return { outcome: 'refused', reason: short };
  const departure: Departure = { to: order.to, epoch: order.toEpoch, startedAt: now, options: order.options };
  const plan = planLiveMigration(order.machine, loadOf(order.machine, process.workload), source, target, order.options);
  if (plan.outcome === 'not-converged') return unconverged(plan);
  const incoming: WorldIncoming = {
    kind: 'incoming',
    vmId: order.vmId,
    hostId: order.to,
    from: order.hostId,
    epoch: order.toEpoch,
    at: now,
    machine: order.machine,
  };
  const tx = new Transaction()
    .put(worldKeys.incoming(order.to, order.vmId), incoming, { table: 'world' })
    .update(worldKeys.process(order.hostId, order.vmId), { set: { migration: departure }, ...alive(process) }, 'world');
  const former = process.migration;
  if (former && former.to !== order.to) tx.delete(worldKeys.incoming(former.to, order.vmId), { table: 'world' });
  return commit(site, tx, () => answer(plan, departure));
}

export async function switchOver(site: Site, orders: MigrationRef[]): Promise<SwitchResult[]> {
  const results: SwitchResult[] = [];
  for (const order of orders) results.push({ ...ref(order), ...(await switchOne(site, order)) });
  return results;
}

/**
 * One transaction ends the process at the source, starts it at the target and hands the disks over, so that at no
 * instant there are two, nor two writers. The guest stands still until the remainder of its memory has arrived.
 */
async function switchOne(site: Site, order: MigrationRef): Promise<Outcome<SwitchResult>> {
  const { world } = site;
  const there = await world.process(order.to, order.vmId);
  if (there?.epoch === order.toEpoch && there.machine) return { outcome: 'switched', readyAt: there.readyAt };
  const ends = await endsOf(site, order);
  if (!ends) return { outcome: 'unreachable' };
  const { process, runs, now, target, targetLine } = ends;
  const departure = process?.migration;
  if (!process || !runs || departure?.epoch !== order.toEpoch || departure.to !== order.to)
    return { outcome: 'refused', reason: `VM ${order.vmId} is not being copied from ${order.hostId}` };
  const incoming = (await world.incomingAt(order.to)).find((i) => i.vmId === order.vmId && i.epoch === order.toEpoch);
  if (!incoming || targetLine.kills.some((kill) => kill >= incoming.at && kill <= now))
    return { outcome: 'refused', reason: `host ${order.to} has failed and lost what was copied` };
  if (within(targetLine.storageLost, now))
    return { outcome: 'refused', reason: `host ${order.to} does not reach its storage` };
  const plan = planOf(process, departure, ends);
  if (plan.outcome === 'not-converged') return unconverged(plan);
  const switchAt = switchTime(plan, departure);
  if (now < switchAt) return { outcome: 'early', switchAt };
  const readyAt = now + Math.ceil(plan.downtimeMs);
  const { migration: _, stoppedAt: __, ...same } = process;
  const arrived: WorldProcess = {
    ...same,
    hostId: order.to,
    siteId: target.siteId,
    epoch: order.toEpoch,
    startedAt: now,
    readyAt,
    guestSince: guestBorn(process),
    // Its settings may have been changed since; its NUMA nodes are those of the target.
    machine: settled(process.machine as Machine, incoming.machine),
  };
  const tx = new Transaction()
    .update(
      worldKeys.process(order.hostId, order.vmId),
      {
        set: { stoppedAt: now, movedTo: { hostId: order.to, epoch: order.toEpoch } },
        remove: ['migration'],
        ...alive(process),
      },
      'world',
    )
    .put(worldKeys.process(order.to, order.vmId), arrived, {
      table: 'world',
      condition: 'attribute_not_exists(pk) OR epoch < :epoch',
      values: { ':epoch': order.toEpoch },
      onFail: () => new Refusal(`a newer order for host ${order.to} came first`),
    })
    .delete(worldKeys.incoming(order.to, order.vmId), { table: 'world' });
  powerUnchanged(tx, ends.source);
  powerUnchanged(tx, target);
  grantVolumes(tx, order.vmId, incoming.machine, { epoch: order.toEpoch, hostId: order.to, siteId: target.siteId });
  return commit(site, tx, () => ({ outcome: 'switched', readyAt, plan }));
}

export async function cancelMigrations(site: Site, orders: MigrationRef[]): Promise<CancelResult[]> {
  const results: CancelResult[] = [];
  for (const order of orders) results.push({ ...ref(order), outcome: await cancel(site, order) });
  return results;
}

/** What matters is the source: without its word no switch-over happens. The target's copy is thrown away with it. */
async function cancel({ world, clock }: Site, order: MigrationRef): Promise<CancelResult['outcome']> {
  const line = (await world.timelines([order.hostId], await world.faults())).get(order.hostId);
  const process = await world.process(order.hostId, order.vmId);
  if (process?.movedTo?.epoch === order.toEpoch) return 'moved';
  const dead = !process || !line || endOf(process, line, clock.now()) !== undefined;
  if (!dead && !agentReachable(line, clock.now())) return 'unreachable';
  const tx = new Transaction().delete(worldKeys.incoming(order.to, order.vmId), {
    table: 'world',
    condition: 'attribute_not_exists(pk) OR epoch <= :epoch',
    values: { ':epoch': order.toEpoch },
    onFail: () => new Refusal('a newer migration is under way'),
  });
  if (process?.migration?.epoch === order.toEpoch)
    tx.update(
      worldKeys.process(order.hostId, order.vmId),
      { set: { cancelled: order.toEpoch }, remove: ['migration'], ...alive(process) },
      'world',
    );
  else if (process && process.epoch === order.epoch && (process.cancelled ?? 0) < order.toEpoch)
    // The order to begin may still be on its way.
    tx.update(
      worldKeys.process(order.hostId, order.vmId),
      { set: { cancelled: order.toEpoch }, ...alive(process) },
      'world',
    );
  try {
    await world.store.commit(tx);
    return 'cancelled';
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const now = await world.process(order.hostId, order.vmId);
    if (now?.movedTo?.epoch === order.toEpoch) return 'moved';
    // It was changed meanwhile: whether it is called off is not known until it is asked again.
    return (now?.cancelled ?? 0) >= order.toEpoch || now?.stoppedAt !== undefined ? 'cancelled' : 'unreachable';
  }
}

async function endsOf({ world, clock }: Site, order: MigrationRef): Promise<Ends | undefined> {
  const faults = await world.faults();
  const now = clock.now();
  const [[source, target], process] = await Promise.all([
    Promise.all([world.host(order.hostId), world.host(order.to)]),
    world.process(order.hostId, order.vmId),
  ]);
  const lines = await world.timelines([order.hostId, order.to], faults);
  const [line, targetLine] = [lines.get(order.hostId), lines.get(order.to)];
  if (!source || !target || !line || !targetLine) return undefined;
  if (!agentReachable(line, now) || !agentReachable(targetLine, now)) return undefined;
  const runs = process?.epoch === order.epoch && seenState(process, line, faults, now) === 'running';
  return { now, source, target, targetLine, process, runs };
}

/** By the guest's present load: one that has begun to write faster needs longer, or never gets there. */
const planOf = (process: WorldProcess, departure: Departure, { source, target }: Ends): CopyPlan => {
  const machine = process.machine as Machine;
  return planLiveMigration(machine, loadOf(machine, process.workload), source, target, departure.options);
};

const switchTime = (plan: CopyPlan, departure: Departure): number => departure.startedAt + Math.ceil(copyMs(plan));
const unconverged = (plan: CopyPlan) => ({
  outcome: 'not-converged' as const,
  plan,
  reason: plan.reason ?? 'it does not converge',
});
const answer = (plan: CopyPlan, departure: Departure): Outcome<MigrationResult> =>
  plan.outcome === 'completed'
    ? { outcome: 'copying', plan, switchAt: switchTime(plan, departure) }
    : unconverged(plan);

const settled = ({ home: _, ...machine }: Machine, { home }: Machine): Machine => ({
  ...machine,
  ...(home ? { home } : {}),
});

/** The process as it was read: it lives, was not changed, and its departure stands. */
const alive = (process: WorldProcess) => ({
  condition: [
    '#epoch = :epoch AND attribute_not_exists(#stoppedAt) AND #version = :version',
    process.migration ? '#migration.#epoch = :departure' : 'attribute_not_exists(#migration)',
    process.cancelled === undefined ? 'attribute_not_exists(#cancelled)' : '#cancelled = :cancelled',
  ].join(' AND '),
  names: {
    '#epoch': 'epoch',
    '#stoppedAt': 'stoppedAt',
    '#version': 'version',
    '#migration': 'migration',
    '#cancelled': 'cancelled',
  },
  values: {
    ':epoch': process.epoch,
    ':version': process.version,
    ...(process.migration ? { ':departure': process.migration.epoch } : {}),
    ...(process.cancelled === undefined ? {} : { ':cancelled': process.cancelled }),
  },
  onFail: () => new Refusal('the process at the source has ended meanwhile'),
});

/** Nobody has switched the host off or on since it was looked at: a fence that was confirmed stays true. */
function powerUnchanged(tx: Transaction, host: WorldHost): void {
  tx.check(
    worldKeys.host(host.id),
    'size(bmc) = :before',
    () => new Refusal(`the power of host ${host.id} was switched meanwhile`),
    { ':before': host.bmc.length },
    'world',
  );
}

/** What a race has changed meanwhile is looked at again: until then nothing is known, as of a host that is silent. */
async function commit<R>({ world }: Site, tx: Transaction, done: () => R): Promise<R | { outcome: 'unreachable' }> {
  try {
    await world.store.commit(tx);
    return done();
  } catch (error) {
    if (error instanceof Refusal) return { outcome: 'unreachable' };
    throw error;
  }
}
