import { loadOf } from '../../hypervisor/machine.ts';
import type { CopyPlan } from '../../hypervisor/migration/copy.ts';
import { copyMs } from '../../hypervisor/migration/live.ts';
import { figuresOf, planVolumeMoves, whyNotConverged } from '../../hypervisor/migration/volumes.ts';
import type {
  MovedVolumes,
  VolumeCancelResult,
  VolumeCommitResult,
  VolumeMoveOrder,
  VolumeMoveRef,
  VolumeMoveResult,
} from '../../hypervisor/port.ts';
import { BLOCKS_PER_GIB } from '../../kernel/units.ts';
import { Transaction } from '../../store/transaction.ts';
import { CopyMoved, clearExtent, copyOf, copyVolume, countBlocks, extentOf, hashExtents } from '../extents.ts';
import { endOf, processState } from '../process.ts';
import {
  type Fault,
  keyOfVolume,
  type VolumeCopy,
  type WorldProcess,
  type WorldVolume,
  worldKeys,
} from '../records.ts';
import { agentReachable, type HostTimeline } from '../timeline.ts';
import type { Site } from './common.ts';

/** Times that a call looks again when a guest writes, or another call copies, at the same instant. */
const ATTEMPTS = 16;

type At = Site & { siteId: string };
type Outcome<R> = Omit<R, 'vmId'>;
type Copied = WorldVolume & { move: VolumeCopy };

/** Why it cannot go on now, or for good. */
type Obstacle = { outcome: 'unreachable' } | { outcome: 'refused'; reason: string };
const refused = (reason: string) => ({ outcome: 'refused' as const, reason });

/** What copies: the process of a VM that runs, with its host; nobody for a stopped one. */
interface Ground {
  now: number;
  faults: Fault[];
  process: WorldProcess | undefined;
  line: HostTimeline | undefined;
}

export async function beginVolumeMoves(
  site: Site,
  siteId: string,
  orders: VolumeMoveOrder[],
): Promise<VolumeMoveResult[]> {
  const results: VolumeMoveResult[] = [];
  for (const order of orders)
    results.push({ vmId: order.vmId, ...(await retried(() => begin({ ...site, siteId }, order), OVERTAKEN)) });
  return results;
}

export async function commitVolumeMoves(
  site: Site,
  siteId: string,
  orders: VolumeMoveRef[],
): Promise<VolumeCommitResult[]> {
  const results: VolumeCommitResult[] = [];
  for (const order of orders)
    results.push({ vmId: order.vmId, ...(await retried(() => commit({ ...site, siteId }, order), OVERTAKEN)) });
  return results;
}

export async function cancelVolumeMoves(
  site: Site,
  siteId: string,
  orders: VolumeMoveRef[],
): Promise<VolumeCancelResult[]> {
  const results: VolumeCancelResult[] = [];
  for (const order of orders)
    results.push({ vmId: order.vmId, ...(await retried(() => cancel({ ...site, siteId }, order))) });
  return results;
}

/** Others were faster each time: the caller is to ask again. */
const OVERTAKEN = { outcome: 'unreachable' as const };

/** Looks again when something changed in the middle. */
async function retried<R>(work: () => Promise<R>, atLast?: R): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CopyMoved)) throw error;
      if (attempt < ATTEMPTS) continue;
      if (atLast === undefined) throw error;
      return atLast;
    }
  }
}

async function begin(site: At, order: VolumeMoveOrder): Promise<Outcome<VolumeMoveResult>> {
  const { world, clock } = site;
  const volumes = await volumesOf(site, order);
  if (volumes.length < order.volumes.length) return refused('the VM has no such volume');
  const ended = volumes.find((v) => (v.moved?.token ?? 0) >= order.token)?.moved;
  if (ended)
    return ended.token === order.token && ended.done
      ? { outcome: 'copying', readyAt: clock.now() }
      : refused('this move has ended');
  const before = volumes[0]?.move;
  if (before && before.token !== order.token) return refused('another move of its volumes is under way');
  const now = clock.now();
  const asked = volumes.map((v): Copied => {
    const to = order.to[order.volumes.indexOf(v.name)] as string;
    const { token, process, options } = order;
    return { ...v, move: v.move ?? { token, to, extent: copyOf(v, token), startedAt: now, process, options } };
  });
  const ground = await groundOf(site, asked);
  const obstacle = obstacleOf(asked, ground);
  if (obstacle) return obstacle;
  const plan = await planOf(site, asked, ground);
  if (plan.outcome === 'not-converged') return { outcome: 'not-converged', reason: whyNotConverged(plan) };
  if (!before) await world.store.commit(entry(asked));
  for (const volume of asked) await copyVolume(world.store, volume);
  return { outcome: 'copying', readyAt: readyTime(plan, asked) };
}

function entry(asked: readonly Copied[]): Transaction {
  const tx = new Transaction();
  for (const volume of asked)
    tx.update(
      keyOfVolume(volume),
      {
        set: { move: volume.move },
        condition:
          'attribute_not_exists(#move) AND #datastoreId = :from AND (attribute_not_exists(#moved) OR #moved.#token < :token)',
        names: { '#moved': 'moved', '#token': 'token', '#datastoreId': 'datastoreId' },
        values: { ':token': volume.move.token, ':from': volume.datastoreId },
        onFail: () => new CopyMoved(),
      },
      'world',
    );
  return tx;
}

/**
 * What is still different is copied, both copies are compared, and one transaction moves all the volumes, if nothing was
 * written since. The guest stands still for as long as the remainder would take; until then it is refused as not running.
 */
async function commit(site: At, order: VolumeMoveRef): Promise<Outcome<VolumeCommitResult>> {
  const { store } = site.world;
  const volumes = await volumesOf(site, order);
  const done = doneOf(volumes, order);
  if (done) return { outcome: 'moved', moved: await tidied(site, volumes, done) };
  const copied = volumes.filter((v): v is Copied => v.move?.token === order.token);
  if (copied.length === 0 || copied.length < order.volumes.length) return refused('its volumes are not being copied');
  const ground = await groundOf(site, copied);
  const obstacle = obstacleOf(copied, ground);
  if (obstacle) return obstacle;
  const plan = await planOf(site, copied, ground);
  if (plan.outcome === 'not-converged') return { outcome: 'not-converged', reason: whyNotConverged(plan) };
  const readyAt = readyTime(plan, copied);
  if (ground.now < readyAt) return { outcome: 'early', readyAt };
  for (const volume of copied) await copyVolume(store, volume);
  const hashOf = (extent: (v: Copied) => string) =>
    hashExtents(
      store,
      copied.map((v) => ({ name: v.name, extent: extent(v) })),
    );
  const hashBefore = await hashOf(extentOf);
  const hashAfter = await hashOf((v) => v.move.extent);
  if (hashBefore !== hashAfter) {
    // A guest that has written in between makes them differ too: then it is looked at again.
    const now = await volumesOf(site, order);
    if (now.some((v) => v.sequence !== copied.find((c) => c.name === v.name)?.sequence)) throw new CopyMoved();
    return refused('the copy is not the same as what was copied');
  }
  const moved: MovedVolumes = { ...figuresOf(plan), hashBefore, hashAfter };
  await store.commit(flip(copied, ground, plan, moved));
  return { outcome: 'moved', moved: await tidied(site, await volumesOf(site, order), moved) };
}

function flip(copied: readonly Copied[], { process, now }: Ground, plan: CopyPlan, done: MovedVolumes): Transaction {
  const tx = new Transaction();
  for (const volume of copied) {
    const { move, sequence, leaseEpoch } = volume;
    tx.update(
      keyOfVolume(volume),
      {
        set: {
          datastoreId: move.to,
          extent: move.extent,
          moved: { token: move.token, done, left: extentOf(volume) },
        },
        remove: ['move'],
        condition: '#move.#token = :token AND #sequence = :sequence AND #leaseEpoch = :epoch',
        names: { '#token': 'token', '#sequence': 'sequence', '#leaseEpoch': 'leaseEpoch' },
        values: { ':token': move.token, ':sequence': sequence, ':epoch': leaseEpoch },
        onFail: () => new CopyMoved(),
      },
      'world',
    );
  }
  // Of a stopped VM nothing stands still; a start in between has raised the epoch.
  if (process && copied[0]?.move.process)
    tx.update(
      worldKeys.process(process.hostId, process.vmId),
      {
        set: { readyAt: Math.max(process.readyAt, now + Math.ceil(plan.downtimeMs)) },
        condition: '#epoch = :epoch AND attribute_not_exists(#stoppedAt)',
        names: { '#epoch': 'epoch', '#stoppedAt': 'stoppedAt' },
        values: { ':epoch': process.epoch },
        onFail: () => new CopyMoved(),
      },
      'world',
    );
  return tx;
}

/** Whatever was copied is deleted. A datastore that is lost needs no asking: nobody looks for its remains there. */
async function cancel(site: At, order: VolumeMoveRef): Promise<Outcome<VolumeCancelResult>> {
  const { store } = site.world;
  const volumes = await volumesOf(site, order);
  const done = doneOf(volumes, order);
  if (done) return { outcome: 'moved', moved: await tidied(site, volumes, done) };
  const open = volumes.filter((v) => (v.moved?.token ?? 0) < order.token);
  const tx = new Transaction();
  for (const volume of open)
    tx.update(
      keyOfVolume(volume),
      {
        // Noted even where nothing was begun, so that a late order to begin finds that it is over.
        set: { moved: { token: order.token } },
        remove: ['move'],
        condition: 'attribute_exists(pk) AND (attribute_not_exists(#moved) OR #moved.#token < :token)',
        names: { '#token': 'token' },
        values: { ':token': order.token },
        onFail: () => new CopyMoved(),
      },
      'world',
    );
  if (open.length > 0) await store.commit(tx);
  for (const volume of volumes) await clearExtent(store, copyOf(volume, order.token));
  return { outcome: 'cancelled' };
}

const doneOf = (volumes: readonly WorldVolume[], { token }: VolumeMoveRef): MovedVolumes | undefined =>
  volumes.find((v) => v.moved?.token === token)?.moved?.done;

/** The old copies are deleted only now. Repeating it deletes what is left. */
async function tidied({ world }: Site, volumes: readonly WorldVolume[], done: MovedVolumes): Promise<MovedVolumes> {
  for (const { moved } of volumes) if (moved?.left) await clearExtent(world.store, moved.left);
  return done;
}

const volumesOf = async ({ world, siteId }: At, { vmId, volumes }: VolumeMoveRef): Promise<WorldVolume[]> =>
  (await world.volumesOf(vmId)).filter((v) => v.siteId === siteId && volumes.includes(v.name));

async function groundOf({ world, clock }: Site, [first]: readonly Copied[]): Promise<Ground> {
  const [faults, now] = [await world.faults(), clock.now()];
  // Of a stopped VM, the host that it ran on last: it must really have ended there.
  const hostId = first?.move.process?.hostId ?? first?.leaseHost;
  if (!first || hostId === undefined) return { now, faults, process: undefined, line: undefined };
  const line = (await world.timelines([hostId], faults)).get(hostId);
  return { now, faults, process: await world.process(hostId, first.vmId), line };
}

function obstacleOf(copied: readonly Copied[], { process, line, faults, now }: Ground): Obstacle | undefined {
  const [{ move, vmId }] = copied as [Copied];
  const alive = process?.machine && line && endOf(process, line, now) === undefined ? process : undefined;
  if (move.process) {
    if (!line || !agentReachable(line, now)) return { outcome: 'unreachable' };
    if (alive?.epoch !== move.process.epoch)
      return refused(`VM ${vmId} does not run on ${move.process.hostId}, which copied its volumes`);
    const cut = line.storageLost.some((s) => s.from <= now && s.to > move.startedAt);
    if (cut) return refused(`host ${move.process.hostId} lost its way to the storage`);
  } else if (alive) return refused(`VM ${vmId} runs`);
  for (const { id, name, datastoreId, move: own } of copied) {
    const lost = [datastoreId, own.to].find((d) => struck(faults, 'datastore-loss', d, own.startedAt, now));
    if (lost) return refused(`datastore ${lost} was lost while volume ${name} was copied`);
    if (struck(faults, 'disk-error', id, own.startedAt, now)) return refused(`volume ${name} could not be read`);
  }
  return undefined;
}

/** Whether a fault held at any time from `since` to `now`. */
const struck = (faults: readonly Fault[], kind: Fault['fault'], target: string, since: number, now: number): boolean =>
  faults.some((f) => f.fault === kind && f.target === target && f.at <= now && (f.until ?? Infinity) > since);

/** By what was written until now, and the guest's present load: one that writes faster needs longer, or never gets there. */
async function planOf({ world }: Site, copied: readonly Copied[], ground: Ground): Promise<CopyPlan> {
  const disks = await Promise.all(
    copied.map(async (v) => ({
      name: v.name,
      sizeGiB: v.sizeGiB,
      usedGiB: (await countBlocks(world.store, extentOf(v))) / BLOCKS_PER_GIB,
    })),
  );
  const [{ move }] = copied as [Copied];
  return planVolumeMoves(disks, move.process ? guestOf(ground) : undefined, move.options);
}

function guestOf({ process, line, faults, now }: Ground) {
  if (!process?.machine || !line) return undefined;
  const { machine, workload } = process;
  const serves = processState(process, line, faults, now) === 'running';
  return { load: loadOf(machine, serves ? workload : {}), disks: machine.disks.length };
}

const readyTime = (plan: CopyPlan, [first]: readonly Copied[]): number =>
  (first?.move.startedAt ?? 0) + Math.ceil(copyMs(plan));
