import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { handle } from 'hono/aws-lambda';
import { availability } from '../../functions/availability/app.ts';
import { disksFace } from '../../functions/disks/app.ts';
import { dispatcher } from '../../functions/dispatcher/dispatch.ts';
import { docsApi } from '../../functions/docs/app.ts';
import { estatesFace } from '../../functions/estates/app.ts';
import { failoverFace } from '../../functions/failover/app.ts';
import { lambdaOf } from '../../functions/http/mount.ts';
import { hypervisorLab } from '../../functions/hypervisor-lab/app.ts';
import { Probe } from '../../functions/probe/probe.ts';
import { recovery } from '../../functions/recovery/app.ts';
import { recoveryPlans } from '../../functions/recovery/plans/app.ts';
import { siteSwitches } from '../../functions/recovery/sites/app.ts';
import { simApi } from '../../functions/sim-api/app.ts';
import type { ClockControl } from '../../functions/sim-api/clock.ts';
import { siteAgent } from '../../functions/site-agent/agent.ts';
import { systemApi } from '../../functions/system-api/app.ts';
import { tenantApi } from '../../functions/tenant-api/app.ts';
import type { Runtime } from '../../shared/aws/runtime.ts';
import { openapiDocument } from '../../shared/contract/openapi/document.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { portClient } from '../../shared/hypervisor/port.ts';
import { type Clock, pause } from '../../shared/kernel/clock.ts';
import { makeIds } from '../../shared/kernel/ids.ts';
import type { Log } from '../../shared/kernel/log.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { keys } from '../../shared/store/keys.ts';
import { type Cost, Store } from '../../shared/store/store.ts';
import type { TableName } from '../../shared/store/transaction.ts';
import { FUNCTIONS, type FunctionId, type FunctionSpec, SCHEDULES, type TableId } from '../topology.ts';
import { type DynamoEngine, startDynamo } from './dynamo/process.ts';
import { createTables, LOCAL_TABLES } from './dynamo/tables.ts';
import { OutboxFeed } from './feed.ts';
import { Gateway, type HttpHandler } from './http/gateway.ts';
import { Issuer } from './http/issuer.ts';
import { Schedule } from './schedule.ts';
import { WorkflowEngine } from './workflows/engine.ts';
import { Journal } from './workflows/journal.ts';
import { stepFunctions } from './workflows/steps.ts';

export interface CloudOptions {
  /** Folder of the state; without one everything is in memory. */
  folder?: string;
  clock: Clock;
  control?: ClockControl;
  seed: number;
  log: Log;
  /** Told what every request of a function cost. */
  onCost?: (cost: Cost, who: string) => void;
  /** Where the tables are; without it an engine of its own is started. The cloud stops it with itself. */
  database?: DynamoEngine;
  /** The feed looks by itself, at times of the machine, for what a crash left behind; so unless said otherwise. */
  looks?: boolean;
  /** Schedules run by themselves; tests with a manual clock run them by hand. */
  schedules?: boolean;
}

/** The whole cloud in one process: the topology, with everything that AWS would bring replaced by something local. */
export class EmbeddedCloud {
  readonly gateway: Gateway;
  readonly issuer: Issuer;
  readonly engine: WorkflowEngine;
  readonly feed: OutboxFeed;
  readonly probe: Probe;
  /** May touch every table; for tests and audits, not given to any function. */
  readonly store: Store;
  readonly clock: Clock;
  private readonly dynamo: DynamoEngine;
  private readonly schedule = new Schedule();

  static async start(options: CloudOptions): Promise<EmbeddedCloud> {
    if (options.folder) mkdirSync(options.folder, { recursive: true });
    const dynamo = options.database ?? (await startDynamo(options.folder && join(options.folder, 'strata.db')));
    await createTables(dynamo.client);
    const cloud = new EmbeddedCloud(options, dynamo);
    await cloud.engine.resume();
    cloud.feed.start(options.looks ?? true);
    if (options.schedules !== false)
      cloud.schedule.start(options.clock, SCHEDULES.probe.everySeconds, () => cloud.probe.run(), options.log);
    cloud.gateway.ready = true;
    return cloud;
  }

  private constructor(options: CloudOptions, dynamo: DynamoEngine) {
    const { clock, seed, log } = options;
    this.dynamo = dynamo;
    this.clock = clock;
    const random = seededRandom(seed);
    const ids = makeIds(clock, random);
    const written = (tables: Set<TableName>) => {
      if (tables.has('events')) this.feed.kick();
    };
    /** A function's runtime: it is given the tables that the topology grants it, and no other. */
    const runtime = (who: FunctionId | 'workflows', tables: readonly TableId[]): Runtime => ({
      store: new Store(dynamo.client, pick(tables), random, {
        onCost: (cost) => options.onCost?.(cost, who),
        onWritten: written,
        guard: leadingKeyGuard(who),
      }),
      clock,
      ids,
      random,
      log,
      pause,
    });
    const of = (id: FunctionId) => runtime(id, Object.keys(FUNCTIONS[id].tables) as TableId[]);
    const agent = siteAgent(of('site-agent'));
    const port = portClient(async (call) => roundTrip(await agent(roundTrip(call))));

    const steps = stepFunctions({ ...runtime('workflows', ['control', 'events']), port });
    this.engine = new WorkflowEngine({
      clock,
      log,
      journal: new Journal(dynamo.client),
      invoke: async (kind, payload) => roundTrip(await steps[kind](roundTrip(payload) as never)),
    });
    const dispatch = dispatcher({
      store: of('dispatcher').store,
      log,
      startExecution: (kind, name, input) => this.engine.start(kind, name, input),
      publish: async () => {},
    });
    this.store = new Store(dynamo.client, LOCAL_TABLES, random, { onWritten: written });
    this.feed = new OutboxFeed(this.store, dispatch, log);
    this.probe = new Probe(of('probe'), port);
    this.issuer = new Issuer(options.folder);
    const handlers: Partial<Record<FunctionId, HttpHandler>> = {
      'tenant-api': lambdaOf(tenantApi(of('tenant-api'), port)) as HttpHandler,
      'system-api': lambdaOf(systemApi(of('system-api'), port)) as HttpHandler,
      estates: lambdaOf(estatesFace(of('estates'), port)) as HttpHandler,
      availability: lambdaOf(availability(of('availability'), port)) as HttpHandler,
      failover: lambdaOf(failoverFace(of('failover'))) as HttpHandler,
      disks: lambdaOf(disksFace(of('disks'))) as HttpHandler,
      recovery: lambdaOf(recovery(of('recovery'), port)) as HttpHandler,
      'recovery-plans': lambdaOf(recoveryPlans(of('recovery-plans'), port)) as HttpHandler,
      'site-switches': lambdaOf(siteSwitches(of('site-switches'), port)) as HttpHandler,
      'hypervisor-lab': lambdaOf(hypervisorLab(of('hypervisor-lab'))) as HttpHandler,
      'sim-api': lambdaOf(simApi(of('sim-api'), options.control)) as HttpHandler,
      docs: handle(docsApi(openapiDocument(CONTRACT))) as HttpHandler,
    };
    this.gateway = new Gateway(handlers, this.issuer, (name) => this.tenantId(name));
  }

  async stop(): Promise<void> {
    this.gateway.ready = false;
    await this.schedule.stop();
    await this.engine.stop();
    await this.feed.stop();
    await this.dynamo.stop();
  }

  private async tenantId(nameOrId: string): Promise<string | undefined> {
    const byId = await this.store.get<{ id: string }>(keys.tenant(nameOrId));
    return (byId ?? (await this.store.get<{ id: string }>(keys.name(null, 'TENANT', nameOrId))))?.id;
  }
}

/** Refuses locally what IAM would refuse on AWS. @throws a bug: the topology does not grant the key to the function. */
function leadingKeyGuard(who: FunctionId | 'workflows'): (table: TableName, pk: string) => void {
  const spec: FunctionSpec | undefined = who === 'workflows' ? undefined : FUNCTIONS[who];
  const patterns = (table: TableName) => spec?.leadingKeys?.[table]?.map(likePattern);
  const by: Record<TableName, RegExp[] | undefined> = {
    control: patterns('control'),
    events: patterns('events'),
    world: patterns('world'),
  };
  return (table, pk) => {
    const granted = by[table]?.some((pattern) => pattern.test(pk)) ?? true;
    if (!granted) throw new Error(`${who} is not granted the key ${pk} of the ${table} table`);
  };
}

/** As IAM's `StringLike`: `*` stands for any text. */
const likePattern = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replaceAll('*', '.*')}$`, 's');

/** What passes between functions is JSON, here as there. */
const roundTrip = <T>(value: T): T => JSON.parse(JSON.stringify(value ?? null)) as T;

const pick = (tables: readonly TableId[]) => ({
  control: '',
  events: '',
  ...Object.fromEntries(tables.map((t) => [t, LOCAL_TABLES[t]])),
});
