import { expect } from 'vitest';
import { readBelief } from '../../shared/store/belief.ts';
import type { TestCloud } from '../support/cloud.ts';
import { type PlanView, Switching } from '../support/switching.ts';
import type { TestTenant, VmView } from '../support/tenant.ts';
import { TWIN, twinGroup, twinOf } from '../support/twin.ts';

/**
 * Stories of the executions of recovery plans, for the harness: a VM at `site_a` with its copy at the twin, and a plan. What
 * its guest has written is read back after each harm: nothing may be lost by it.
 */
type Act = 'test' | 'cleanup' | 'migrate' | 'failover' | 'reprotect' | 'failback';

const switching = (test: TestCloud, acme: TestTenant) => new Switching(test, acme);
const BLOCK = 7;

async function planNow(test: TestCloud, acme: TestTenant): Promise<PlanView> {
  const { plans } = await readBelief(test.cloud.store);
  return switching(test, acme).planNow(plans[0]?.id as string);
}

async function prepared(test: TestCloud, acme: TestTenant, before: readonly Act[]): Promise<VmView[]> {
  const { vm, group } = await twinGroup(acme, await twinOf(test, acme));
  await acme.write(vm.id, BLOCK, 'precious');
  const story = switching(test, acme);
  const plan = await story.plan([group]);
  for (const action of before) expect((await story.done(plan, action)).state).toBe('success');
  return [await acme.vm(vm.id)];
}

async function begin(test: TestCloud, acme: TestTenant, action: Act): Promise<void> {
  const reply = await switching(test, acme).act(await planNow(test, acme), action);
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
}

/** Whatever was done to it, the VM is one, it runs or rests where it is believed, and it has its bytes. */
async function whole(test: TestCloud, acme: TestTenant, vms: readonly VmView[]): Promise<void> {
  const { vms: all, groups, plans } = await readBelief(test.cloud.store);
  expect([...all, ...groups, ...plans].map((thing) => thing.claim)).toEqual(
    [...all, ...groups, ...plans].map(() => undefined),
  );
  const vm = await acme.vm(vms[0]?.id as string);
  if (vm.state === 'running') expect(await acme.read(vm.id, BLOCK)).toBe('precious');
}

/** What a person does about a plan that was left in the middle: the same action, or what its state asks for. */
async function again(test: TestCloud, acme: TestTenant, action: Act): Promise<void> {
  const plan = await planNow(test, acme);
  const goesOn = action === 'failback' && (plan.state === 'recovered' || plan.state === 'reprotectPartialFailure');
  const report = await switching(test, acme).done(plan, goesOn ? 'reprotect' : action);
  expect([report.reason, report.state]).toEqual([undefined, 'success']);
}

const at = async (acme: TestTenant, vms: readonly VmView[], siteId: string) => {
  const vm = await acme.vm(vms[0]?.id as string);
  expect(vm).toMatchObject({ state: 'running', siteId });
  const { processes } = await acme.test.world();
  expect(processes.filter((p) => p.vmId === vm.id && p.state === 'running')).toEqual([
    expect.objectContaining({ hostId: vm.hostId, epoch: vm.epoch }),
  ]);
};

const planStory = (
  action: Act,
  before: readonly Act[],
  goal: { plan: string; group: string; siteId: string; copies?: number },
) => {
  const reached = async (test: TestCloud, acme: TestTenant, vms: VmView[]) => {
    const { groups, vms: all } = await readBelief(test.cloud.store);
    expect([(await planNow(test, acme)).state, groups[0]?.state]).toEqual([goal.plan, goal.group]);
    await at(acme, vms, goal.siteId);
    expect(all.filter((vm) => vm.testOf).map((vm) => vm.state)).toEqual(
      Array.from({ length: goal.copies ?? 0 }, () => 'running'),
    );
    await whole(test, acme, vms);
  };
  return {
    prepare: (test: TestCloud, acme: TestTenant) => prepared(test, acme, before),
    begin: (test: TestCloud, acme: TestTenant) => begin(test, acme, action),
    reached,
    async unwound(test: TestCloud, acme: TestTenant, vms: VmView[]) {
      await whole(test, acme, vms);
      const { groups } = await readBelief(test.cloud.store);
      const home = groups[0]?.primarySiteId === goal.siteId;
      if (!home || (await planNow(test, acme)).state !== goal.plan) await again(test, acme, action);
      await reached(test, acme, vms);
    },
  };
};

/** Whoever switches the site asks once more for what was left behind; what was begun has gone on by itself. */
async function siteAgain(test: TestCloud): Promise<void> {
  const body = { override: { reason: 'a story' } };
  const path = '/v1/system/sites/site_a/failover';
  const { status, body: answer } = await test.client.call<{ code?: string }>('POST', path, {
    token: test.operator,
    body,
  });
  expect(status === 202 || answer.code === 'not-ready', JSON.stringify(answer)).toBe(true);
  await test.settle();
}

const siteSwitch = {
  prepare: (test: TestCloud, acme: TestTenant) => prepared(test, acme, []),
  begin: async (test: TestCloud) => {
    const body = { override: { reason: 'a story' } };
    await test.client.must('POST', '/v1/system/sites/site_a/failover', test.operator, body);
  },
  async reached(test: TestCloud, acme: TestTenant, vms: VmView[]) {
    const { executions } = await readBelief(test.cloud.store);
    expect(executions.map((e) => [e.action, e.state, e.startedBy])).toEqual([['failover', 'success', 'operator']]);
    expect((await planNow(test, acme)).state).toBe('recovered');
    expect(await test.cloud.store.queryAll('SYS#SWITCHING')).toEqual([]);
    await at(acme, vms, TWIN);
    await whole(test, acme, vms);
  },
  async unwound(test: TestCloud, acme: TestTenant, vms: VmView[]) {
    expect(await test.cloud.store.queryAll('SYS#SWITCHING')).toEqual([]);
    const [left] = await test.cloud.store.queryAll<{ state: string; finishedAt?: number }>('SYS#SWITCH');
    expect(left?.state).not.toBe('running');
    await siteAgain(test);
    await siteSwitch.reached(test, acme, vms);
  },
};

export const PLAN_STORIES = {
  'site-switch': siteSwitch,
  'plan-test': planStory('test', [], { plan: 'testComplete', group: 'testComplete', siteId: 'site_a', copies: 1 }),
  'plan-cleanup': planStory('cleanup', ['test'], { plan: 'ready', group: 'protected', siteId: 'site_a' }),
  // The way home: a migration with everything that can follow it.
  'plan-migrate': planStory('failback', ['migrate', 'reprotect'], {
    plan: 'ready',
    group: 'protected',
    siteId: 'site_a',
  }),
  'plan-failover': planStory('failover', [], { plan: 'recovered', group: 'invalid', siteId: TWIN }),
  'plan-reprotect': planStory('reprotect', ['migrate'], { plan: 'ready', group: 'protected', siteId: TWIN }),
};
