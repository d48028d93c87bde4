import type {
  DemoteOrder,
  DemoteResult,
  Point,
  PromoteOrder,
  PromoteResult,
} from '../../hypervisor/replication-port.ts';
import { Transaction } from '../../store/transaction.ts';
import type { Site } from '../agent/common.ts';
import { volumeLost } from '../process.ts';
import { pointsOf } from './advance.ts';
import { bringTo } from './apply.ts';
import { CopyChanged, copiesOf, newestPrimary, rootOf, sameRevision, sameState } from './copies.ts';
import { heldAt } from './joining.ts';
import { hears } from './line.ts';
import { commonBeginning, copyKey, type Promotion, type WorldCopy } from './records.ts';
import { retried, type Settled, settle } from './settle.ts';
import { lostAt } from './status.ts';

/** Who may write (DR-7). An epoch that is older than the newest that a site has heard of changes nothing. */
export async function demoteGroups(site: Site, siteId: string, orders: DemoteOrder[]): Promise<DemoteResult[]> {
  const results: DemoteResult[] = [];
  for (const order of orders) {
    const { groupId } = order;
    results.push({ groupId, ...(await retried(() => demote(site, siteId, order))) });
  }
  return results;
}

async function demote(
  { world }: Site,
  siteId: string,
  { groupId, epoch }: DemoteOrder,
): Promise<Omit<DemoteResult, 'groupId'>> {
  const copy = (await copiesOf(world, groupId)).get(siteId);
  if (!copy) return { outcome: 'refused', reason: `${siteId} has no copy of this group` };
  if (copy.epoch > epoch) return { outcome: 'refused', reason: `its epoch is ${copy.epoch}, not ${epoch}` };
  if (copy.role === 'secondary') return { outcome: 'refused', reason: `${siteId} is a secondary` };
  // No write may slip in between what is answered and what is true.
  if (copy.role === 'primary' || (copy.demotedUpTo ?? 0) < epoch)
    await world.store.commit(demotion(new Transaction(), copy, epoch));
  return { outcome: 'done', head: { sequence: copy.sequence, at: copy.at } };
}

const demotion = (tx: Transaction, copy: WorldCopy, upTo: number): Transaction =>
  tx.update(
    copyKey(copy),
    {
      set: { role: 'demoted', demotedUpTo: upTo },
      add: { revision: 1 },
      remove: copy.role === 'primary' ? ['discardedAfter'] : [],
      condition: '#revision = :revision AND #sequence = :head AND #role = :as',
      names: { '#revision': 'revision', '#sequence': 'sequence', '#role': 'role' },
      values: { ':revision': copy.revision, ':head': copy.sequence, ':as': copy.role },
      onFail: () => new CopyChanged(),
    },
    'world',
  );

export async function promoteGroups(site: Site, siteId: string, orders: PromoteOrder[]): Promise<PromoteResult[]> {
  const results: PromoteResult[] = [];
  for (const order of orders) {
    const { groupId } = order;
    results.push({ groupId, ...(await retried(() => promote(site, siteId, order))) });
  }
  return results;
}

type Outcome = Omit<PromoteResult, 'groupId'>;
const refused = (reason: string): Outcome => ({ outcome: 'refused', reason });

async function promote(site: Site, siteId: string, order: PromoteOrder): Promise<Outcome> {
  const settled = await settle(site, order.groupId);
  const copy = settled.copies.get(siteId);
  if (!copy) return refused(`${siteId} has no copy of this group`);
  if (copy.role === 'primary' && copy.epoch === order.epoch)
    return { outcome: 'already', ...(copy.promotion ? told(copy.promotion) : {}), holds: idsOf(copy.volumes) };
  if (copy.role === 'primary') return refused(`${siteId} is the primary, with epoch ${copy.epoch}`);
  if (copy.epoch >= order.epoch) return refused(`its epoch is ${copy.epoch}; ${order.epoch} is not newer`);
  if ((copy.demotedUpTo ?? 0) >= order.epoch)
    return refused(`it gave up all epochs up to ${copy.demotedUpTo}; ${order.epoch} is not newer`);
  const newest = newestPrimary(settled.copies);
  if (newest && newest.epoch >= order.epoch)
    return refused(`${newest.siteId} has taken over under epoch ${newest.epoch}; ${order.epoch} is not newer`);
  return copy.role === 'demoted' ? takeBack(site, copy, order, settled) : takeOver(site, copy, order, settled);
}

const idsOf = (volumes: WorldCopy['volumes']): string[] => volumes.map((v) => v.id);
const told = ({ point, lost, exact }: Promotion) => ({ point, lost, exact });

/** A secondary becomes the primary, as it was at a point. */
async function takeOver(site: Site, copy: WorldCopy, order: PromoteOrder, settled: Settled): Promise<Outcome> {
  const { world } = site;
  const { now, lines, copies, faults } = settled;
  const line = lines.get(copy.siteId);
  const root = rootOf(copies, copy);
  if (!copy.feed || !line || !root) return refused('it was not fed by anybody');
  const points = pointsOf({ sequence: copy.sequence, feed: copy.feed }, line, now);
  const point = order.point === undefined ? points.at(-1) : points.find((p) => p.sequence === order.point);
  if (!point) return refused(noSuchPoint(points, order.point));
  const volumes = await world.volumesAt(copy.siteId, copy.volumes);
  if (volumes.length > 0 && volumes.every((v) => volumeLost(faults, v, now))) return refused('its storage is lost');
  // Over the link the former primary gives way in the same instant; what it alone has is known to the last write.
  const over = root.role === 'primary' && copy.feed.from === root.siteId && hears(line, now) ? root : undefined;
  if (!over && order.former !== 'demoted' && now < order.former.leaseUntil)
    return {
      outcome: 'waits',
      until: order.former.leaseUntil,
      reason: `${root.siteId} may write until its lease is over`,
    };
  const waiting = settled.waiting.get(copy.siteId) ?? [];
  const brought = await bringTo(world, copy, point.sequence, waiting);
  const byItsWord = over !== undefined || (root.role === 'demoted' && hears(line, now));
  const lost = lostAt(copy, point.sequence, settled, byItsWord);
  const inStep = copy.feed.state === 'synced' && point.sequence === copy.sequence;
  const promotion: Promotion = { epoch: order.epoch, point, lost, exact: byItsWord || inStep };
  const held = heldAt(copy.volumes, point.sequence).map(({ from: _, since: __, ...v }) => v);
  const tx = new Transaction().update(
    copyKey(copy),
    {
      set: {
        role: 'primary',
        epoch: order.epoch,
        sequence: point.sequence,
        at: point.stateAt,
        branches: [
          ...copy.branches.filter((b) => b.from <= point.sequence),
          { epoch: order.epoch, from: point.sequence + 1 },
        ],
        // What had joined and was not copied by then is no part of it.
        volumes: held,
        promotion,
        legs: [],
      },
      add: { revision: 1 },
      remove: ['feed', 'applying', 'making', 'owed'],
      // A write of the pair may have come in meanwhile: then the point is another one.
      ...sameState({ revision: brought.revision, sequence: copy.sequence }),
    },
    'world',
  );
  if (over) demotion(tx, over, order.epoch - 1);
  await world.store.commit(tx);
  return { outcome: 'promoted', ...told(promotion), holds: idsOf(held) };
}

/** A former primary that nobody has followed writes again: a migration was given up. */
async function takeBack(site: Site, copy: WorldCopy, order: PromoteOrder, { copies }: Settled): Promise<Outcome> {
  const newest = newestPrimary(copies);
  if (newest !== copy) return refused(`${newest?.siteId} has taken over under epoch ${newest?.epoch}`);
  if (order.point !== undefined && order.point !== copy.sequence)
    return refused(`it holds all writes up to ${copy.sequence}, and no earlier state`);
  const point: Point = { sequence: copy.sequence, stateAt: copy.at, usableAt: copy.at };
  const promotion: Promotion = { epoch: order.epoch, point, lost: { count: 0, bytes: 0 }, exact: true };
  const branches = [...copy.branches, { epoch: order.epoch, from: copy.sequence + 1 }];
  const tx = new Transaction().update(
    copyKey(copy),
    {
      set: {
        role: 'primary',
        epoch: order.epoch,
        branches,
        promotion,
      },
      add: { revision: 1 },
      ...sameRevision(copy),
    },
    'world',
  );
  // Its secondaries have all that it has, or the beginning of it: they follow the new epoch.
  for (const other of copies.values())
    if (other.role === 'secondary' && follows(other, copy))
      tx.update(
        copyKey(other),
        {
          set: { epoch: order.epoch, branches },
          add: { revision: 1 },
          condition: '#revision = :revision AND #role = :secondary',
          names: { '#revision': 'revision', '#role': 'role' },
          values: { ':revision': other.revision, ':secondary': 'secondary' },
          onFail: () => new CopyChanged(),
        },
        'world',
      );
  await site.world.store.commit(tx);
  return { outcome: 'promoted', ...told(promotion), holds: idsOf(copy.volumes) };
}

const follows = (other: WorldCopy, copy: WorldCopy): boolean =>
  other.epoch === copy.epoch && commonBeginning(other.branches, copy.branches) >= copy.sequence;

const noSuchPoint = (points: readonly Point[], asked: number | undefined): string =>
  points.length === 0
    ? 'it has no complete point yet'
    : `it has no point ${asked}; it has ${points.map((p) => p.sequence).join(', ')}`;
