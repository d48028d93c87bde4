import type { BuiltinEstate } from '../../shared/estate/builtin.ts';
import { TestCloud } from './cloud.ts';
import { memoryEngine } from './dynamo/client.ts';
import type { PlanView } from './switching.ts';
import { Switching, SYNC } from './switching.ts';
import { TestTenant, type VmView } from './tenant.ts';

export interface SitePlanView {
  planId: string;
  tenantId: string;
  rank: number;
  turn: number;
  outcome: string;
  code?: string;
  reason?: string;
  joined?: boolean;
  executionId?: string;
  begunAt?: string;
  endedAt?: string;
  vms?: { all: number; ready: number; left: number; failed: number };
  rtoSeconds?: number;
  readySeconds?: number;
  lostWrites?: { count: number };
}
export interface SiteDryRun {
  dryRun: boolean;
  wouldAnswer: { status: number; code?: string };
  plans: number;
  wouldBegin: number;
  warnings: string[];
  capacity: { siteId: string; homelessVms: number; placed: number; needed: object; lacking: object; free: object }[];
  withoutPlan: { groupId: string; vms: number }[];
  items: {
    planId: string;
    wouldBegin: boolean;
    joins?: boolean;
    refusals: { code: string; detail: string }[];
    warnings: string[];
    score: number;
    toSiteId?: string;
    rpoSeconds?: number;
    wouldLose?: { count: number; known: string };
    expectedRtoSeconds?: number;
  }[];
}
export interface SiteReportView {
  id: string;
  state: string;
  reason?: string;
  startedBy: string;
  seconds?: number;
  plans?: number;
  outcomes: Record<string, number>;
  vms: { all: number; ready: number; left: number; failed: number };
  rtoSeconds?: number;
  rpoSeconds: number;
  lostWrites: { count: number; bytes: number; known: string };
  warnings?: string[];
  items: SitePlanView[];
  code?: string;
}
/** A tenant whose VMs are at site A, with a plan of its own. */
export interface Guarded {
  story: Switching;
  vms: VmView[];
  group: { id: string; state: string };
  plan: PlanView;
}

/** Several tenants with plans at a site, and the operator who switches all of it. */
export class SiteSwitching {
  readonly test: TestCloud;
  readonly guarded: Guarded[] = [];

  static async start(estate: BuiltinEstate | object = 'two-sites'): Promise<SiteSwitching> {
    return new SiteSwitching(await TestCloud.start({ estate, memory: memoryEngine() }));
  }
  private constructor(test: TestCloud) {
    this.test = test;
  }

  async tenant(
    name: string,
    { vms: count = 2, replication = SYNC as object, plan: more = {} as object, shape = {} as object } = {},
  ): Promise<Guarded> {
    const story = new Switching(this.test, await TestTenant.create(this.test, name));
    const vms = await story.acme.running(count, { siteId: 'site_a', name, ...shape });
    const group = await story.groups.protected(vms, replication);
    const guarded = { story, vms, group, plan: await story.plan([group], { name, ...more }) };
    this.guarded.push(guarded);
    return guarded;
  }

  ask<T = { id: string; code?: string; detail?: string; note?: string }>(method: string, path: string, body?: object) {
    return this.test.client.call<T>(method, `/v1/system${path}`, {
      token: this.test.operator,
      ...(body === undefined ? {} : { body }),
      headers: {},
    });
  }

  /** Untested plans are begun too, unless the story says otherwise. */
  begin(action: 'failover' | 'migrate', body: object = {}, siteId = 'site_a') {
    return this.ask('POST', `/sites/${siteId}/${action}`, { override: { reason: 'a story' }, ...body });
  }

  async dryRun(
    action: 'failover' | 'migrate',
    body: object = { override: { reason: 'a story' } },
  ): Promise<SiteDryRun> {
    return (await this.ask<SiteDryRun>('POST', `/sites/site_a/${action}?dryRun=true`, body)).body;
  }

  async done(action: 'failover' | 'migrate', body: object = {}, siteId = 'site_a'): Promise<SiteReportView> {
    const { status, body: operation } = await this.begin(action, body, siteId);
    if (status !== 202) throw new Error(`${status} ${JSON.stringify(operation)}`);
    await this.test.settle(7_200);
    return this.report(operation.id);
  }

  async report(id: string): Promise<SiteReportView> {
    return (await this.ask<SiteReportView>('GET', `/site-switches/${id}`)).body;
  }

  async operation(id: string) {
    type View = { state: string; result?: object; error?: { code: string; message: string } };
    return (await this.ask<View>('GET', `/operations/${id}`)).body;
  }
}
