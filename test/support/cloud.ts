import { LocalClient } from '../../infra/local/client.ts';
import { EmbeddedCloud } from '../../infra/local/cloud.ts';
import { SCHEDULES } from '../../infra/topology.ts';
import { type BuiltinEstate, builtinEstate } from '../../shared/estate/builtin.ts';
import { checkInvariants, type Finding } from '../../shared/invariants/check.ts';
import { ManualClock, MINUTE, pause, SECOND } from '../../shared/kernel/clock.ts';
import { silent } from '../../shared/kernel/log.ts';
import { readBelief } from '../../shared/store/belief.ts';
import type { Cost } from '../../shared/store/store.ts';
import type { MemoryEngine } from './dynamo/client.ts';

export interface TestCloudOptions {
  estate?: BuiltinEstate | object;
  seed?: number;
  folder?: string;
  onCost?: (cost: Cost, who: string) => void;
  /** A database in memory in the place of the engine: many times as fast, and nothing depends on the machine. */
  memory?: MemoryEngine;
}

/** Machine time that a test waits for work that is under way, ms. Reaching it is a failure, never a way on. */
const PATIENCE_MS = 20_000;

/**
 * An embedded cloud whose time stands still until the test moves it. `settle` lets cloud time run, probe by probe, until
 * a condition holds; between two instants all work that is under way comes to rest first, so nothing depends on speed.
 */
export class TestCloud {
  cloud: EmbeddedCloud;
  client: LocalClient;
  readonly clock: ManualClock;
  readonly operator: string;
  private nextProbe: number;
  private readonly tick: (busy: boolean) => Promise<void>;
  private readonly again: () => Promise<EmbeddedCloud>;

  static async start(options: TestCloudOptions = {}): Promise<TestCloud> {
    const clock = new ManualClock();
    const open = (seed: number) =>
      EmbeddedCloud.start({
        clock,
        seed,
        log: silent,
        schedules: false,
        ...(options.folder ? { folder: options.folder } : {}),
        ...(options.onCost ? { onCost: options.onCost } : {}),
        ...(options.memory ? { database: options.memory, looks: false } : {}),
      });
    const seed = options.seed ?? 1;
    const cloud = await open(seed);
    const client = new LocalClient(cloud);
    const operator = await client.operator();
    const test = new TestCloud(cloud, client, clock, operator, () => open(seed + 1), options.memory !== undefined);
    const estate = typeof options.estate === 'object' ? options.estate : builtinEstate(options.estate ?? 'single-site');
    await client.must('POST', '/v1/system/estates', operator, estate);
    await test.rest();
    return test;
  }

  private constructor(
    cloud: EmbeddedCloud,
    client: LocalClient,
    clock: ManualClock,
    operator: string,
    again: () => Promise<EmbeddedCloud>,
    inMemory: boolean,
  ) {
    this.cloud = cloud;
    this.client = client;
    this.clock = clock;
    this.operator = operator;
    this.again = again;
    this.nextProbe = clock.now();
    // Without a process to wait for, all that is under way moves on at every turn of the loop.
    this.tick = inMemory ? turn : (busy) => pause(busy ? 1 : 0);
  }

  stop(): Promise<void> {
    return this.cloud.stop();
  }

  /**
   * The control plane dies, and comes again from its folder after so many seconds of cloud time, in which the world goes
   * on. Only one that was started with a folder can. `begins` is called before it takes up what it had left.
   */
  async restart(seconds = 0, begins: () => void = () => {}): Promise<void> {
    await this.rest();
    await this.cloud.stop();
    this.clock.advanceTo(this.clock.now() + seconds * SECOND);
    this.cloud = await this.again();
    begins();
    this.client = new LocalClient(this.cloud);
    this.nextProbe = Math.max(this.nextProbe, this.clock.now());
    await this.rest();
  }

  /** Waits, in machine time, until nothing is under way: no outbox item, no step. Sleepers in cloud time may remain. */
  async rest(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (let calm = 0; calm < 2; ) {
      await this.cloud.feed.idle();
      if (this.cloud.engine.busy > 0) {
        calm = 0;
        if (performance.now() > end) throw new Error('work that is under way does not come to rest');
        await this.tick(true);
      } else {
        // A step that has just ended may have written to the outbox.
        calm++;
        await this.tick(false);
      }
    }
  }

  /** Moves cloud time by so many seconds; whatever is due on the way happens in order. */
  async advance(seconds: number): Promise<void> {
    const until = this.clock.now() + seconds * SECOND;
    while (this.clock.now() < until) await this.step(until);
  }

  /** Lets cloud time run until the condition holds. @throws when it does not within so many seconds of cloud time. */
  async until<T>(condition: () => Promise<T | undefined | false>, seconds = 600): Promise<T> {
    const end = this.clock.now() + seconds * SECOND;
    for (;;) {
      await this.rest();
      const value = await condition();
      if (value) return value;
      if (this.clock.now() >= end) throw new Error(`did not come true within ${seconds} s of cloud time: ${condition}`);
      await this.step(end);
    }
  }

  /** To the next instant at which something is due: a sleeper or a probe. */
  async step(limit: number): Promise<void> {
    await this.rest();
    const next = Math.min(limit, this.nextProbe, this.clock.nextWake() ?? Number.POSITIVE_INFINITY);
    this.clock.advanceTo(Math.max(next, this.clock.now()));
    await this.rest();
    if (this.clock.now() >= this.nextProbe) {
      this.nextProbe = this.clock.now() + SCHEDULES.probe.everySeconds * SECOND;
      await this.cloud.probe.run();
      await this.rest();
    }
  }

  /** Lets everything that was begun come to an end. */
  async settle(seconds = (30 * MINUTE) / SECOND): Promise<void> {
    await this.until(async () => this.cloud.engine.size === 0, seconds);
  }

  world(): Promise<World> {
    return this.client.must<World>('GET', '/v1/sim/world', this.operator);
  }

  fault(kind: string, target: string, more: { for?: number; at?: string } = {}): Promise<{ id: string }> {
    return this.client.must('POST', '/v1/sim/faults', this.operator, { kind, target, ...more });
  }

  /** Belief against truth: every invariant, with the processes and leases that really are there. */
  async invariants(): Promise<Finding[]> {
    const world = await this.world();
    const answered = world.hosts.filter((h) => h.serves).map((h) => h.id);
    const seen = { processes: world.processes as never, answered, volumes: world.volumes, copies: world.copies };
    return checkInvariants({ belief: await readBelief(this.cloud.store), seen, now: this.clock.now() });
  }

  async violations(): Promise<string[]> {
    return (await this.invariants()).flatMap((i) => i.violations.map((v) => `${i.id}: ${v}`));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export interface World {
  now: string;
  hosts: { id: string; siteId: string; power: string; serves: boolean; heartbeatAt: string | null }[];
  processes: { vmId: string; hostId: string; epoch: number; state: string }[];
  volumes: {
    id: string;
    vmId: string;
    name: string;
    siteId: string;
    leaseEpoch: number;
    sequence: number;
    refusedWrites: number;
  }[];
  copies: {
    groupId: string;
    siteId: string;
    role: 'primary' | 'secondary' | 'demoted';
    epoch: number;
    sequence: number;
    writes: boolean;
    divergent: number;
  }[];
  faults: { id: string; kind: string; target: string; active: boolean }[];
}
