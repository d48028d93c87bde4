import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LOCAL_TABLES } from '../../../infra/local/dynamo/tables.ts';
import { checkInvariants, INVARIANTS } from '../../../shared/invariants/check.ts';
import type { Belief, Seen } from '../../../shared/invariants/facts.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { hash32 } from '../../../shared/kernel/random.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import type { QueryOptions, Store } from '../../../shared/store/store.ts';
import type { Key } from '../../../shared/store/tables.ts';
import type { TableName } from '../../../shared/store/transaction.ts';
import { seenState } from '../../../shared/world/process.ts';
import type { Fault, WorldHost, WorldProcess, WorldVolume } from '../../../shared/world/records.ts';
import { type HostTimeline, hostTimeline, serves } from '../../../shared/world/timeline.ts';
import type { MemoryDynamo } from '../../support/dynamo/memory.ts';
import type { Row } from '../../support/dynamo/values.ts';

const EVERY_INSTANT = new Set(['INV-1', 'INV-2', 'INV-3', 'INV-6', 'INV-13']);
const ALWAYS = INVARIANTS.filter((i) => EVERY_INSTANT.has(i.id));

/**
 * While a site is silent nothing is known of its hosts. Those that come back with it have lost what they ran, and are
 * found out by the probe after the site is heard again. What stands for longer is forgotten.
 */
const UNDETECTED = /there is no such process$/;
const DETECTED_MS = 20 * SECOND;

/** Belief and truth at an instant, read past all functions from the tables in memory. */
export class Watch {
  instants = 0;
  checks = 0;
  readonly course: string[] = [];
  private readonly db: MemoryDynamo;
  /** A store that reads straight from memory where it can. */
  protected readonly reader: Store;
  /** Rows are never changed in place, so that each one is translated once. */
  private readonly known = new WeakMap<Row, unknown>();

  constructor(db: MemoryDynamo, store: Store) {
    this.db = db;
    const rows = (table: TableName) => this.rows(table);
    const at = (pk: string) => this.at(pk);
    const ofKind = (kind: string) => this.ofKind(kind);
    this.reader = Object.assign(Object.create(store) as Store, {
      async *scan(table: TableName) {
        yield* rows(table);
      },
      async get(key: Key, { table }: { table?: TableName } = {}) {
        if (table !== 'world') return store.get(key);
        return at(key.pk).find((row) => (row as Key).sk === key.sk);
      },
      async queryAll(pk: string, table: TableName = 'control', options: QueryOptions = {}) {
        const { index, hashName: _, consistent: __, ...more } = options;
        if (table !== 'world' || Object.keys(more).length > 0) return store.queryAll(pk, table, options);
        return index === undefined ? at(pk) : ofKind(pk);
      },
    });
  }

  belief(): Promise<Belief> {
    return readBelief(this.reader);
  }

  /** What really runs, and which hosts could be asked. */
  truth(now: number): Seen & { hosts: { id: string; line: HostTimeline }[] } {
    const { hosts, faults } = this.world();
    const lines = new Map(hosts.map((h) => [h.id, hostTimeline(h, faults)]));
    const processes = this.ofKind<WorldProcess>('process').map(({ vmId, hostId, epoch, ...p }) => {
      const line = lines.get(hostId);
      return {
        vmId,
        hostId,
        epoch,
        state: line ? seenState({ vmId, hostId, epoch, ...p }, line, faults, now) : 'dead',
      } as const;
    });
    return {
      processes,
      answered: [...lines].filter(([, line]) => serves(line, now)).map(([id]) => id),
      volumes: this.ofKind<WorldVolume>('volume'),
      hosts: [...lines].map(([id, line]) => ({ id, line })),
    };
  }

  /** The next instant at which the world changes by itself: a fault, a reset, a boot, a guest that is ready. */
  nextChange(now: number): number {
    const { hosts, faults } = this.world();
    let next = Number.POSITIVE_INFINITY;
    const see = (at: number | undefined) => {
      if (at !== undefined && at > now && at < next) next = at;
    };
    for (const f of faults) for (const at of [f.at, f.until]) see(at);
    for (const host of hosts) {
      const line = hostTimeline(host, faults);
      for (const span of [line.off, line.booting, line.hung].flat()) for (const at of [span.from, span.to]) see(at);
      for (const at of line.kills) see(at);
    }
    for (const p of this.ofKind<WorldProcess>('process')) see(p.readyAt);
    return next;
  }

  faults(): Fault[] {
    return this.world().faults;
  }

  /** What is wrong at this instant; at rest also what may stand for a while as long as things go on. */
  async wrong(now: number, invariants = ALWAYS, atRest = false): Promise<string[]> {
    const seen = this.truth(now);
    const belief = await this.belief();
    const findings = checkInvariants({ belief, seen, now }, invariants);
    const sum = (all: readonly { epoch: number; state: string }[]) =>
      all.map((one) => `${one.epoch}${one.state.slice(0, 2)}`).join('');
    this.course.push(`${now} ${belief.operations.length} ${hash32(`${sum(belief.vms)} ${sum(seen.processes)}`)}`);
    this.instants++;
    this.checks += findings.reduce((n, f) => n + f.checked, 0);
    const violations = findings.flatMap((f) => f.violations.map((v) => `${f.id}: ${v}`));
    const ripe = this.overdue(violations, now);
    return [...(atRest ? violations : ripe), ...runningTwice(seen)];
  }

  /** Without the sentences that may stand for a while, as long as they do. */
  private overdue(violations: string[], now: number): string[] {
    const young = violations.filter((v) => UNDETECTED.test(v));
    for (const v of this.since.keys()) if (!young.includes(v)) this.since.delete(v);
    for (const v of young) if (!this.since.has(v)) this.since.set(v, now);
    return violations.filter((v) => now - (this.since.get(v) ?? 0) > DETECTED_MS);
  }
  private readonly since = new Map<string, number>();

  /** What is known of a VM, for the one who has to find out what went wrong. */
  async about(vmId: string, now: number, begun: number): Promise<string[]> {
    const belief = await this.belief();
    const at = (time: number) => `${((time - begun) / 1000).toFixed(1)} s`;
    const vm = belief.vms.find((v) => v.id === vmId);
    const lives = this.truth(now).processes.filter((p) => p.vmId === vmId);
    return [
      `  believed: ${vm ? `${vm.state} on ${vm.hostId}, epoch ${vm.epoch}, wanted ${vm.desired}, held by ${vm.claim ?? 'nothing'}, ${vm.reason ?? 'no reason'}` : 'gone'}`,
      ...lives.map((p) => `  in truth: ${p.state} on ${p.hostId}, epoch ${p.epoch}`),
      ...belief.hosts.map(
        (h) => `  ${h.id}: ${h.state}, held by ${h.claim ?? 'nothing'}, ${h.incidentId ?? 'no incident'}`,
      ),
      ...belief.alarms.filter((a) => a.object === vmId).map((a) => `  alarm ${a.code} ${a.state}: ${a.text}`),
      ...belief.incidents
        .toSorted((a, b) => a.openedAt - b.openedAt)
        .map(
          (i) =>
            `  ${i.id} of ${i.hostIds.join(', ')}, ${i.state}, opened at ${at(i.openedAt)}: ${JSON.stringify(belief.recoveries.find((p) => p.incidentId === i.id && p.vms[vmId])?.vms[vmId] ?? null)}; ${i.timeline.map((l) => `${at(l.at)} ${l.what}`).join(', ')}`,
        ),
    ];
  }

  private world(): { hosts: WorldHost[]; faults: Fault[] } {
    return { hosts: this.ofKind<WorldHost>('host'), faults: this.ofKind<Fault>('fault') };
  }
  protected ofKind<T>(kind: string): T[] {
    const rows = this.db.table(LOCAL_TABLES.world).query(kind, { index: 'by-kind' });
    return [...rows].map((row) => this.read(row) as T);
  }
  /** What stands under a key of the world. */
  protected at<T>(pk: string): T[] {
    return [...this.db.table(LOCAL_TABLES.world).query(pk, {})].map((row) => this.read(row) as T);
  }
  protected *rows(table: TableName): Generator<unknown> {
    for (const row of this.db.rows(LOCAL_TABLES[table])) yield this.read(row);
  }
  private read(row: Row): unknown {
    let found = this.known.get(row);
    if (found === undefined) {
      found = unmarshall(row);
      this.known.set(row, found);
    }
    return found;
  }
}

/** HA-8, in truth alone, whatever the epochs say. */
function runningTwice({ processes }: Seen): string[] {
  const alive = processes.filter((p) => p.state !== 'dead');
  return [...Map.groupBy(alive, (p) => p.vmId)]
    .filter(([, copies]) => copies.length > 1)
    .map(
      ([vm, copies]) =>
        `HA-8: ${vm} lives ${copies.length} times: ${copies.map((c) => `${c.hostId}/${c.epoch}`).join(', ')}`,
    );
}
