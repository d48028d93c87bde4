import { isDeepStrictEqual } from 'node:util';
import { storageHoldsOf } from '../../../shared/hypervisor/demand.ts';
import type { Belief } from '../../../shared/invariants/facts.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import type { WorldCopy } from '../../../shared/world/replication/records.ts';
import type { Judged } from './disks.ts';

/** Tables as they stand, for what is searched through whole. */
export interface Ground {
  belief: Belief;
  copies: readonly WorldCopy[];
  /** Every row of both tables that is there now, with its key. */
  rows(): Iterable<object>;
  /** VMs that have a process which is alive. */
  alive(): ReadonlySet<string>;
}

/** What is allowed to remember a test: trails, operations, records of executions and incidents. */
const PAST = /^SYS#(AUDIT|EV|OP|IDEM|ALARM|INCIDENT|OPEN)|^T#\w+#(EV|OP|IDEM|EXEC|EXECPART|RECOVERY|AUDIT)\b/;
const TESTS: ReadonlySet<string> = new Set(['plan-test', 'plan-cleanup']);

/**
 * INV-10: "before" is not enough when the world goes on, so each thing is compared with what it would be without the test.
 * What no other happening touches (quotas, networks, addresses, room of datastores and links, the VMs as they were asked
 * for) has to be the same; what goes on by itself (copies at the target) has to be where its own course leads.
 */
export class Before {
  compared = 0;
  private readonly pictures = new Map<string, Picture>();
  /** Ids of what tests have made, by plan. */
  private readonly made = new Map<string, Set<string>>();
  private readonly judged = new Set<string>();

  /** The picture of what is there when the test of a plan is about to begin. */
  remember(planId: string, ground: Ground): void {
    this.pictures.set(planId, pictureOf(planId, ground));
  }

  /** At every instant: tests hold nothing of production; and where a clean-up has ended all is as it was. */
  judge(ground: Ground): Judged {
    const { belief } = ground;
    const tests = new Set(belief.operations.filter((o) => TESTS.has(o.kind)).map((o) => o.id));
    const violations: string[] = [];
    for (const vm of belief.vms) {
      if (vm.testOf) this.note(vm.testOf.planId, vm);
      else if (tests.has(vm.claim ?? '') || tests.has(vm.operationId))
        violations.push(`INV-10: ${vm.id} was touched by the test ${vm.claim ?? vm.operationId}`);
      if (vm.testOf && vm.nics.some((n) => n.spaceId !== `test:${vm.testOf?.executionId}:${n.networkId}`))
        violations.push(`INV-10: the copy ${vm.id} is on a network that it does not have for itself`);
    }
    let checked = belief.vms.length;
    for (const e of belief.executions) {
      const over = e.finishedAt !== undefined && !this.judged.has(e.id);
      if (!over) continue;
      this.judged.add(e.id);
      const cleaned = e.action === 'cleanup' && e.state === 'success';
      const given = e.action === 'test' && e.state === 'failed' && e.reason === 'it was cancelled';
      // Any other way out of a test moves production itself.
      if (!cleaned && !given) {
        if (e.action !== 'cleanup' && e.action !== 'test') this.pictures.delete(e.planId);
        continue;
      }
      const before = this.pictures.get(e.planId);
      this.pictures.delete(e.planId);
      if (!before) continue;
      this.compared++;
      checked += before.size;
      const left = leftOf(this.made.get(e.planId) ?? new Set(), ground);
      violations.push(
        ...[...left, ...changes(before, pictureOf(e.planId, ground))].map((w) => `INV-10: after ${e.id}: ${w}`),
      );
    }
    return { checked, violations };
  }

  private note(planId: string, vm: Vm): void {
    const ids = this.made.get(planId) ?? new Set();
    this.made.set(planId, ids);
    for (const id of [vm.id, ...vm.disks.map((d) => d.id), ...vm.nics.map((n) => n.id)]) ids.add(id);
  }
}

interface Picture {
  size: number;
  /** What has to be equal, by a name for it. */
  same: Map<string, unknown>;
  feeds: Map<string, Course>;
}
/** Where a copy stands on its course. */
interface Course {
  epoch: number;
  startedAt: number;
  periodMs: number;
  nextCutAt: number;
  sequence: number;
  newest: number;
  sentBytes: number;
}

function pictureOf(planId: string, { belief, copies }: Ground): Picture {
  const same = new Map<string, unknown>();
  const mine = new Set(belief.plans.find((p) => p.id === planId)?.groups);
  for (const row of [...belief.vdcs, ...belief.networks, ...belief.vpcs]) same.set(row.id, row);
  same.set(
    'addresses',
    belief.claims
      .filter((c) => !c.space.startsWith('test:'))
      .map((c) => `${c.space} ${c.ip} ${c.vmId}`)
      .sort(),
  );
  // Without what copies of other tests hold at the moment.
  const copied = belief.vms.filter((vm) => vm.testOf).flatMap(storageHoldsOf);
  for (const { id, freeGiB, freeMigrations } of belief.datastores) {
    const held = copied.filter((h) => h.datastoreId === id).reduce((n, h) => n + h.gib, 0);
    same.set(id, { freeGiB: freeGiB + held, freeMigrations });
  }
  for (const { id, freeMbps } of belief.links) same.set(id, { freeMbps });
  for (const vm of belief.vms) if (!vm.testOf) same.set(vm.id, asAskedFor(vm, mine));
  for (const g of belief.groups) {
    const { id, name, vms, replication, links, primarySiteId, epoch, legs, former } = g;
    const held = mine.has(id) ? { replication, primarySiteId, epoch, legs, former } : {};
    same.set(id, { name, vms, links, ...held });
  }
  const feeds = new Map<string, Course>();
  for (const { groupId, siteId, epoch, sequence, feed } of copies) {
    if (!feed || !mine.has(groupId)) continue;
    const { startedAt, periodMs, nextCutAt, sentBytes } = feed;
    const newest = feed.points.at(-1)?.sequence ?? 0;
    feeds.set(`${groupId} at ${siteId}`, { epoch, startedAt, periodMs, nextCutAt, sequence, newest, sentBytes });
  }
  return { size: same.size + feeds.size, same, feeds };
}

/** A VM without what a recovery of its host may change; of those under test also where it is, and which disks are copies. */
function asAskedFor(vm: Vm, mine: ReadonlySet<string | undefined>): unknown {
  const { name, desired, cpu, memory, guest, ha, nics, vdcId, vpcId, createdAt, numa } = vm;
  const volumes = [
    ...vm.disks.map((d) => ({ siteId: vm.siteId, id: d.id, sizeGiB: d.sizeGiB, datastoreId: d.datastoreId })),
    ...(vm.protection?.replicas ?? []).flatMap((r) =>
      r.volumes.map((v) => ({ siteId: r.siteId, id: v.id, sizeGiB: v.sizeGiB, datastoreId: v.datastoreId })),
    ),
  ].sort((a, b) => (a.id < b.id ? -1 : 1));
  const held = mine.has(vm.protection?.groupId) ? { siteId: vm.siteId, disks: vm.disks } : {};
  return { name, desired, cpu, memory, guest, ha, nics, vdcId, vpcId, createdAt, numa, volumes, ...held };
}

function changes(before: Picture, after: Picture): string[] {
  const found: string[] = [];
  for (const id of new Set([...before.same.keys(), ...after.same.keys()])) {
    const [was, is] = [before.same.get(id), after.same.get(id)];
    if (!isDeepStrictEqual(was, is)) found.push(`${id} was ${JSON.stringify(was)}, is ${JSON.stringify(is)}`);
  }
  for (const [where, was] of before.feeds) {
    const is = after.feeds.get(where);
    if (!is) {
      found.push(`the copy of ${where} is fed no more`);
      continue;
    }
    for (const figure of ['epoch', 'sequence', 'newest'] as const)
      if (is[figure] < was[figure])
        found.push(`the copy of ${where} fell back from ${figure} ${was[figure]} to ${is[figure]}`);
    // Told anew or resumed, a feed begins to count again.
    if (is.startedAt !== was.startedAt || is.periodMs !== was.periodMs) continue;
    if (was.periodMs > 0 && (is.nextCutAt - was.nextCutAt) % was.periodMs !== 0)
      found.push(
        `points of ${where} were due at ${was.nextCutAt} every ${was.periodMs} ms, are due at ${is.nextCutAt}`,
      );
    if (is.sentBytes < was.sentBytes) found.push(`${where} has ${was.sentBytes} bytes sent, then ${is.sentBytes}`);
  }
  return found;
}

/** What anything that is there still says of what the test had made. */
function leftOf(made: ReadonlySet<string>, { rows, alive }: Ground): string[] {
  if (made.size === 0) return [];
  const found = [...made].filter((id) => alive().has(id)).map((id) => `${id} still runs`);
  for (const row of rows()) {
    const { pk, sk } = row as { pk: string; sk: string };
    // A host remembers what ran there and runs no more.
    if (PAST.test(pk) || sk.startsWith('PROC#')) continue;
    const text = `${pk} ${sk} ${JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? undefined : value))}`;
    const whose = [...made].find((id) => text.includes(id));
    if (whose) found.push(`${pk} ${sk} is left over of ${whose}`);
  }
  return found;
}
