import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../../shared/kernel/clock.ts';
import { type Random, seededRandom } from '../../../shared/kernel/random.ts';
import type { WorldCopy } from '../../../shared/world/replication/records.ts';
import { copyKey } from '../../../shared/world/replication/records.ts';
import { GROUP, ReplicationLab } from './lab.ts';

const RUNS = Math.max(12, Math.floor(Number(process.env.STRATA_RANDOM_RUNS ?? 100) / 8));
const SEED = Number(process.env.STRATA_SEED ?? 5);
const STEPS = 40;
/** So that whoever is told of writes has been told of all of them. */
const LATENCY_S = 0.01;

interface Acknowledged {
  vm: string;
  index: number;
  text: string;
  at: number;
}
type Content = Record<string, Record<number, string>>;

/** What all volumes hold after the first writes of a history: the only states that a group may ever be found in (DR-6). */
function after(history: readonly Acknowledged[], count: number, vms: readonly string[]): Content {
  const content: Content = Object.fromEntries(vms.map((vm) => [vm, {}]));
  for (const { vm, index, text } of history.slice(0, count))
    (content[vm] as Record<number, string>)[index] = brief(text);
  return content;
}

/** The number of the write, and how much it was. */
const brief = (text: string): string => `${Number.parseInt(text, 10)} of ${text.length}`;

class Story {
  readonly history: Acknowledged[] = [];
  readonly told: string[] = [];
  private broken = new Map<string, string>();
  private tokens = 0;
  private readonly lab: ReplicationLab;
  private readonly random: Random;
  private readonly modes: { b: 'sync' | 'async'; c?: { mode: 'async'; from: 'a' | 'b' } };

  constructor(lab: ReplicationLab, random: Random) {
    this.lab = lab;
    this.random = random;
    const b = random.pick(['sync', 'async'] as const);
    this.modes = random.below(2) ? { b, c: { mode: 'async', from: random.pick(['a', 'b'] as const) } } : { b };
  }

  get targets(): string[] {
    return this.modes.c ? ['b', 'c'] : ['b'];
  }

  async begin(): Promise<void> {
    const { lab, modes } = this;
    for (let i = 0; i < this.random.below(5); i++) await this.write();
    // What was there before is in every copy: numbers begin behind it.
    this.before = this.history.length;
    const legs = [lab.leg('b', modes.b)];
    if (modes.c) legs.push(lab.leg('c', 'async', { from: modes.c.from, periodMs: 3 * MINUTE }));
    await lab.lease('a', 100_000);
    await lab.protect(legs);
    this.told.push(`b ${modes.b}${modes.c ? `, c async from ${modes.c.from}` : ''}`);
  }
  before = 0;

  async write(): Promise<void> {
    const { lab, random } = this;
    const vm = random.pick(lab.vms);
    const index = random.below(6);
    const text = `${this.history.length}`.padEnd(random.below(4000), '.');
    try {
      await lab.write(vm, index, text);
      this.history.push({ vm, index, text, at: lab.clock.now() });
      this.told.push(`write ${this.history.length}`);
    } catch (error) {
      if (!/held back/.test(String(error))) throw error;
      this.told.push('a write was held back');
    }
  }

  async step(): Promise<void> {
    const { lab, random } = this;
    const what = random.below(14);
    if (what < 7) return this.write();
    if (what < 10) return this.pass([0.002, 0.05, 1, 40, 400][random.below(5)] as number);
    if (what === 10) {
      const link = random.pick(['ab', 'ac', 'bc']);
      const id = this.broken.get(link);
      this.told.push(`${id ? 'mend' : 'break'} ${link}`);
      if (id) {
        await lab.mend(id);
        this.broken.delete(link);
      } else this.broken.set(link, await lab.fault(random.pick(['link-cut', 'link-degraded'] as const), link));
    } else if (what === 11) {
      this.told.push('a point is asked for');
      await lab.port.cutPoints('a', [{ groupId: GROUP, epoch: 1, token: `t${++this.tokens}` }]);
    } else if (what === 12) {
      this.told.push('b: go alone');
      await lab.port.goAlone('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', order: 1 }]);
    } else {
      const suspended = random.below(3) === 0;
      this.told.push(`${suspended ? 'suspend' : 'resume'} b`);
      await lab.port.suspendLegs('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', suspended, version: 1 }]);
    }
  }

  pass(seconds: number): void {
    this.told.push(`${seconds} s`);
    this.lab.tick(seconds);
  }

  /** Every copy that is of use holds a beginning of the history, and says which. */
  async check(): Promise<void> {
    for (const site of this.targets) {
      const status = await this.lab.status(site);
      const copy = await this.lab.store.get<WorldCopy>(copyKey({ groupId: GROUP, siteId: site }), { table: 'world' });
      if (!copy || (status.copy?.points.length ?? 0) === 0) continue;
      expect(await this.content(site), this.words(site)).toEqual(
        after(this.history, this.before + copy.sequence, this.lab.vms),
      );
      expect(status.head.sequence).toBeLessThanOrEqual(this.history.length - this.before);
      // No point is said to be younger than the oldest write that it lacks, at the end of a cascade neither.
      for (const { sequence, stateAt } of status.copy?.points ?? [])
        for (const { at } of this.history.slice(this.before + sequence))
          expect(at, this.words(site)).toBeGreaterThanOrEqual(stateAt);
      const sequences = status.copy?.points.map((p) => p.sequence) ?? [];
      expect([...sequences].sort((x, y) => x - y)).toEqual(sequences);
    }
  }

  /** The first site burns, and one of the others takes over at one of its points. */
  async disaster(): Promise<void> {
    const { lab, random } = this;
    this.pass(LATENCY_S);
    const linked = !this.broken.has('ab') && !this.broken.has('ac') && !this.broken.has('bc');
    const target = random.pick(this.targets);
    await lab.fault('site-loss', 'a');
    this.pass(random.below(100) + 1);
    const points = (await lab.status(target)).copy?.points ?? [];
    const former = { leaseUntil: lab.clock.now() };
    const point = points.length > 0 && random.below(2) ? random.pick(points).sequence : undefined;
    const result = await lab.promote(target, { former, ...(point === undefined ? {} : { point }) });
    if (points.length === 0) {
      expect(result?.outcome, this.words(target)).toBe('refused');
      return;
    }
    const there = this.before + (result?.point?.sequence ?? -1);
    expect(result?.outcome, this.words(target)).toBe('promoted');
    expect(await this.content(target), this.words(target)).toEqual(after(this.history, there, lab.vms));
    const lost = this.history.length - there;
    expect(result?.lost?.count ?? -1, this.words(target)).toBeLessThanOrEqual(lost);
    if (linked && target === 'b') expect(result?.lost?.count, this.words(target)).toBe(lost);
    for (const vm of lab.vms) await expect(lab.write(vm, 0, 'no', 'a')).rejects.toThrow();
  }

  private async content(site: string): Promise<Content> {
    const content: Content = {};
    for (const vm of this.lab.vms)
      content[vm] = Object.fromEntries(
        Object.entries(await this.lab.blocks(site, vm)).map(([index, text]) => [index, brief(text)]),
      );
    return content;
  }

  private words(site: string): string {
    return `at ${site} after: ${this.told.join('; ')}`;
  }
}

describe('whatever happens to links and sites', () => {
  it(`each copy is a beginning of what was written, and a take-over loses what it says (seed ${SEED}, ${RUNS} runs)`, async () => {
    for (let run = 0; run < RUNS; run++) {
      const lab = await ReplicationLab.start(2);
      const random = seededRandom(SEED * 100_000 + run);
      const story = new Story(lab, random);
      story.told.push(`run ${run}`);
      await story.begin();
      for (let i = 0; i < STEPS; i++) {
        await story.step();
        await story.check();
      }
      await story.disaster();
    }
  }, 300_000);
});
