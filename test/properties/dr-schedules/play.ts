import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InvokeSteps } from '../../../infra/local/workflows/engine.ts';
import { INVARIANTS } from '../../../shared/invariants/check.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import { OPERATION_KINDS } from '../../../shared/model/operation.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { NumberedGuests } from '../../support/numbered-guests.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';
import { type Sabotage, sabotage } from './sabotage.ts';
import { type Happening, type Schedule, wordsOf } from './schedule.ts';
import { RecoveryWatch } from './watch.ts';
import { KIND, NEXT, ONWARD } from './ways.ts';

const VM_MIB = 512;
/** Without new trouble everything must have ended within so many seconds of cloud time. */
const DUST_S = 3_600;
const CALM_S = 35;
const MOST_SAID = 6;
/** Refusals that a caller has to live with. */
const TAKEN = [200, 201, 202, 204, 404, 409, 412, 503, 507];
/** Actions that it takes at most to bring a plan from any state to rest. */
const WAYS_HOME = 12;

export interface Tally {
  instants: number;
  checks: number;
  writes: number;
  /** Things that were looked at, by invariant of disaster recovery. */
  looked: Record<string, number>;
  /** Tests that were compared with what was before them. */
  compared: number;
  /** Actions that were accepted, by name. */
  done: Record<string, number>;
}

/** Plays a schedule and looks at every instant. @throws what was wrong, when, and what was done until then. */
export async function play(schedule: Schedule, broken: { sabotage?: Sabotage } = {}): Promise<Tally> {
  const chance = seededRandom(schedule.seed);
  let begun = false;
  const memory = memoryEngine(() => (begun ? Math.floor(chance.next() * 3) : 0));
  // Of the folder only the key of the tokens is needed: a control plane that comes again goes on with the same ones.
  const folder = mkdtempSync(join(tmpdir(), 'strata-dr-'));
  const test = await TestCloud.start({ estate: ESTATE, seed: schedule.seed, memory, folder });
  try {
    const acme = await TestTenant.create(test);
    await test.rest();
    begun = true;
    if (broken.sabotage) sabotage(memory.db, broken.sabotage);
    const guests = new NumberedGuests(() => test.cloud.store, test.clock);
    const watch = new RecoveryWatch(memory.db, () => test.cloud.store, guests);
    const player = new Player(schedule, test, watch, guests, acme);
    await player.play();
    return {
      instants: watch.instants,
      checks: watch.checks,
      looked: watch.looked,
      compared: watch.compared,
      writes: guests.history.length,
      done: player.done,
    };
  } finally {
    await test.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const site = (name: string) => ({
  name,
  clusters: [{ name: 'c1', hosts: { count: 2, cores: 64, mhz: 2400, memoryGiB: 32 } }],
  datastores: [{ name: 'san', capacityGiB: 5_000 }],
});
const ESTATE = {
  sites: [site('a'), site('b')],
  links: [{ from: 'a', to: 'b', latencyMs: 2, mbps: 1_000, mode: 'sync' }],
};
const HOSTS = ['a', 'b'].flatMap((s) => ['01', '02'].map((n) => `host_${s}-c1-${n}`));

class Player {
  readonly watch: RecoveryWatch;
  readonly done: Record<string, number> = {};
  private readonly schedule: Schedule;
  private readonly test: TestCloud;
  private readonly guests: NumberedGuests;
  private readonly acme: TestTenant;
  private readonly told: string[] = [];
  private readonly vms: string[] = [];
  private readonly groups: string[] = [];
  private readonly plans: string[] = [];
  private begun = 0;
  private writeAt = Number.POSITIVE_INFINITY;
  /** The control plane dies at its n-th step from now. */
  private doom: { n: number; when: 'before' | 'after'; seconds: number } | undefined;
  private dead: number | undefined;

  constructor(schedule: Schedule, test: TestCloud, watch: RecoveryWatch, guests: NumberedGuests, acme: TestTenant) {
    this.schedule = schedule;
    this.test = test;
    this.watch = watch;
    this.guests = guests;
    this.acme = acme;
  }

  async play(): Promise<void> {
    await this.populate();
    this.begun = this.now;
    this.writeAt = this.now;
    this.haunt();
    for (const happening of this.schedule.happenings) {
      await this.advance(this.now + (happening.gap * SECOND) / 2);
      this.told.push(`${this.when()} ${wordsOf(happening)}`);
      await this.act(happening);
      await this.look();
    }
    // The trouble ends: faults run out, and who has no power is switched on.
    this.doom = undefined;
    await this.advance(Math.max(this.now, ...this.watch.faults().map((f) => f.until ?? 0)));
    await this.calm(['online', 'fenced']);
    for (const host of HOSTS)
      this.taken(
        await this.test.client.call('POST', `/v1/system/hosts/${host}/power-on`, { token: this.test.operator }),
      );
    await this.calm();
    await this.bringHome();
    await this.settled();
  }

  private get now(): number {
    return this.test.clock.now();
  }

  private async populate(): Promise<void> {
    const { groups, priorities, second } = this.schedule;
    const priority: Record<string, number> = {};
    const byHome = new Map<string, string[]>();
    for (const [i, { mode, holdBack, home, vms }] of groups.entries()) {
      const members: string[] = [];
      for (let n = 0; n < vms; n++) {
        const body = { ...this.acme.body({ name: `g${i}-${n}`, vcpus: 1, memoryMiB: VM_MIB, sizeGiB: 1 }) };
        const vm = await this.must<VmView>('POST', `/v1/vdcs/${this.acme.vdcId}/vms`, {
          ...body,
          placement: { siteId: `site_${home}` },
        });
        members.push(vm.id);
      }
      await this.test.settle();
      const group = await this.must<{ id: string }>('POST', '/v1/protected-groups', {
        name: `g${i}`,
        vdcId: this.acme.vdcId,
        vms: members,
        replication: {
          mode,
          targetSiteId: `site_${home === 'a' ? 'b' : 'a'}`,
          ...(mode === 'async' ? { rpoMinutes: 5 } : {}),
          ...(mode === 'sync' && holdBack ? { onLinkLoss: 'holdBack' } : {}),
        },
      });
      for (const vm of members) priority[vm] = priorities[this.vms.push(vm) - 1] ?? 3;
      this.groups.push(group.id);
      byHome.set(home, [...(byHome.get(home) ?? []), group.id]);
    }
    await this.test.until(async () => (await this.watch.belief()).groups.every((g) => g.state === 'protected'), 3_600);
    for (const [home, mine] of byHome) await this.plan(`plan of ${home}`, mine, priority);
    if (second) await this.plan('second', this.groups.slice(0, 1), priority);
  }

  private async plan(name: string, groups: string[], all: Record<string, number>): Promise<void> {
    const { vms } = {
      vms: new Set((await this.watch.belief()).groups.filter((g) => groups.includes(g.id)).flatMap((g) => g.vms)),
    };
    const priorities = Object.fromEntries(Object.entries(all).filter(([vm]) => vms.has(vm)));
    // Of a group one plan keeps the room.
    const reserve = name !== 'second' && this.schedule.seed % 2 === 0 ? 'full' : 'none';
    const body = { name, groups, priorities, reserve };
    this.plans.push((await this.must<{ id: string }>('POST', '/v1/recovery-plans', body)).id);
  }

  private async must<T>(method: string, path: string, body?: object): Promise<T> {
    const reply = await this.test.client.call(method, path, { token: this.acme.token, ...(body ? { body } : {}) });
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    await this.test.rest();
    return reply.body as T;
  }

  /** Lets the process die in the middle of its work. */
  private haunt(): void {
    const engine = this.test.cloud.engine as unknown as { invoke: InvokeSteps; halt: AbortController };
    const invoke = engine.invoke;
    const die = (seconds: number): never => {
      this.doom = undefined;
      this.dead = seconds;
      engine.halt.abort(new Error('the process died'));
      engine.halt.signal.throwIfAborted();
      throw new Error('it is dead');
    };
    engine.invoke = async (kind, payload) => {
      engine.halt.signal.throwIfAborted();
      if (this.doom) this.doom.n--;
      const mine = this.doom?.n === 0 ? this.doom : undefined;
      if (mine?.when === 'before') die(mine.seconds);
      const answer = await invoke(kind, payload);
      if (mine?.when === 'after') die(mine.seconds);
      return answer;
    };
  }

  private async comeAgain(seconds: number): Promise<void> {
    this.dead = undefined;
    this.told.push(`${this.when()} it is dead for ${seconds} s`);
    await this.test.restart(seconds, () => this.haunt());
  }

  /** To that time, from instant to instant. */
  private async advance(until: number): Promise<void> {
    while (this.now < until) {
      await this.test.step(Math.min(until, this.writeAt, this.watch.nextChange(this.now)));
      if (this.dead !== undefined) await this.comeAgain(this.dead);
      if (this.now >= this.writeAt) {
        // What guests of test copies write reaches nobody else's disks.
        const copies = (await this.watch.belief()).vms.filter((vm) => vm.testOf).map((vm) => vm.id);
        await this.guests.write([...this.vms, ...copies]);
        this.writeAt = this.now + this.schedule.writeEverySeconds * SECOND;
      }
      await this.look();
    }
  }

  private async look(): Promise<void> {
    const wrong = await this.watch.wrong(this.now);
    if (wrong.length > 0) throw await this.failure('', wrong);
  }
  private async failure(when: string, wrong: string[]): Promise<Error> {
    const { plans, groups, vms, executions, operations } = await this.watch.belief();
    const known = [
      ...this.told,
      ...plans.map((p) => `${p.id} (${p.name}): ${p.state}, held by ${p.claim ?? 'nothing'}, ${p.reason ?? ''}`),
      ...groups.map(
        (g) =>
          `${g.id} (${g.name}): ${g.state} at ${g.primarySiteId} #${g.epoch}, held by ${g.claim ?? 'nothing'}, ${g.reason ?? ''}, former ${JSON.stringify(g.former ?? null)}`,
      ),
      ...vms.map(
        (v) =>
          `${v.id} (${v.name}): ${v.state} at ${v.siteId} on ${v.hostId} #${v.epoch}, ${v.claim ?? ''} ${v.reason ?? ''}`,
      ),
      ...executions.map((e) => `${e.id}: ${e.action} ${e.state} ${JSON.stringify(e.groups)}`),
      ...operations
        .filter((o) => o.state === 'running' || o.state === 'waiting')
        .map((o) => `${o.id}: ${o.kind} ${o.state}`),
    ];
    return new Error(
      [
        `${when}${this.when()}:`,
        ...wrong.slice(0, MOST_SAID).map((w) => `  ${w}`),
        ...known.map((k) => `    ${k}`),
      ].join('\n'),
    );
  }
  private when(): string {
    return `${((this.now - this.begun) / SECOND).toFixed(1)} s`;
  }

  /** Until nothing has been under way for a while. What never ends is found by what is asked afterwards. */
  private async calm(states: readonly string[] = ['online'], seconds = CALM_S): Promise<void> {
    const end = this.now + DUST_S * SECOND;
    let since = this.now;
    while (this.now < end) {
      await this.test.rest();
      const { hosts } = await this.watch.belief();
      const still = this.test.cloud.engine.size === 0 && hosts.every((h) => states.includes(h.state) && !h.claim);
      if (!still) since = this.now;
      else if (this.now - since >= seconds * SECOND) return;
      await this.advance(Math.min(end, this.now + 5 * SECOND));
    }
  }

  private async act(h: Happening): Promise<void> {
    switch (h.do) {
      case 'plan':
        return this.order(this.plans[h.plan % this.plans.length] as string, h.action);
      case 'onward': {
        const id = this.plans[h.plan % this.plans.length] as string;
        const { plans, groups } = await this.watch.belief();
        const plan = plans.find((p) => p.id === id);
        const options = plan && plan.claim === undefined ? (ONWARD[plan.state] ?? []) : [];
        const action = options[h.which % Math.max(1, options.length)];
        if (!action) return;
        if (action === 'reprotect')
          for (const g of groups.filter((g) => plan?.groups.includes(g.id)))
            if (g.former?.divergent?.count && !g.former.divergent.discarded)
              await this.call(`/v1/protected-groups/${g.id}/discard-divergence`, { reason: 'not wanted' }, 'discard');
        return this.order(id, action);
      }
      case 'disaster': {
        const [first] = (await this.watch.belief()).groups;
        if (!first) return;
        const plans = (await this.watch.belief()).plans.filter((p) => p.groups.includes(first.id));
        await this.test.fault('site-loss', first.primarySiteId, { for: h.seconds });
        await this.advance(this.now + h.after * SECOND);
        for (const plan of plans) await this.order(plan.id, 'failover');
        return;
      }
      case 'group': {
        const id = this.groups[h.group % this.groups.length] as string;
        const path = `/v1/protected-groups/${id}/${h.action === 'discard' ? 'discard-divergence' : h.action}`;
        const body = h.action === 'discard' ? { reason: 'not wanted' } : undefined;
        return this.call(path, body, h.action);
      }
      case 'fault': {
        const target =
          h.on === 'link'
            ? (await this.watch.belief()).links?.[0]?.id
            : h.on === 'host'
              ? HOSTS[h.which % HOSTS.length]
              : `site_${h.on}`;
        await this.test.fault(h.kind, target as string, { for: h.seconds });
        return this.test.rest();
      }
      case 'kill':
        if (h.n === 0) return this.comeAgain(h.seconds);
        this.doom = { n: h.n, when: h.when, seconds: h.seconds };
    }
  }

  private async order(planId: string, action: string): Promise<void> {
    if (action === 'test') await this.watch.remember(planId);
    if (!(OPERATION_KINDS as readonly string[]).includes(`plan-${KIND[action] ?? action}`)) return;
    const body = ['migrate', 'failover', 'failback'].includes(action) ? { override: { reason: 'a drill' } } : undefined;
    return this.call(`/v1/recovery-plans/${planId}/${action}`, body, action);
  }

  private async call(path: string, body: object | undefined, name: string): Promise<void> {
    const reply = await this.test.client.call('POST', path, { token: this.acme.token, ...(body ? { body } : {}) });
    this.taken(reply);
    if (reply.status < 300) this.done[name] = (this.done[name] ?? 0) + 1;
    this.told.push(`${this.when()}   ${name}: ${reply.status} ${(reply.body as { code?: string })?.code ?? ''}`);
    await this.test.rest();
  }
  private taken({ status, body }: { status: number; body: unknown }): void {
    if (!TAKEN.includes(status))
      throw new Error(`${this.when()}: ${status} ${JSON.stringify(body)}\n${this.told.join('\n')}`);
  }

  /** From whatever state, by what an operator would do: clean up, take up again, discard, reprotect. */
  private async bringHome(): Promise<void> {
    for (let i = 0; i < WAYS_HOME; i++) {
      const { plans, groups } = await this.watch.belief();
      const open = plans.filter((p) => NEXT[p.state] !== undefined);
      const held = groups.filter((g) => g.state === 'suspended');
      if (open.length === 0 && held.length === 0) return;
      for (const g of groups)
        if (g.former?.divergent && g.former.divergent.count > 0 && !g.former.divergent.discarded)
          await this.call(`/v1/protected-groups/${g.id}/discard-divergence`, { reason: 'not wanted' }, 'discard');
      for (const g of held) await this.call(`/v1/protected-groups/${g.id}/resume`, undefined, 'resume');
      for (const plan of open) await this.order(plan.id, NEXT[plan.state] as string);
      await this.calm();
    }
  }

  /** Nothing is under way, every invariant holds, every plan is ready, every group is protected, and every guest writes. */
  private async settled(): Promise<void> {
    const { vms, plans, groups } = await this.watch.belief();
    const wrong = [
      ...(this.test.cloud.engine.size > 0 ? ['workflows do not end'] : []),
      ...(await this.watch.wrong(this.now, [...INVARIANTS], true)),
      ...(await this.watch.volumes()),
      ...plans.filter((p) => p.state !== 'ready').map((p) => `plan ${p.name} is still ${p.state}: ${p.reason}`),
      ...groups.filter((g) => g.state !== 'protected').map((g) => `group ${g.name} is still ${g.state}: ${g.reason}`),
      ...vms
        .filter((vm) => vm.state !== 'running')
        .map((vm) => `${vm.name} ends as ${vm.state} (${vm.reason ?? 'no reason'})`),
    ];
    const taken = await this.guests.write(this.vms);
    if (taken !== this.vms.length) wrong.push(`${taken} of ${this.vms.length} guests can write`);
    wrong.push(...(await this.watch.wrong(this.now, [...INVARIANTS], true)));
    if (wrong.length > 0) throw await this.failure('in the end, ', wrong);
  }
}
