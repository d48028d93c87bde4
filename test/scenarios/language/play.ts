import { checkInvariants } from '../../../shared/invariants/check.ts';
import type { Belief } from '../../../shared/invariants/facts.ts';
import type { OperationKind } from '../../../shared/model/operation.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { trueCopies } from '../../../shared/world/replication/truth.ts';
import { World } from '../../../shared/world/world.ts';
import { act } from './act.ts';
import { Chronicle } from './chronicle.ts';
import { misreported } from './dr/judge.ts';
import type { GuestsSetting } from './dr/story.ts';
import { difference, type Happening, type Picture, pictureOf } from './observe.ts';
import { finalPlaces } from './places.ts';
import { type Stage, setStage } from './stage.ts';
import type { Scheduled, Story, Trigger } from './story.ts';
import { Trouble } from './trouble.ts';
import {
  type GuestTruth,
  guestsAt,
  type HostTruth,
  hostChanges,
  type Life,
  Lives,
  readTruth,
  seenAt,
  type Truth,
} from './truth.ts';
import { natural } from './words.ts';

/** The longest that a story may take that runs until quiet, ms of story time. */
const LONGEST_MS = 4 * 3_600_000;

/** What was seen of a story, for its promises. */
export interface Seen {
  stage: Stage;
  belief: Belief;
  truth: Truth;
  lives: Lives;
  /** The picture before anything happened. */
  first: Belief;
  /** When a host was first believed to be in a state, ms of story time, by `h1 fenced`. */
  hostStates: Map<string, number>;
  /** Alarms that were ever active, as `code object`. */
  alarms: Set<string>;
  /** Commands that were refused, as they are written, with the codes. */
  refused: Map<string, string[]>;
}
export interface Played {
  golden: string;
  /** What must never be, with the time at which it was: invariants, and VMs that ran twice. */
  broken: string[];
  seen: Seen;
}

/** Plays a story to its end, looking at belief and world at every instant at which the clock stops. */
export class Play {
  private readonly story: Story;
  private readonly stage: Stage;
  private readonly chronicle = new Chronicle();
  private readonly lives = new Lives();
  private readonly hostTruth = new Map<string, HostTruth>();
  private guests = new Map<string, GuestTruth>();
  private readonly hostStates = new Map<string, number>();
  private readonly alarms = new Set<string>();
  private readonly refused = new Map<string, string[]>();
  private readonly broken = new Map<string, number>();
  private readonly faults = new Map<string, string>();
  private trouble: Trouble;
  private readonly writers: (GuestsSetting & { next: number })[];
  /** The process died in the middle of a step, and comes again after so long, ms. */
  private dead: number | undefined;
  private pending: Scheduled[];
  private belief!: Belief;
  private truth!: Truth;
  private first!: Belief;
  private picture: Picture | undefined;
  private writesSeen = -1;
  private lookedAt: number;
  private changedAt = 0;

  /** Plays it, hands what was seen to the judge while the cloud still stands, and tidies up. */
  static async of<T>(story: Story, judge: (played: Played) => Promise<T>): Promise<T> {
    const stage = await setStage(story);
    try {
      return await judge(await new Play(story, stage).play());
    } finally {
      await stage.close();
    }
  }

  private constructor(story: Story, stage: Stage) {
    this.story = story;
    this.stage = stage;
    this.trouble = new Trouble(stage.test);
    this.pending = [...story.course];
    this.lookedAt = stage.begin;
    this.writers = story.setting.filter((s) => s.kind === 'guests').map((s) => ({ ...s, next: 0 }));
    stage.onStep((when, of, step) => this.strike(when, of, step));
  }

  /** Story time, ms. */
  private now(): number {
    return this.stage.test.clock.now() - this.stage.begin;
  }

  private async play(): Promise<Played> {
    await this.look();
    this.first = this.belief;
    const { end } = this.story;
    for (;;) {
      const due = this.pending.filter((s) => !s.after).toSorted((a, b) => a.at - b.at);
      const [next] = due;
      if (next && next.at <= this.now()) await this.do(next);
      else if ('until' in end && this.now() >= end.until) break;
      else if (!('until' in end) && this.quiet(end.quiet)) break;
      else {
        const target = Math.min(next?.at ?? LONGEST_MS, 'until' in end ? end.until : LONGEST_MS);
        if (this.now() >= LONGEST_MS) throw new Error(`${this.story.file} does not come to rest\n${this.golden()}`);
        await this.runTo(target, 'until' in end ? undefined : end.quiet);
      }
    }
    const { names } = this.stage;
    const missed = this.pending[0];
    if (missed) throw new Error(`${this.story.file}:${missed.place.line}: never came to '${missed.text}'`);
    // What is under way comes to its end, and then everything must be in order.
    await this.runToRest();
    for (const violation of this.violations()) this.breaks(`at the end: ${violation}`);
    for (const [vmId, alive] of Map.groupBy(
      [...this.lives.all.values()].filter((l) => l.to === undefined),
      (l) => l.vmId,
    ))
      if (alive.length > 1) this.breaks(`at the end: ${names.of(vmId)} lives ${alive.length} times`);
    for (const violation of await this.writesInOrder()) this.breaks(`at the end: ${names.in(violation)}`);
    return {
      golden: this.golden(),
      broken: [...this.broken].map(([what, at]) => `${at / 1_000} s: ${what}`),
      seen: {
        stage: this.stage,
        belief: this.belief,
        truth: this.truth,
        lives: this.lives,
        first: this.first,
        hostStates: this.hostStates,
        alarms: this.alarms,
        refused: this.refused,
      },
    };
  }

  private quiet(ms: number): boolean {
    const idle = this.stage.test.cloud.engine.size === 0;
    // Where groups are protected, what heals by itself is waited for, and what comes of it.
    const ends = this.belief.groups.length > 0 ? this.truth.faults.map((f) => (f.until ?? 0) - this.stage.begin) : [];
    const since = Math.max(this.changedAt, ...ends);
    return this.pending.length === 0 && idle && this.now() - since >= ms;
  }

  /** To that time, or to when a command that waits for something becomes due, or to rest. */
  private async runTo(target: number, quiet?: number): Promise<void> {
    const left = (target - this.now()) / 1_000;
    await this.stage.test.until(async () => {
      await this.comeAgain();
      await this.guestsWrite();
      await this.look();
      return this.now() >= target || this.triggered() || (quiet !== undefined && this.quiet(quiet));
    }, left);
  }

  private async runToRest(): Promise<void> {
    await this.stage.test.until(async () => {
      await this.comeAgain();
      await this.look();
      return this.stage.test.cloud.engine.size === 0;
    }, 1_800);
  }

  /** Commands whose moment has come get their time. */
  private triggered(): boolean {
    let any = false;
    this.pending = this.pending.map((s) => {
      // It is waited for once everything that stands before it has been done.
      const before = this.pending.some((other) => other.place.line < s.place.line);
      if (!s.after || s.after.kind === 'step' || before || !this.holds(s.after)) return s;
      any = true;
      const { after: _, ...rest } = s;
      return { ...rest, at: this.now() + s.at };
    });
    return any;
  }

  private holds(trigger: Trigger): boolean {
    const { names } = this.stage;
    const vm = 'vm' in trigger ? this.belief.vms.find((v) => v.id === names.id(trigger.vm)) : undefined;
    switch (trigger.kind) {
      case 'starts': {
        const home = this.first.vms.find((v) => v.id === vm?.id)?.hostId;
        return this.lives.of(names.id(trigger.vm)).some((l) => l.hostId !== home && l.to === undefined);
      }
      case 'has started': {
        const later = this.lives.of(names.id(trigger.vm)).filter((l) => l.from >= this.stage.begin);
        return later.length >= trigger.times && later.at(-1)?.to === undefined;
      }
      case 'waits':
        return vm?.state === 'faultResuming' && vm.hostId === null;
      case 'vm is':
        return vm?.state === trigger.state;
      case 'host is':
        return this.belief.hosts.some((h) => h.id === names.id(trigger.host) && h.state === trigger.state);
      case 'plan is':
        return this.belief.plans.some((p) => p.id === names.id(trigger.plan) && p.state === trigger.state);
      case 'group is':
        return this.belief.groups.some((g) => g.id === names.id(trigger.group) && g.state === trigger.state);
      case 'step':
        return false;
    }
  }

  private async do(scheduled: Scheduled): Promise<void> {
    this.pending = this.pending.filter((s) => s !== scheduled);
    const at = this.now();
    const { command } = scheduled;
    const note =
      command.kind === 'kill'
        ? await this.kill(command.for)
        : await act(scheduled, this.stage, this.trouble, this.faults);
    this.hear(scheduled.text, note);
    // One line of the course is one line of the golden, however many things it is about.
    const rest = this.pending.some((s) => s.place === scheduled.place && s.text === scheduled.text);
    if (note || !rest)
      this.chronicle.tell(at, [{ word: 'does', subject: scheduled.text, text: note && `   (${note})` }]);
    this.changedAt = this.now();
    await this.stage.test.rest();
    if (!rest) await this.look();
  }

  private hear(command: string, note: string): void {
    const [, code] = /^refused: \d+ (\S+)/.exec(note) ?? [];
    if (code !== undefined) this.refused.set(command, [...(this.refused.get(command) ?? []), code]);
  }

  /** Commands that strike in the middle of a workflow are done there, before anybody has seen what the step does. */
  private async strike(when: 'before' | 'after', of: OperationKind, step: string): Promise<boolean> {
    if (this.dead !== undefined) return false;
    const mine = this.pending.filter(({ after: a, place }) => {
      const waits = this.pending.some((other) => other.place.line < place.line);
      return a?.kind === 'step' && a.when === when && a.of === of && a.step === step && !waits;
    });
    // Only the first line: what stands below it waits until that has been done.
    const due = mine.filter((s) => s.place.line === mine[0]?.place.line);
    for (const scheduled of due) {
      const { after: _, ...rest } = scheduled;
      this.pending = this.pending.filter((s) => s !== scheduled);
      if (scheduled.at > 0) {
        this.pending.push({ ...rest, at: this.now() + scheduled.at });
        continue;
      }
      const at = this.now();
      if (scheduled.command.kind === 'kill') this.dead = scheduled.command.for;
      const note = this.dead === undefined ? await act(scheduled, this.stage, this.trouble, this.faults) : '';
      this.hear(scheduled.text, note);
      const text = `${scheduled.text}, ${when} ${step} of ${of}${note && `   (${note})`}`;
      this.chronicle.tell(at, [{ word: 'does', subject: text, text: '' }]);
      this.changedAt = at;
    }
    return this.dead !== undefined;
  }

  private async comeAgain(): Promise<void> {
    if (this.dead === undefined) return;
    const ms = this.dead;
    this.dead = undefined;
    await this.kill(ms);
  }

  private async guestsWrite(): Promise<void> {
    const { names, guests, test, resting } = this.stage;
    for (const writer of this.writers) {
      if (this.now() >= writer.next) {
        if (!resting)
          await guests.write(
            writer.vms.map((vm) => names.id(vm)),
            writer.bytes,
          );
        writer.next = this.now() + writer.everyMs;
        // So that the clock stops there.
        void test.clock.sleepUntil(test.clock.now() + writer.everyMs);
        // What they wrote is not counted as a write of the control plane.
        this.writesSeen = -1;
      }
    }
  }

  private async kill(ms: number): Promise<string> {
    const { test, inStep } = this.stage;
    await test.restart(ms / 1_000, inStep);
    this.trouble = new Trouble(test);
    return '';
  }

  /** Looks at everything, notes what changed, and checks what must always hold. */
  private async look(): Promise<void> {
    const { test, names } = this.stage;
    await test.rest();
    const now = test.clock.now();
    const fresh = this.writesSeen !== this.stage.writes();
    if (fresh) {
      this.writesSeen = this.stage.writes();
      [this.belief, this.truth] = await Promise.all([readBelief(test.cloud.store), readTruth(test.cloud.store)]);
    }
    if (this.belief.groups.length > 0)
      this.truth.copies = await trueCopies(new World(test.cloud.store), this.truth.faults, now);
    this.chronicle.next();
    const happened = this.worldChanges(now);
    if (fresh) happened.push(...this.beliefChanges());
    if (happened.length > 0) this.changedAt = this.now();
    for (const violation of this.violations(INSTANT)) this.breaks(violation);
    const guarded = new Set(this.belief.vms.filter((vm) => vm.protection).map((vm) => vm.id));
    for (const twice of this.lives.twice((id) => guarded.has(id))) this.breaks(names.in(twice));
    this.lookedAt = now;
  }

  private beliefChanges(): Happening[] {
    const { names } = this.stage;
    const picture = pictureOf(this.belief, names);
    const before = this.picture;
    this.picture = picture;
    for (const [host, state] of picture.hosts) {
      const key = `${host} ${state}`;
      if (!this.hostStates.has(key)) this.hostStates.set(key, this.now());
    }
    for (const { code, subject } of picture.alarms.values()) this.alarms.add(`${code} ${subject}`);
    const happened = before ? difference(before, picture) : [];
    this.chronicle.tell(this.now(), happened);
    return happened;
  }

  /** What became of hosts, of what ran on them, and of guests. */
  private worldChanges(now: number): Happening[] {
    const happened = [...this.hostChanges(now), ...this.lifeChanges(now), ...this.guestChanges(now)];
    for (const { at, ...happening } of happened) this.chronicle.tell(at - this.stage.begin, [happening]);
    return happened;
  }

  private hostChanges(now: number): (Happening & { at: number })[] {
    return [...this.truth.lines].flatMap(([id, line]) => {
      const was = this.hostTruth.get(id);
      const changes = hostChanges(line, was, this.lookedAt, now);
      const last = changes.at(-1);
      if (last) this.hostTruth.set(id, last.is);
      const subject = this.stage.names.of(id);
      return was ? changes.map(({ at, is }) => ({ at, word: 'world' as const, subject, text: is })) : [];
    });
  }

  private lifeChanges(now: number): (Happening & { at: number })[] {
    const { names } = this.stage;
    const ends = new Map([...this.lives.all].map(([key, life]) => [key, life.to]));
    this.lives.look(this.truth, now);
    // Those that were there before the story began are no news.
    if (!this.picture) return [];
    const lives = [...this.lives.all].sort(([, a], [, b]) => natural(names.of(a.vmId), names.of(b.vmId)));
    const line = (life: Life, text: string) => ({ word: 'world' as const, subject: names.of(life.vmId), text });
    const where = (life: Life) => `on ${names.of(life.hostId)} #${life.epoch}`;
    return [
      ...lives.flatMap(([key, life]) =>
        life.to !== undefined && ends.get(key) === undefined
          ? [{ at: life.to, ...line(life, `ended ${where(life)}: ${life.cause}`) }]
          : [],
      ),
      ...lives.flatMap(([key, life]) =>
        ends.has(key) ? [] : [{ at: life.from, ...line(life, `started ${where(life)}`) }],
      ),
    ];
  }

  /** Guests that crash or hang in a process that goes on. */
  private guestChanges(now: number): (Happening & { at: number })[] {
    const was = this.guests;
    const found = guestsAt(this.truth, now);
    this.guests = new Map([...found].map(([key, { is }]) => [key, is]));
    return [...found].flatMap(([key, { is, at }]) => {
      const [vmId = ''] = key.split(' ');
      const subject = `the guest of ${this.stage.names.of(vmId)}`;
      return is === (was.get(key) ?? 'works') ? [] : [{ at, word: 'world' as const, subject, text: is }];
    });
  }

  /** INV-8 and INV-9, from what guests were told. */
  private async writesInOrder(): Promise<string[]> {
    const { guests } = this.stage;
    const out = [...guests.broken];
    for (const group of this.belief.groups) {
      const { lost, broken } = await guests.loss(group, this.belief.vms);
      const wrong = misreported(group.id, lost, this.belief.executions, false);
      out.push(...broken, ...(await guests.copies(group)), ...(wrong ? [`INV-8: ${group.id}: ${wrong}`] : []));
    }
    return out;
  }

  private violations(only?: ReadonlySet<string>): string[] {
    const now = this.stage.test.clock.now();
    // An operation that nobody was told of is not late yet.
    const facts = { belief: this.belief, seen: seenAt(this.truth, now), now: now - this.trouble.downFor(now) };
    return checkInvariants(facts)
      .filter((i) => !only || only.has(i.id))
      .flatMap((i) => i.violations.map((v) => `${i.id}: ${this.stage.names.in(v)}`));
  }

  private breaks(what: string): void {
    if (!this.broken.has(what)) this.broken.set(what, this.now());
  }

  private golden(): string {
    const lines = this.chronicle.write();
    const places = finalPlaces(this.belief, this.truth, this.lives, this.stage, this.stage.test.clock.now());
    return `${[this.story.title, '', ...lines, '', ...places].join('\n')}\n`;
  }
}

/** What holds at every instant at which the clock stops. */
const INSTANT = new Set(['INV-1', 'INV-2', 'INV-3', 'INV-4', 'INV-5', 'INV-6', 'INV-7', 'INV-13']);
