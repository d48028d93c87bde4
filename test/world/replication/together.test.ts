import { describe, expect, it } from 'vitest';
import type { LegOrder } from '../../../shared/hypervisor/replication-port.ts';
import { MINUTE } from '../../../shared/kernel/clock.ts';
import { type Random, seededRandom } from '../../../shared/kernel/random.ts';
import { copiesOf } from '../../../shared/world/replication/copies.ts';
import { writesAfter } from '../../../shared/world/replication/journal.ts';
import { commonBeginning, type WorldCopy } from '../../../shared/world/replication/records.ts';
import { trueCopies } from '../../../shared/world/replication/truth.ts';
import { GROUP, ReplicationLab } from './lab.ts';

const RUNS = Math.max(6, Math.floor(Number(process.env.STRATA_RANDOM_RUNS ?? 100) / 16));
const SEED = Number(process.env.STRATA_SEED ?? 5);
const ROUNDS = 8;
const LIVES = 4;
const SITES = ['a', 'b', 'c'];
/** What may come of a write when the right to it changes in the same instant. */
const NO_WRITE = /held back|right to write|does not run|never started|Too many|lease/;

interface Write {
  index: number;
  text: string;
  /** Its number in its volume. */
  number: number;
}

/** Guests write while the group is looked at, ordered anew, cut, and handed from site to site. */
class Life {
  readonly told: string[] = [];
  private readonly acknowledged = new Map<string, Write[]>();
  /** What was ever acknowledged, lost since or not. */
  private readonly ever = new Set<string>();
  private members: string[];
  private primary = 'a';
  private epoch = 1;
  private version = 0;
  private count = 0;
  private until: number;
  private modes: Record<string, { mode: 'sync' | 'async'; via?: string }> = {};
  private readonly lab: ReplicationLab;
  private readonly random: Random;

  constructor(lab: ReplicationLab, random: Random) {
    this.lab = lab;
    this.random = random;
    this.members = lab.vms;
    this.until = lab.clock.now() + 1_000_000_000;
    for (const vm of lab.vms) this.acknowledged.set(vm, []);
  }

  private get others(): string[] {
    return SITES.filter((s) => s !== this.primary);
  }

  async lease(siteId: string, revoked: string[] = []): Promise<void> {
    await this.lab.port.renewLease(siteId, { until: ++this.until, revoked });
  }

  async write(): Promise<void> {
    const { lab, random, primary } = this;
    const vm = random.pick(lab.vms);
    const index = random.below(5);
    const text = `${++this.count}`.padEnd(random.below(60), '.');
    try {
      const { sequence } = await lab.write(vm, index, text, primary);
      this.acknowledged.get(vm)?.push({ index, text, number: sequence });
      this.ever.add(text);
    } catch (error) {
      if (!NO_WRITE.test(String(error))) throw error;
    }
  }

  /** Orders legs to some sites, in any way, for all VMs or without the last one. */
  async configure(): Promise<void> {
    const { lab, random, primary } = this;
    const [near, far] = random.below(2) ? this.others : this.others.reverse();
    const cascade = random.below(3) === 0;
    this.modes = { [near as string]: { mode: random.pick(['sync', 'async'] as const) } };
    if (random.below(3)) this.modes[far as string] = { mode: 'async', ...(cascade ? { via: near as string } : {}) };
    this.members = random.below(3) ? lab.vms : lab.vms.slice(0, -1);
    await this.order(primary);
  }

  private async order(primary: string): Promise<void> {
    const { lab, modes, members } = this;
    const version = ++this.version;
    const legs = Object.entries(modes).map(([to, { mode, via }]): LegOrder => {
      const leg = lab.leg(to, mode, { from: via ?? primary, ...(mode === 'async' ? { periodMs: MINUTE } : {}) });
      return { ...leg, volumes: leg.volumes.filter((v) => members.includes(v.vmId)) };
    });
    this.told.push(`order ${version} at ${primary}: ${JSON.stringify(modes)} of ${members.length}`);
    const result = await lab.protect(legs, { at: primary, epoch: this.epoch, version, vms: members });
    if (result?.outcome !== 'done') this.told.push(`refused: ${result?.reason}`);
  }

  async act(): Promise<void> {
    const { lab, random, primary, epoch } = this;
    const to = { groupId: GROUP, epoch, siteId: random.pick(this.others) };
    const what = random.below(12);
    if (what < 5) return this.write();
    if (what < 8) return void (await lab.port.groupStatus(random.pick(SITES), [GROUP]));
    if (what === 8) return this.configure();
    if (what === 9)
      return void (await lab.port.cutPoints(primary, [{ groupId: GROUP, epoch, token: `t${++this.count}` }]));
    if (what === 10) return void (await lab.port.goAlone(primary, [{ ...to, order: 1 }]));
    await lab.port.suspendLegs(primary, [{ ...to, suspended: random.below(3) === 0, version: 1_000 }]);
  }

  async round(): Promise<void> {
    const { lab, random } = this;
    await Promise.all(Array.from({ length: 2 + random.below(4) }, () => this.act()));
    await this.check();
    const seconds = random.pick([0.001, 0.01, 0.5, 30, 90]);
    this.told.push(`${seconds} s`);
    lab.tick(seconds);
    await this.check();
  }

  /** INV-7, and every copy holds a beginning of what was acknowledged. */
  async check(): Promise<void> {
    const { lab } = this;
    for (const site of SITES) await lab.port.groupStatus(site, [GROUP]);
    const writers = (await trueCopies(lab.world, await lab.world.faults(), lab.clock.now())).filter((c) => c.writes);
    expect(writers.length, this.told.join('; ')).toBeLessThanOrEqual(1);
    for (const copy of (await copiesOf(lab.world, GROUP)).values()) {
      // One that does not follow the primary of today may have what is lost.
      if (copy.role === 'demoted' || copy.epoch !== this.epoch) continue;
      const useful = copy.feed && (copy.feed.state === 'synced' || copy.feed.points.length > 0);
      if (copy.role === 'secondary' && !useful) continue;
      expect(await this.content(copy), `${copy.siteId} at ${copy.sequence}: ${this.told.join('; ')}`).toEqual(
        await this.expected(copy, copy.sequence),
      );
    }
  }

  private async content(copy: WorldCopy) {
    const content: Record<string, Record<number, string>> = {};
    for (const { vmId } of this.partOf(copy, copy.sequence)) content[vmId] = await this.lab.blocks(copy.siteId, vmId);
    return content;
  }

  private partOf = (copy: WorldCopy, sequence: number) => copy.volumes.filter((v) => (v.from ?? 0) <= sequence);

  /** Everything that was acknowledged before the first write that is not in it. */
  private async expected(copy: WorldCopy, sequence: number) {
    const later = await writesAfter(this.lab.store, GROUP, copy.branches, sequence);
    const content: Record<string, Record<number, string>> = {};
    for (const { vmId } of this.partOf(copy, sequence)) {
      const next = Math.min(...later.filter((e) => e.vmId === vmId).map((e) => e.volumeSequence));
      const all = (this.acknowledged.get(vmId) ?? []).filter((w) => w.number < next);
      content[vmId] = Object.fromEntries(
        all.sort((x, y) => x.number - y.number).map(({ index, text }) => [index, text]),
      );
    }
    return content;
  }

  /** Another site takes over, over the link while guests write, or when the lease is over. Then the former one follows. */
  async handOver(): Promise<void> {
    const { lab, random, primary: former } = this;
    const able: string[] = [];
    for (const site of this.others)
      if ((await lab.port.groupStatus(site, [GROUP]))[0]?.copy?.points.length) able.push(site);
    const target = able.length > 0 ? random.pick(able) : undefined;
    const before = target && (await copiesOf(lab.world, GROUP)).get(target);
    if (!target || !before || before.volumes.length < 2) return;
    const cut = random.below(2) ? await lab.fault('link-cut', [former, target].sort().join('')) : undefined;
    if (cut) await this.lease(former, [GROUP]);
    lab.tick(0.01);
    this.told.push(`${target} takes over${cut ? ' without the link' : ''}`);
    const epoch = ++this.epoch;
    const [result] = (
      await Promise.all([
        lab.port.promoteGroups(target, [{ groupId: GROUP, epoch, former: { leaseUntil: lab.clock.now() } }]),
        this.write(),
        this.write(),
        lab.port.groupStatus(target, [GROUP]),
      ])
    )[0];
    expect(result?.outcome, `${result?.reason} ${this.told.join('; ')}`).toBe('promoted');
    if (cut) await lab.mend(cut);
    await lab.port.demoteGroups(former, [{ groupId: GROUP, epoch: epoch - 1 }]);
    await this.forget(former, target, result?.point?.sequence as number);
    await this.lease(target);
    this.primary = target;
    for (const vm of lab.vms) {
      const started = await lab.boot(target, vm);
      this.told.push(`${vm} ${started?.outcome}`);
    }
    await this.check();
    await lab.port.discardDivergence(former, [{ groupId: GROUP, epoch }]);
    await Promise.all([this.configure(), this.write(), this.write(), this.write()]);
    await this.check();
  }

  /** What the new primary does not have was lost, exactly as the former one says. */
  private async forget(former: string, target: string, point: number): Promise<void> {
    const { lab } = this;
    const copies = await copiesOf(lab.world, GROUP);
    const [old, copy] = [copies.get(former), copies.get(target)] as [WorldCopy, WorldCopy];
    const common = Math.min(point, commonBeginning(old.branches, copy.branches));
    const gone = await writesAfter(lab.store, GROUP, old.branches, common);
    expect((await lab.status(former)).divergent?.count, this.told.join('; ')).toBe(gone.length);
    // One that did not follow the former primary has what was lost when that took over: it is there again.
    const own = await writesAfter(lab.store, GROUP, copy.branches, common);
    const again = own.filter((e) => e.sequence <= point);
    for (const vm of lab.vms) {
      const first = Math.min(...gone.filter((e) => e.vmId === vm).map((e) => e.volumeSequence));
      const kept = (this.acknowledged.get(vm) ?? []).filter((w) => w.number < first);
      for (const { index, data, volumeSequence: number } of again.filter((e) => e.vmId === vm)) {
        const text = Buffer.from(data).toString();
        expect(this.ever.has(text), `${text} of ${vm} was never acknowledged`).toBe(true);
        kept.push({ index, text, number });
      }
      // What was no member stays as it is found there: an ordinary disk.
      const found = Object.entries(await lab.blocks(target, vm));
      const plain = found.map(([index, text]) => ({ index: Number(index), text, number: 0 }));
      this.acknowledged.set(vm, copy.volumes.some((v) => v.vmId === vm) ? kept : plain);
    }
  }
}

describe('while guests write, and orders come at the same time', () => {
  it(`no copy is ever anything but a beginning, and one site writes (seed ${SEED}, ${RUNS} runs)`, async () => {
    for (let run = 0; run < RUNS; run++) {
      const random = seededRandom(SEED * 1_000_000 + run);
      let quiet = true;
      const lab = await ReplicationLab.start(3, () => (quiet ? 0 : random.below(4)));
      const life = new Life(lab, random);
      life.told.push(`run ${run}`);
      quiet = false;
      await life.lease('a');
      for (let i = 0; i < 4; i++) await life.write();
      for (let n = 0; n < LIVES; n++) {
        await Promise.all([life.configure(), life.write(), life.write()]);
        for (let i = 0; i < ROUNDS; i++) await life.round();
        await life.handOver();
      }
    }
  }, 300_000);
});
