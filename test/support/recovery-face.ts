import { lambdaOf } from '../../functions/http/mount.ts';
import { recoveryPlans } from '../../functions/recovery/plans/app.ts';
import { createTables, LOCAL_TABLES } from '../../infra/local/dynamo/tables.ts';
import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import type { GroupStatus } from '../../shared/hypervisor/replication-port.ts';
import { ManualClock } from '../../shared/kernel/clock.ts';
import { makeIds, tagOfTenant } from '../../shared/kernel/ids.ts';
import { silent } from '../../shared/kernel/log.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { keys } from '../../shared/store/keys.ts';
import { Store } from '../../shared/store/store.ts';
import type { Item, Key } from '../../shared/store/tables.ts';
import { group, network, picture, vm } from '../recovery/things.ts';
import { memoryEngine } from './dynamo/client.ts';

export interface FaceReply {
  status: number;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many operations
  body: any;
}

/**
 * The tenants' face of recovery plans over a database in memory, with sites that answer what the test says: all that a
 * request decides and writes, up to the 202, and nothing of what carries it out.
 */
export class RecoveryFace {
  readonly clock = new ManualClock();
  readonly ids = makeIds(this.clock, seededRandom(3));
  readonly tenantId = this.ids.make('tenant');
  readonly store: Store;
  /** What sites say of groups, by site; one that is not here does not answer. */
  readonly sites = new Map<string, GroupStatus[]>();
  /** Keys that the face has asked for, as the topology would have to grant them. */
  readonly asked = new Set<string>();
  private readonly handler: (
    event: object,
  ) => Promise<{ statusCode: number; headers: Record<string, string>; body: string }>;
  private readonly ready: Promise<void>;
  private count = 0;

  constructor(turns?: () => number) {
    const engine = memoryEngine(turns);
    const { clock, ids } = this;
    const open = (guard: (pk: string) => void) =>
      new Store(engine.client, LOCAL_TABLES, seededRandom(5), { guard: (table, pk) => guard(`${table} ${pk}`) });
    this.store = open(() => {});
    const port = {
      groupStatus: async (siteId: string, ids_: string[]) => {
        const said = this.sites.get(siteId);
        if (!said) throw new PortTimeout(siteId, 'groupStatus');
        return said.filter((s) => ids_.includes(s.groupId));
      },
    } as unknown as HypervisorPort;
    const runtime = {
      store: open((key) => this.asked.add(key)),
      clock,
      ids,
      random: seededRandom(4),
      log: silent,
      pause: async () => {},
    };
    this.handler = lambdaOf(recoveryPlans(runtime, port)) as never;
    this.ready = this.furnish(() => createTables(engine.client));
  }

  /** A thing of this tenant, with an id of its own. */
  newId(kind: Parameters<typeof this.ids.make>[0]): string {
    return this.ids.make(kind, tagOfTenant(this.tenantId));
  }

  private async furnish(begin: () => Promise<void>): Promise<void> {
    await begin();
    for (const id of ['a', 'b']) await this.store.put(keys.site(id), { id, name: id, hypervisor: 'fusioncompute' });
    await this.room(4, 200_000);
    const inner = { ...network('inner'), cidr: '10.1.0.0/24', tenantId: this.tenantId };
    await this.store.put(keys.network(this.tenantId, inner.id), inner);
  }

  /** Makes site `b` anew: so many hosts with so much memory. */
  async room(hosts: number, memoryMiB: number): Promise<void> {
    const { clusters, hosts: all, datastores } = picture(hosts, memoryMiB);
    for (const c of clusters) await this.store.put(keys.cluster(c.id), c);
    for (const h of all) await this.store.put(keys.host(h.clusterId, h.id), h);
    for (const d of datastores) await this.store.put(keys.datastore(d.siteId, d.id), { ...d, freeGiB: 100_000 });
  }

  /** A protected group with so many VMs. */
  async protect(vms = 1, fields: Partial<ProtectedGroup> = {}): Promise<ProtectedGroup> {
    await this.ready;
    const { tenantId } = this;
    const ids = Array.from({ length: vms }, () => this.newId('vm'));
    for (const id of ids) await this.store.put(keys.vm(tenantId, id), vm(id, { tenantId }));
    const made = group(this.newId('group'), ids, { tenantId, ...fields });
    await this.store.put(keys.group(tenantId, made.id), made);
    return made;
  }

  async plan(groups: ProtectedGroup[], fields: object = {}): Promise<RecoveryPlan> {
    const reply = await this.must(201, 'POST', '/v1/recovery-plans', {
      body: { name: `plan ${++this.count}`, groups: groups.map((g) => g.id), ...fields },
    });
    return reply.body;
  }

  /** A plan with a group of so many VMs, tested with success. */
  async tested(vms = 1, fields: object = {}): Promise<{ plan: RecoveryPlan; group: ProtectedGroup }> {
    const made = await this.protect(vms);
    const plan = await this.plan([made], fields);
    await this.endsTest(plan.id);
    return { plan: await this.stored(plan.id), group: made };
  }

  /** Tests a plan and cleans up, as its workflows would. */
  async endsTest(planId: string): Promise<void> {
    await this.must(202, 'POST', `/v1/recovery-plans/${planId}/test`);
    await this.ends(planId, { state: 'ready', testedAt: this.clock.now() }, 'protected');
  }

  /** The execution under way ends: what its workflow would write of plan and groups. */
  async ends(
    planId: string,
    set: Partial<RecoveryPlan>,
    groupState: ProtectedGroup['state'],
    keep = false,
  ): Promise<void> {
    const plan = await this.stored(planId);
    await this.change(keys.plan(this.tenantId, planId), set, ['claim']);
    for (const id of plan.groups)
      await this.change(keys.group(this.tenantId, id), { state: groupState }, keep ? ['claim'] : ['claim', 'usedBy']);
  }

  change(key: Key, set: object, remove: string[] = []): Promise<unknown> {
    return this.store.update(key, { set: set as Item, remove, add: { version: 1 } });
  }

  async stored(planId: string): Promise<RecoveryPlan> {
    return (await this.store.get<RecoveryPlan>(keys.plan(this.tenantId, planId))) as RecoveryPlan;
  }

  async groupNow({ id }: { id: string }): Promise<ProtectedGroup> {
    return (await this.store.get<ProtectedGroup>(keys.group(this.tenantId, id))) as ProtectedGroup;
  }

  async vmNow(id: string): Promise<Vm> {
    return (await this.store.get<Vm>(keys.vm(this.tenantId, id))) as Vm;
  }

  async call(
    method: string,
    path: string,
    {
      body,
      headers = {},
      tenantId = this.tenantId,
    }: { body?: unknown; headers?: Record<string, string>; tenantId?: string } = {},
  ): Promise<FaceReply> {
    await this.ready;
    const [rawPath, rawQueryString = ''] = path.split('?') as [string, string?];
    const answer = await this.handler({
      version: '2.0',
      rawPath,
      rawQueryString,
      headers: { 'content-type': 'application/json', ...headers },
      requestContext: {
        authorizer: { jwt: { claims: { sub: 'ann', tenant_id: tenantId, roles: '[tenant-admin]' } } },
        http: { method, path: rawPath, sourceIp: '203.0.113.7' },
        domainName: 'face',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      isBase64Encoded: false,
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body ? JSON.parse(answer.body) : undefined,
    };
  }

  async must(
    status: number,
    method: string,
    path: string,
    request: Parameters<RecoveryFace['call']>[2] = {},
  ): Promise<FaceReply> {
    const reply = await this.call(method, path, request);
    if (reply.status !== status) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply;
  }
}
