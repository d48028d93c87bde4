import { makeIds, tagOfTenant } from '../../shared/kernel/ids.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import type { Execution } from '../../shared/model/execution.ts';
import type { Operation } from '../../shared/model/operation.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import type { SitePlan, SiteSwitch } from '../../shared/model/site-switch.ts';
import { printOf } from '../../shared/recovery/tested.ts';
import { keys } from '../../shared/store/keys.ts';
import type { TestCloud } from '../support/cloud.ts';
import type { TestTenant } from '../support/tenant.ts';
import type { Fixture } from './fixtures.ts';
import type { Setting } from './setting.ts';

const random = seededRandom(11);
let count = 0;
const fresh = (word: string): string => `${word}-${++count}`;

interface Where {
  test: TestCloud;
  tenant: Pick<TestTenant, 'id' | 'vdcId'>;
}
const newId = ({ test, tenant }: Where, kind: 'group' | 'execution' | 'operation' | 'plan') =>
  makeIds(test.clock, random).make(kind, tagOfTenant(tenant.id));

/** A group of no VMs, as if it were protected: what is begun with it finds nothing to do at its sites. */
async function ownGroup(where: Where, fields: Partial<ProtectedGroup> = {}): Promise<ProtectedGroup> {
  const { test, tenant } = where;
  const group: ProtectedGroup = {
    id: newId(where, 'group'),
    tenantId: tenant.id,
    vdcId: tenant.vdcId,
    name: fresh('group'),
    state: 'protected',
    vms: [],
    replication: { mode: 'async', targetSiteId: 'site_far', rpoMinutes: 15 },
    primarySiteId: 'site_a',
    epoch: 1,
    orderVersion: 1,
    legs: [{ siteId: 'site_far', from: 'site_a', mode: 'async', linkId: 'link_none', mbps: 1 }],
    links: {},
    operationId: 'op_none',
    version: 1,
    createdAt: test.clock.now(),
    ...fields,
  };
  await test.cloud.store.put(keys.group(tenant.id, group.id), group);
  return group;
}

/** A plan of such a group that was tested, in any state. */
export async function ownPlan(
  where: Where,
  plan: Partial<RecoveryPlan> = {},
  group: Partial<ProtectedGroup> = {},
): Promise<RecoveryPlan> {
  const { test, tenant } = where;
  const of = await ownGroup(where, group);
  const made: RecoveryPlan = {
    id: newId(where, 'plan'),
    tenantId: tenant.id,
    name: fresh('plan'),
    groups: [of.id],
    state: 'ready',
    homeSiteId: 'site_a',
    testedAt: test.clock.now(),
    testPrint: printOf([of]),
    executions: 0,
    version: 1,
    createdAt: test.clock.now(),
    ...plan,
  };
  await test.cloud.store.put(keys.plan(tenant.id, made.id), made);
  return made;
}

/** An execution that waits for a person, and whose operation can be cancelled. */
export async function ownExecution(where: Where): Promise<{ planId: string; executionId: string }> {
  const { test, tenant } = where;
  const plan = await ownPlan(where, { state: 'migrating', executions: 1 }, { state: 'migrating' });
  const now = test.clock.now();
  const operation: Operation = {
    id: newId(where, 'operation'),
    kind: 'plan-migrate',
    tenantId: tenant.id,
    target: plan.id,
    state: 'running',
    percent: 10,
    steps: [],
    input: {},
    cancelable: true,
    createdAt: now,
  };
  const step = { name: 'ask', at: 'beforeShutdown', kind: 'pause' } as const;
  const execution: Execution = {
    id: newId(where, 'execution'),
    tenantId: tenant.id,
    planId: plan.id,
    action: 'migrate',
    state: 'paused',
    operationId: operation.id,
    startedAt: now,
    phases: [{ name: 'check', startedAt: now }],
    groups: [{ groupId: plan.groups[0] as string, expectedRpoMs: 900_000 }],
    fromSiteId: 'site_a',
    toSiteId: 'site_far',
    vms: 0,
    waits: [{ step, since: now, until: now + 3_600_000 }],
    version: 1,
  };
  const { store } = test.cloud;
  await store.put(keys.operation(operation.id), operation, 'events');
  await store.put(keys.execution(tenant.id, plan.id, execution.id), execution);
  return { planId: plan.id, executionId: execution.id };
}

/** A site of its own with a plan that is there and that the operator finds; it cannot be begun, so no other call is told of. */
async function ownSite(s: Setting): Promise<string> {
  const name = fresh('lost');
  const id = `site_${name}`;
  await s.test.client.must('POST', '/v1/system/estates', s.test.operator, {
    sites: [
      {
        name,
        clusters: [{ name: 'c1', hosts: { count: 1, cores: 16, mhz: 2600, memoryGiB: 64 } }],
        datastores: [{ name: 'san', capacityGiB: 1000 }],
      },
    ],
  });
  const legs = [{ siteId: 'site_far', from: id, mode: 'async' as const, linkId: 'link_none', mbps: 1 }];
  const made = await ownPlan(acme(s), { homeSiteId: id, state: 'recovered' }, { primarySiteId: id, legs });
  await s.test.cloud.store.put(keys.plannedPlan(made.id), { planId: made.id, tenantId: made.tenantId });
  return id;
}

/** A switch that has ended, or is under way as far as anybody can tell. */
async function ownSwitch(s: Setting, state: 'running' | 'success'): Promise<Fixture> {
  const now = s.test.clock.now();
  const { store } = s.test.cloud;
  const id = makeIds(s.test.clock, random).make('operation');
  const operation: Operation = {
    id,
    kind: 'site-switch',
    target: 'site_a',
    state,
    percent: 10,
    steps: [],
    input: {},
    cancelable: true,
    createdAt: now,
  };
  const plan = await ownPlan(acme(s));
  const record: SiteSwitch = {
    id,
    siteId: 'site_a',
    action: 'failover',
    state,
    startedAt: now,
    ...(state === 'running' ? {} : { finishedAt: now }),
    by: { actor: 'somebody', roles: ['system-admin'], operationId: 'failoverSite', requestId: 'req-1' },
    override: { reason: 'site a burns' },
    atOnce: 8,
    onError: 'goOn',
    plans: 1,
    version: 1,
  };
  const entry: SitePlan = {
    planId: plan.id,
    tenantId: s.acme.id,
    name: plan.name,
    rank: 50,
    turn: 0,
    outcome: 'notBegun',
  };
  await store.put(keys.operation(id), operation, 'events');
  await store.put(keys.siteSwitch(id), record);
  await store.put(keys.siteSwitchPart(id, 0), { switchId: id, n: 0, plans: { [plan.id]: entry }, version: 1 });
  return { params: { switchId: id } };
}

const acme = (s: Setting): Where => ({ test: s.test, tenant: s.acme });
const plan = async (s: Setting): Promise<Fixture> => ({ params: { planId: (await ownPlan(acme(s))).id } });
const execution = async (s: Setting): Promise<Fixture> => ({ params: await ownExecution(acme(s)) });

/** A plan from which the action can be begun. */
const from =
  (state: Partial<RecoveryPlan> = {}, group: Partial<ProtectedGroup> = {}, body?: object) =>
  async (s: Setting): Promise<Fixture> => ({
    params: { planId: (await ownPlan(acme(s), state, group)).id },
    ...(body ? { body, other: { override: { reason: 'another one' } } } : { other: {} }),
  });
const away: Partial<ProtectedGroup> = {
  state: 'invalid',
  primarySiteId: 'site_far',
  legs: [],
  former: { siteId: 'site_a', epoch: 1, demoted: true },
};

/** A valid call for every operation of recovery plans. */
export const recoveryFixtures: Record<string, (s: Setting) => Promise<Fixture>> = {
  getDrReport: async () => ({}),
  failoverSite: async (s) => ({
    params: { siteId: await ownSite(s) },
    body: { override: { reason: 'it burns' } },
    other: { override: { reason: 'another one' } },
  }),
  migrateSite: async (s) => ({ params: { siteId: await ownSite(s) }, body: {}, other: { onError: 'goOn' } }),
  listSiteSwitches: async () => ({}),
  getSiteSwitch: (s) => ownSwitch(s, 'success'),
  cancelSiteSwitch: async (s) => ({ ...(await ownSwitch(s, 'running')), other: {} }),
  createRecoveryPlan: async (s) => {
    const { id } = await ownGroup(acme(s));
    return { body: { name: fresh('made'), groups: [id] }, other: { name: fresh('made'), groups: [id] } };
  },
  listRecoveryPlans: async () => ({}),
  getRecoveryPlan: plan,
  patchRecoveryPlan: async (s) => ({ ...(await plan(s)), body: { drillEveryDays: 30 }, other: { drillEveryDays: 9 } }),
  deleteRecoveryPlan: plan,
  getRecoveryPlanReadiness: plan,
  testRecoveryPlan: from(),
  cleanupRecoveryPlan: from({ state: 'testComplete' }, { state: 'testComplete' }),
  migrateRecoveryPlan: from({}, {}, {}),
  failoverRecoveryPlan: from({}, {}, { override: { reason: 'site a burns' } }),
  reprotectRecoveryPlan: from({ state: 'recovered' }, away),
  failbackRecoveryPlan: from({ homeSiteId: 'site_far' }, {}, {}),
  rollbackRecoveryPlan: from({ state: 'migratePartialFailure' }, { state: 'partiallyRecovered' }),
  listExecutions: async (s) => ({ params: { planId: (await ownExecution(acme(s))).planId } }),
  getExecution: execution,
  resumeExecution: async (s) => ({ ...(await execution(s)), body: { note: 'done' }, other: { note: 'not done' } }),
  cancelExecution: async (s) => ({ ...(await execution(s)), other: {} }),
};
