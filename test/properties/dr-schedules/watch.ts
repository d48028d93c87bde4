import { INVARIANTS } from '../../../shared/invariants/check.ts';
import type { Belief } from '../../../shared/invariants/facts.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { WorldVolume } from '../../../shared/world/records.ts';
import type { WorldCopy } from '../../../shared/world/replication/records.ts';
import { type TrueCopy, trueCopies } from '../../../shared/world/replication/truth.ts';
import { World } from '../../../shared/world/world.ts';
import { misreported } from '../../scenarios/language/dr/judge.ts';
import type { Acknowledged, NumberedGuests } from '../../support/numbered-guests.ts';
import { Watch } from '../schedules/watch.ts';
import { Before, type Ground } from './before.ts';
import { Disks, holdABeginning, holdWhatTheySay, type Judged } from './disks.ts';

const EVERY_INSTANT = new Set(['INV-1', 'INV-2', 'INV-3', 'INV-4', 'INV-5', 'INV-6', 'INV-7', 'INV-13']);
/** What cuts a whole site off from its manager. */
const WAY: ReadonlySet<string> = new Set(['call-timeout', 'answer-lost', 'site-loss']);
const PLANNED: ReadonlySet<string> = new Set(['migrate', 'failback', 'rollback']);
const ALWAYS = INVARIANTS.filter((i) => EVERY_INSTANT.has(i.id));

/** Belief and truth at an instant, with the copies of protected groups and with what guests were told. */
export class RecoveryWatch extends Watch {
  private copies: TrueCopy[] = [];
  /** Things that were looked at for INV-8 to INV-10. */
  readonly looked: Record<string, number> = {};
  private readonly texts = new WeakMap<object, string>();
  private readonly before = new Before();
  private now = 0;
  private readonly guests: NumberedGuests;
  private readonly store: () => Store;

  constructor(db: ConstructorParameters<typeof Watch>[0], store: () => Store, guests: NumberedGuests) {
    super(db, store());
    this.store = store;
    this.guests = guests;
  }

  override truth(now: number): ReturnType<Watch['truth']> {
    const seen = super.truth(now);
    // Of hosts at a site that nobody can reach nothing can be known.
    const silent = new Set(
      this.faults()
        .filter((f) => WAY.has(f.fault) && f.at <= now && now < (f.until ?? Number.POSITIVE_INFINITY))
        .map((f) => f.target),
    );
    const heard = (hostId: string) =>
      ![...silent].some((site) => hostId.startsWith(`${site.replace('site', 'host')}-`));
    return { ...seen, answered: seen.answered.filter(heard), copies: this.copies };
  }

  override async wrong(now: number, invariants = ALWAYS, atRest = false): Promise<string[]> {
    this.now = now;
    this.copies = await trueCopies(new World(this.reader), this.faults(), now);
    const belief = await this.belief();
    const apart = protectedElsewhere(belief);
    const found = (await super.wrong(now, invariants, atRest)).filter((w) => !apart(w));
    found.push(...this.guests.broken);
    found.push(...this.recoveries(belief));
    return found;
  }

  /** INV-8 to INV-10 as they stand, from what guests were told. */
  private recoveries(belief: Belief): string[] {
    const disks = new Disks({ ofKind: (kind) => this.ofKind(kind), at: (pk) => this.at(pk) }, this.texts);
    const told = this.guests.told();
    const judged = {
      'INV-8': [holdWhatTheySay(disks, told), this.reports(belief, disks, told)],
      'INV-9': [holdABeginning(disks, told)],
      'INV-10': [this.before.judge(this.ground(belief, disks.copies))],
    };
    const out: string[] = [];
    for (const [id, all] of Object.entries(judged))
      for (const { checked, violations } of all) {
        this.looked[id] = (this.looked[id] ?? 0) + checked;
        out.push(...violations);
      }
    return out;
  }

  /** INV-8: what is told of a loss is the truth, and planned work has none. */
  private reports(belief: Belief, disks: Disks, told: ReadonlyMap<string, readonly Acknowledged[]>): Judged {
    const violations: string[] = [];
    let checked = 0;
    for (const e of belief.executions)
      for (const g of e.groups)
        if (PLANNED.has(e.action) && (g.lost?.count ?? 0) > 0)
          violations.push(`INV-8: ${e.id}, ${e.action}, has lost ${g.lost?.count} writes of ${g.groupId}`);
    for (const group of belief.groups) {
      // In the middle of a switch the table may not have followed the world yet.
      const primary = disks.copies.find(
        (c) => c.groupId === group.id && c.role === 'primary' && c.epoch === group.epoch,
      );
      if (!primary || group.claim !== undefined) continue;
      const standing = disks.of(primary);
      const lost = (told.get(group.id) ?? []).filter((w) => standing.get(w.n)?.text !== w.text);
      const wrong = misreported(group.id, lost, belief.executions, false);
      if (wrong) violations.push(`INV-8: ${group.id}: ${wrong}`);
      checked++;
    }
    return { checked, violations };
  }

  private ground(belief: Belief, copies: readonly WorldCopy[]): Ground {
    const tables = () => [...this.rows('control'), ...this.rows('world')] as object[];
    const alive = () =>
      new Set(this.truth(this.now).processes.flatMap(({ vmId, state }) => (state === 'dead' ? [] : [vmId])));
    return { belief, copies, rows: tables, alive };
  }

  /** A test of the plan is about to begin; INV-10 is asked when it was cleaned up. */
  async remember(planId: string): Promise<void> {
    this.before.remember(planId, this.ground(await this.belief(), this.ofKind<WorldCopy>('copy')));
  }
  get compared(): number {
    return this.before.compared;
  }

  /** INV-10: nothing is left over of tests, and nothing is missing. */
  async volumes(): Promise<string[]> {
    const belief = await this.belief();
    const known = new Set(
      belief.vms.flatMap((vm) => [
        ...vm.disks.map((d) => d.id),
        ...(vm.protection?.replicas.flatMap((r) => r.volumes.map((v) => v.id)) ?? []),
      ]),
    );
    const there = await new World(this.store()).ofKind<WorldVolume>('volume');
    return [
      ...there
        .filter((v) => !known.has(v.id))
        .map((v) => `INV-10: volume ${v.id} of ${v.vmId} at ${v.siteId} is nobody's`),
      ...[...known].filter((id) => !there.some((v) => v.id === id)).map((id) => `volume ${id} is not there`),
      ...belief.vms.filter((vm) => vm.testOf).map((vm) => `INV-10: ${vm.id} is left over of a test`),
    ];
  }
}

/** A protected VM may live on at a site that nobody reaches, where it writes no more: INV-7 is asked instead of HA-8. */
function protectedElsewhere(belief: Belief): (sentence: string) => boolean {
  const site = new Map(belief.hosts.map((h) => [h.id, h.siteId]));
  const guarded = new Set(belief.vms.filter((vm) => vm.protection).map((vm) => vm.id));
  return (sentence) => {
    const [, vm = '', where = ''] = /^HA-8: (\S+) lives \d+ times: (.+)$/.exec(sentence) ?? [];
    const hosts = where.split(', ').map((w) => site.get(w.split('/')[0] as string));
    return guarded.has(vm) && new Set(hosts).size === hosts.length;
  };
}
