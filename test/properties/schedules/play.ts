import { MANAGEMENT_MEMORY_FLOOR_MIB } from '../../../shared/hypervisor/parameters.ts';
import { INVARIANTS } from '../../../shared/invariants/check.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { TestTenant } from '../../support/tenant.ts';
import { type Happening, hostOf, places, type Schedule, targetOf } from './schedule.ts';
import { Watch } from './watch.ts';

const VM_MIB = 512;
/** Without new trouble everything must have ended within so many seconds of cloud time. */
const DUST_S = 1_800;
/** All is over when nothing was under way for so long: longer than the period at which waiting VMs are tried again. */
const CALM_S = 60;
/** Of what is wrong, so much is told. */
const MOST_SAID = 5;
/** Refusals that a caller has to live with. */
const TAKEN = [200, 202, 204, 404, 409, 412, 503, 507];

export interface Tally {
  instants: number;
  checks: number;
  /** What stood there at each instant, in short. */
  course: string[];
}

/** Plays a schedule and looks at every instant. @throws what was wrong, when, and what was done until then. */
export async function play(schedule: Schedule): Promise<Tally> {
  const chance = seededRandom(schedule.seed);
  // Tokens are checked on another thread: nothing else may be under way meanwhile, or chance would fall differently.
  let begun = false;
  const memory = memoryEngine(() => (begun ? Math.floor(chance.next() * 3) : 0));
  const test = await TestCloud.start({ estate: estateOf(schedule), seed: schedule.seed, memory });
  try {
    const acme = await TestTenant.create(test);
    await test.rest();
    begun = true;
    const player = new Player(schedule, test, new Watch(memory.db, test.cloud.store), acme);
    await player.play();
    return player.watch;
  } finally {
    await test.stop();
  }
}

function estateOf(s: Schedule): object {
  const needed = s.batches.reduce((n, b) => n + b.count, 0) * VM_MIB;
  const memoryGiB = Math.ceil(((needed * s.roomPercent) / 100 / s.hosts + MANAGEMENT_MEMORY_FLOOR_MIB) / 1024);
  return {
    sites: places(s).map(({ site, hosts, racks }) => ({
      name: site,
      clusters: [{ name: 'c1', hosts: { count: hosts.length, cores: 128, mhz: 2400, memoryGiB, racks: racks.length } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    })),
  };
}

class Player {
  readonly watch: Watch;
  private readonly schedule: Schedule;
  private readonly test: TestCloud;
  private readonly acme: TestTenant;
  private readonly vms: string[] = [];
  private begun = 0;

  constructor(schedule: Schedule, test: TestCloud, watch: Watch, acme: TestTenant) {
    this.schedule = schedule;
    this.test = test;
    this.watch = watch;
    this.acme = acme;
  }

  async play(): Promise<void> {
    await this.populate();
    this.begun = this.now;
    for (const happening of this.schedule.happenings) {
      await this.advance(this.now + (happening.gap * SECOND) / 2);
      await this.act(happening);
      await this.look();
    }
    // The trouble ends: faults run out, and who has no power is switched on.
    await this.advance(Math.max(this.now, ...this.watch.faults().map((f) => f.until ?? 0)));
    await this.calm(CALM_S, 'online', 'fenced');
    for (const host of places(this.schedule).flatMap((p) => p.hosts)) await this.powerOn(host);
    await this.calm(CALM_S, 'online');
    await this.settled();
  }

  private get now(): number {
    return this.test.clock.now();
  }

  private async populate(): Promise<void> {
    for (const [i, { count, ha, priority }] of this.schedule.batches.entries()) {
      const reply = await this.acme.create({
        name: `b${i}`,
        count,
        vcpus: 1,
        memoryMiB: VM_MIB,
        sizeGiB: 1,
        ha: { enabled: ha, restartPriority: priority },
      });
      if (reply.status === 201) this.vms.push(...(reply.body.items ?? [reply.body]).map((vm) => vm.id));
      else if (reply.status !== 507) throw new Error(`creation: ${reply.status} ${JSON.stringify(reply.body)}`);
      await this.test.rest();
    }
    await this.calm(0, 'online');
  }

  /** To that time, from instant to instant. */
  private async advance(until: number): Promise<void> {
    while (this.now < until) {
      await this.test.step(Math.min(until, this.watch.nextChange(this.now)));
      await this.look();
    }
  }

  private async look(): Promise<void> {
    const wrong = await this.watch.wrong(this.now);
    if (wrong.length > 0) throw await this.failure('', wrong);
  }
  private async failure(when: string, wrong: string[]): Promise<Error> {
    const said = wrong.slice(0, MOST_SAID).map((w) => `  ${w}`);
    const vms = [...new Set(wrong.join(' ').match(/\bvm_\w+/g))].slice(0, MOST_SAID);
    const known = vms.length > 0 ? await this.watch.about(vms[0] as string, this.now, this.begun) : [];
    return new Error([`${when}${this.when()}:`, ...said, ...known].join('\n'));
  }
  private when(): string {
    return `at ${((this.now - this.begun) / SECOND).toFixed(3)} s`;
  }

  /**
   * Until nothing has been under way for so many seconds, and every host is in one of these states. What never ends is
   * found by what is asked afterwards.
   */
  private async calm(seconds: number, ...states: string[]): Promise<void> {
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
    if (h.do === 'power-on') return this.powerOn(hostOf(this.schedule, h.which));
    if (h.do === 'fault') {
      const target = targetOf(this.schedule, h, this.present());
      if (target) await this.test.fault(h.kind, target, { for: h.seconds });
      return this.test.rest();
    }
    const id = this.vms[h.vm % this.vms.length];
    if (!id) return;
    const { status, body } = h.do === 'delete' ? await this.acme.remove(id) : await this.acme.action(id, h.do);
    if (!TAKEN.includes(status)) throw new Error(`${this.when()}: ${h.do} ${id}: ${status} ${JSON.stringify(body)}`);
    await this.test.rest();
  }

  /** A VM that was deleted cannot crash any more. */
  private present(): string[] {
    const volumes = new Set(this.watch.truth(this.now).volumes?.map((v) => v.vmId));
    return this.vms.filter((id) => volumes.has(id));
  }

  private async powerOn(host: string): Promise<void> {
    const { client, operator } = this.test;
    const { status, body } = await client.call('POST', `/v1/system/hosts/${host}/power-on`, { token: operator });
    if (!TAKEN.includes(status)) throw new Error(`${this.when()}: power-on ${host}: ${status} ${JSON.stringify(body)}`);
    await this.test.rest();
  }

  /** Nothing is under way, every invariant holds, and every VM rests or waits with a reason and an alarm. */
  private async settled(): Promise<void> {
    if (this.test.cloud.engine.size > 0) throw new Error(`${this.when()}: workflows do not end`);
    const belief = await this.watch.belief();
    const alarmed = new Set(belief.alarms.filter((a) => a.state === 'active').map((a) => a.object));
    const wrong = [
      ...(await this.watch.wrong(this.now, [...INVARIANTS], true)),
      ...belief.hosts.filter((h) => h.state !== 'online').map((h) => `${h.id} is still ${h.state}`),
      ...belief.vms
        .filter((vm) => vm.state !== 'running' && vm.state !== 'stopped' && !(vm.reason && alarmed.has(vm.id)))
        .map((vm) => `${vm.id} ends as ${vm.state} (${vm.reason ?? 'no reason'})`),
      // All VMs are of one size, all hosts are back, and there was room for all at the beginning: nobody has to wait.
      ...belief.vms
        .filter((vm) => vm.ha.enabled && vm.desired === 'running' && vm.state !== 'running')
        .map((vm) => `${vm.id} should run and is ${vm.state}`),
    ];
    if (wrong.length > 0) throw await this.failure('in the end, ', wrong);
  }
}
