import { INVARIANTS } from '../../../shared/invariants/check.ts';
import type { Belief } from '../../../shared/invariants/facts.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { WorldVolume } from '../../../shared/world/records.ts';
import { type TrueCopy, trueCopies } from '../../../shared/world/replication/truth.ts';
import { World } from '../../../shared/world/world.ts';
import { misreported } from '../../scenarios/language/dr/judge.ts';
import type { NumberedGuests } from '../../support/numbered-guests.ts';
import { Watch } from '../schedules/watch.ts';

const EVERY_INSTANT = new Set(['INV-1', 'INV-2', 'INV-3', 'INV-4', 'INV-5', 'INV-6', 'INV-7', 'INV-13']);
/** What cuts a whole site off from its manager. */
const WAY: ReadonlySet<string> = new Set(['call-timeout', 'answer-lost', 'site-loss']);
const ALWAYS = INVARIANTS.filter((i) => EVERY_INSTANT.has(i.id));

/** Belief and truth at an instant, with the copies of protected groups and with what guests were told. */
export class RecoveryWatch extends Watch {
  private copies: TrueCopy[] = [];
  private roles = '';
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
    this.copies = await trueCopies(new World(this.store()), this.faults(), now);
    const belief = await this.belief();
    const apart = protectedElsewhere(belief);
    const found = (await super.wrong(now, invariants, atRest)).filter((w) => !apart(w));
    found.push(...this.guests.broken);
    const roles = belief.groups.map((g) => `${g.id} ${g.epoch} ${g.state}`).join();
    if (roles !== this.roles || invariants !== ALWAYS) found.push(...(await this.writes(belief)));
    this.roles = roles;
    return found;
  }

  /** INV-8 and INV-9, from what guests were told. */
  private async writes(belief: Belief): Promise<string[]> {
    const out: string[] = [];
    for (const group of belief.groups) {
      if (!this.copies.some((c) => c.groupId === group.id)) continue;
      const { lost, broken } = await this.guests.loss(group, belief.vms);
      out.push(...broken, ...(await this.guests.copies(group)));
      // In the middle of a switch the table may not have followed the world yet.
      const settled = this.copies.some(
        (c) => c.groupId === group.id && c.role === 'primary' && c.epoch === group.epoch,
      );
      const wrong = settled && group.claim === undefined && misreported(group.id, lost, belief.executions, false);
      if (wrong) out.push(`INV-8: ${group.id}: ${wrong}`);
    }
    return out;
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
