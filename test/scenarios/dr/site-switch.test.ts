import { afterEach, describe, expect, it } from 'vitest';
import { makeIds } from '../../../shared/kernel/ids.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import type { SiteSwitch, SiteSwitchPart } from '../../../shared/model/site-switch.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { keys } from '../../../shared/store/keys.ts';
import { beginPlan } from '../../../workflows/site-switch/begin.ts';
import { type Guarded, SiteSwitching } from '../../support/site-switching.ts';
import { ASYNC, SYNC } from '../../support/switching.ts';

let site: SiteSwitching;
afterEach(async () => {
  await site.test.settle(7_200);
  expect(await site.test.violations()).toEqual([]);
  await site.test.stop();
});

const states = async () =>
  (await readBelief(site.test.cloud.store)).vms.map((vm) => [vm.siteId, vm.state, vm.claim] as const);
const outcomes = (report: { items: { tenantId: string; outcome: string }[] }, all: Guarded[]) =>
  all.map(({ story }) => report.items.find((i) => i.tenantId === story.acme.id)?.outcome);

describe('a site burns, and one request fails over all of its plans', () => {
  it('of three tenants every VM runs at the other site, with every block that was acknowledged', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex'), await site.tenant('initech', { vms: 3 })];
    for (const { story, vms } of all) await story.write(vms, 3);
    await site.test.fault('site-loss', 'site_a');
    const report = await site.done('failover');
    expect(report).toMatchObject({
      state: 'success',
      plans: 3,
      outcomes: { success: 3 },
      vms: { all: 7, ready: 7, failed: 0 },
      lostWrites: { count: 0, bytes: 0 },
      rpoSeconds: 0,
    });
    expect(await states()).toEqual(Array.from({ length: 7 }, () => ['site_b', 'running', undefined]));
    for (const { story } of all) expect(await story.missing()).toEqual([]);
    // The time counts from the one word, to the last VM of all plans.
    expect(report.rtoSeconds).toBe(Math.max(...report.items.map((i) => i.readySeconds as number)));
    expect(report.seconds).toBeGreaterThanOrEqual(report.rtoSeconds as number);
    expect(await site.operation(report.id)).toMatchObject({ state: 'success', result: { plans: 3 } });
  });

  it('of asynchronous groups what was lost is the sum of all plans, and exact once the old site is heard', async () => {
    site = await SiteSwitching.start();
    const all = [
      await site.tenant('acme', { replication: ASYNC }),
      await site.tenant('globex', { replication: ASYNC }),
    ];
    for (const { story, vms } of all) await story.write(vms, 2);
    await site.test.advance(400);
    for (const { story, vms } of all) await story.write(vms, 3);
    const { id: fault } = await site.test.fault('site-loss', 'site_a');
    const { id } = await site.done('failover');
    const missing = (await Promise.all(all.map(({ story }) => story.missing()))).flat();
    expect(missing.length).toBe(12);
    await site.test.client.must('DELETE', `/v1/sim/faults/${fault}`, site.test.operator);
    await site.test.advance(120);
    await site.test.settle();
    const report = await site.report(id);
    expect(report.lostWrites).toMatchObject({ count: 12, known: 'exact' });
    expect(report.items.map((i) => i.lostWrites?.count)).toEqual([6, 6]);
    expect(report.rpoSeconds).toBeGreaterThan(0);
  });

  it('what its tenant has brought away and protected before its turn came is not brought back to the burning site', async () => {
    site = await SiteSwitching.start();
    const { plan, story } = await site.tenant('acme');
    expect((await story.done(plan, 'migrate')).state).toBe('success');
    expect((await story.done(plan, 'reprotect')).state).toBe('success');
    const { store } = site.test.cloud;
    const clock = site.test.clock;
    const random = seededRandom(1);
    const deps = { store, clock, random, ids: makeIds(clock, random) } as unknown as Parameters<typeof beginPlan>[3];
    const entry = {
      planId: plan.id,
      tenantId: story.acme.id,
      name: plan.name,
      rank: 1,
      turn: 0,
      outcome: 'waiting',
    } as const;
    const part: SiteSwitchPart = { switchId: 'op_1', n: 0, plans: { [plan.id]: entry }, version: 1 };
    await store.put(keys.siteSwitchPart('op_1', 0), part);
    const record = { siteId: 'site_a', action: 'failover', override: { reason: 'a story' } } as unknown as SiteSwitch;
    const after = await beginPlan(record, part, entry, deps);
    expect(after.plans[plan.id]).toMatchObject({ outcome: 'notBegun', reason: 'it is not at site_a any more' });
    expect((await story.planNow(plan.id)).state).toBe('ready');
  });

  it('what was brought home meanwhile goes the other way when the other site burns', async () => {
    site = await SiteSwitching.start();
    const moved = await site.tenant('acme');
    const stays = await site.tenant('globex');
    expect((await moved.story.done(moved.plan, 'migrate')).state).toBe('success');
    expect((await moved.story.done(moved.plan, 'reprotect')).state).toBe('success');
    await site.test.fault('site-loss', 'site_b');
    const report = await site.done('failover', {}, 'site_b');
    expect(report).toMatchObject({ state: 'success', plans: 1, items: [{ planId: moved.plan.id }] });
    expect(await states()).toEqual(Array.from({ length: 4 }, () => ['site_a', 'running', undefined]));
    expect(await stays.story.planNow(stays.plan.id)).toMatchObject({ state: 'ready' });
  });
});

describe('a plan that cannot begin', () => {
  it('is reported with its refusal, and the others are failed over', async () => {
    site = await SiteSwitching.start();
    const tested = await site.tenant('acme');
    const untested = await site.tenant('globex');
    expect((await tested.story.done(tested.plan, 'test')).state).toBe('success');
    expect((await tested.story.done(tested.plan, 'cleanup')).state).toBe('success');
    await site.test.fault('site-loss', 'site_a');
    const report = await site.done('failover', { override: undefined });
    expect(report).toMatchObject({ state: 'partial', outcomes: { success: 1, refused: 1 } });
    expect(outcomes(report, [tested, untested])).toEqual(['success', 'refused']);
    const refused = report.items.find((i) => i.outcome === 'refused');
    expect(refused).toMatchObject({ code: 'not-tested', reason: expect.stringMatching(/no test of the plan/) });
    // Nobody knows how long the site takes whose plans are not all there.
    expect(report.rtoSeconds).toBeUndefined();
    const alarms = async () =>
      (await readBelief(site.test.cloud.store)).alarms.filter((a) => a.code === 'site-switch-incomplete');
    expect(await alarms()).toMatchObject([{ state: 'active', object: 'site_a', severity: 'critical' }]);
    // The same request once more, with the operator's word, does what is left, and nothing twice.
    const again = await site.done('failover');
    expect(again).toMatchObject({ state: 'success', plans: 1, items: [{ planId: untested.plan.id }] });
    expect(await alarms()).toMatchObject([{ state: 'cleared' }]);
  });

  it('because its group is in use by another is told so: one plan at a time has it', async () => {
    site = await SiteSwitching.start();
    const first = await site.tenant('acme');
    const second = await first.story.plan([first.group], { name: 'again' });
    const report = await site.done('failover');
    expect(report.items.map((i) => [i.planId, i.outcome, i.code])).toEqual([
      [first.plan.id, 'success', undefined],
      [second.id, 'refused', 'in-use'],
    ]);
    expect(report.lostWrites).toMatchObject({ count: 0 });
  });

  it('because something else holds it is waited for, and begins when that has ended', async () => {
    site = await SiteSwitching.start();
    const { story, plan } = await site.tenant('acme');
    const other = await site.tenant('globex');
    expect((await story.act(plan, 'test')).status).toBe(202);
    const { body } = await site.begin('failover', { atOnce: 1 });
    const seen = await site.test.until(async () => {
      const report = await site.report(body.id);
      return report.items.find((i) => i.planId === plan.id)?.code === 'operation-in-progress' && report;
    });
    expect(seen.items.find((i) => i.planId === plan.id)).toMatchObject({ outcome: 'waiting' });
    await site.test.settle();
    const report = await site.report(body.id);
    expect(outcomes(report, [{ story, plan } as Guarded, other])).toEqual(['success', 'success']);
    expect(report.items.every((i) => i.code === undefined && i.reason === undefined)).toBe(true);
  });

  it('because its tenant was faster is joined, and not begun again', async () => {
    site = await SiteSwitching.start();
    const { story, plan } = await site.tenant('acme');
    await site.test.fault('site-loss', 'site_a');
    expect((await story.act(plan, 'failover')).status).toBe(202);
    const report = await site.done('failover');
    expect(report).toMatchObject({ state: 'success', items: [{ planId: plan.id, joined: true, outcome: 'success' }] });
    expect((await readBelief(site.test.cloud.store)).executions).toHaveLength(1);
  });
});

describe('a site is to be emptied, and one request migrates all of its plans', () => {
  it('nothing is lost, and nothing is left there', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex')];
    for (const { story, vms } of all) await story.write(vms, 3);
    const report = await site.done('migrate');
    expect(report).toMatchObject({ state: 'success', lostWrites: { count: 0, known: 'exact' } });
    for (const { story } of all) expect(await story.missing()).toEqual([]);
    expect(await states()).toEqual(Array.from({ length: 4 }, () => ['site_b', 'running', undefined]));
  });

  it('it stops at the first error: the one before is there, the ones after are as they were', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex'), await site.tenant('initech')];
    const [, second, third] = all as [Guarded, Guarded, Guarded];
    await second.story.groups.action(second.group.id, 'suspend');
    await site.test.settle();
    const report = await site.done('migrate', { atOnce: 1 });
    expect(outcomes(report, all)).toEqual(['success', 'refused', 'notBegun']);
    expect(report).toMatchObject({ state: 'partial', reason: 'of 3 plans 1 refused, 1 not begun' });
    expect(report.items[2]?.reason).toBe('nothing more was begun after plan globex');
    expect(await third.story.planNow(third.plan.id)).toMatchObject({ state: 'ready' });
  });

  it('it goes on after an error where that was asked for', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex')];
    const [first] = all as [Guarded];
    await first.story.groups.action(first.group.id, 'suspend');
    await site.test.settle();
    const report = await site.done('migrate', { atOnce: 1, onError: 'goOn' });
    expect(outcomes(report, all)).toEqual(['refused', 'success']);
  });

  it('a plan that waits for a person keeps nobody, and its end stands in the report all the same', async () => {
    site = await SiteSwitching.start();
    const steps = [{ name: 'ask', at: 'beforeShutdown', kind: 'pause' }];
    const waits = await site.tenant('acme', { plan: { steps } });
    const other = await site.tenant('globex');
    const { body } = await site.begin('migrate', { atOnce: 1 });
    await site.test.until(async () => (await site.operation(body.id)).state === 'success');
    const report = await site.report(body.id);
    expect(outcomes(report, [waits, other])).toEqual(['paused', 'success']);
    expect(report).toMatchObject({ state: 'partial', reason: 'of 2 plans 1 waiting for a person' });
    const { id } = await waits.story.report(waits.plan);
    await waits.story.resume(waits.plan, id);
    await site.test.settle();
    expect(outcomes(await site.report(body.id), [waits, other])).toEqual(['success', 'success']);
  });
});

describe('the order', () => {
  const turns = (report: { items: { planId: string }[] }, all: Guarded[]) =>
    report.items.map((i) => all.findIndex((g) => g.plan.id === i.planId));

  it('is that of the ranks; one rank begins when no plan of the one before is under way', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex'), await site.tenant('initech')];
    const [a, b, c] = all as [Guarded, Guarded, Guarded];
    const report = await site.done('failover', { ranks: { [a.plan.id]: 3, [b.story.acme.id]: 1, [c.plan.id]: 2 } });
    expect(turns(report, all)).toEqual([1, 2, 0]);
    for (const [i, item] of report.items.slice(1).entries())
      expect(Date.parse(item.begunAt as string)).toBeGreaterThanOrEqual(Date.parse(report.items[i]?.endedAt as string));
  });

  it('within a rank is that of the RTO that was promised, and no more are under way than was said', async () => {
    site = await SiteSwitching.start();
    const all = [
      await site.tenant('acme'),
      await site.tenant('globex', { plan: { rtoMinutes: 60 } }),
      await site.tenant('initech', { plan: { rtoMinutes: 5 } }),
    ];
    const { body } = await site.begin('failover', { atOnce: 2 });
    const under: number[] = [];
    await site.test.until(async () => {
      const { items = [] } = await site.report(body.id);
      under.push(items.filter((i) => i.outcome === 'running').length);
      return (await site.operation(body.id)).state === 'success';
    });
    expect(Math.max(...under)).toBe(2);
    expect(turns(await site.report(body.id), all)).toEqual([2, 1, 0]);
  });
});

describe('one switch of a site at a time', () => {
  it('two requests at once are one switch: the other is told which', async () => {
    site = await SiteSwitching.start();
    await site.tenant('acme');
    const replies = await Promise.all([site.begin('failover'), site.begin('failover'), site.begin('migrate')]);
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409, 409]);
    const won = replies.find((r) => r.status === 202)?.body.id;
    for (const { status, body } of replies)
      if (status === 409) expect(body).toMatchObject({ code: 'operation-in-progress', operationId: won });
    await site.test.settle();
    expect((await readBelief(site.test.cloud.store)).executions).toHaveLength(1);
    // All of it is away: there is nothing more to do.
    expect((await site.begin('failover')).body).toMatchObject({ code: 'not-ready', plans: 0 });
  });

  it('when it is cancelled no further plan begins, and the one that is under way comes to its end', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex')];
    const { body } = await site.begin('failover', { atOnce: 1 });
    await site.test.until(async () => (await site.report(body.id)).outcomes.running === 1);
    expect((await site.ask('POST', `/site-switches/${body.id}/cancel`)).status).toBe(202);
    await site.test.until(async () => (await site.operation(body.id)).state === 'cancelled');
    expect(outcomes(await site.report(body.id), all)).toEqual(['running', 'notBegun']);
    await site.test.settle();
    const report = await site.report(body.id);
    expect(report).toMatchObject({ state: 'cancelled', outcomes: { success: 1, notBegun: 1 } });
    expect((await site.operation(body.id)).error?.message).toMatch(/no further plan was begun/);
    expect((await site.ask('POST', `/site-switches/${body.id}/cancel`)).body).toMatchObject({
      code: 'illegal-transition',
    });
    // The site is free again at once, for what is left.
    expect(await site.done('failover')).toMatchObject({ state: 'success', plans: 1 });
  });
});

describe('what tenants see', () => {
  it('is their own execution, begun by the operator for the reason that was given; never the switch or others', async () => {
    site = await SiteSwitching.start();
    const [acme, globex] = [await site.tenant('acme'), await site.tenant('globex')];
    const switched = await site.done('failover', { override: { reason: 'site a burns' } });
    const { story, plan } = acme;
    expect(await story.report(plan)).toMatchObject({
      startedBy: 'operator',
      override: { by: 'operator', reason: 'site a burns' },
    });
    const get = (path: string) =>
      site.test.client.call<Record<string, unknown>>('GET', path, { token: story.acme.token });
    expect((await get(`/v1/recovery-plans/${globex.plan.id}`)).status).toBe(404);
    expect((await get(`/v1/system/site-switches/${switched.id}`)).status).toBe(403);
    expect((await get(`/v1/operations/${switched.id}`)).status).toBe(404);
    for (const path of [
      '/v1/operations',
      '/v1/events',
      '/v1/recovery-plans',
      `/v1/recovery-plans/${plan.id}/executions`,
    ]) {
      const text = JSON.stringify((await get(path)).body);
      for (const secret of [globex.plan.id, globex.story.acme.id, switched.id, switched.startedBy])
        expect(text).not.toContain(secret);
    }
    // Whose word it really was stands on the audit trail, for each plan.
    type Entry = { operationId: string; target: string; actor: string; tenantId?: string };
    const { body } = await site.ask<{ items: Entry[] }>('GET', '/audit-log?operationId=failoverSite');
    expect(body.items.map((e) => [e.target, e.actor]).sort()).toEqual(
      ['site_a', acme.plan.id, globex.plan.id].map((target) => [target, switched.startedBy]).sort(),
    );
  });
});

describe('what would happen is told before', () => {
  it('plan by plan in their order: whether it would begin, how ready it is, what would be lost; and nothing changes', async () => {
    site = await SiteSwitching.start();
    const [acme, globex] = [
      await site.tenant('acme', { replication: ASYNC }),
      await site.tenant('globex', { plan: { rtoMinutes: 10 } }),
    ];
    const again = await acme.story.plan([acme.group], { name: 'again' });
    await acme.story.write(acme.vms, 2);
    const before = await readBelief(site.test.cloud.store);
    const told = await site.dryRun('failover');
    expect(told).toMatchObject({
      dryRun: true,
      wouldAnswer: { status: 202 },
      plans: 3,
      wouldBegin: 2,
      withoutPlan: [],
    });
    expect(told.items.map((i) => [i.planId, i.wouldBegin, i.refusals.map((r) => r.code)])).toEqual([
      [globex.plan.id, true, []],
      [acme.plan.id, true, []],
      [again.id, false, ['in-use']],
    ]);
    const [first, second] = told.items;
    expect(first).toMatchObject({
      score: 70,
      toSiteId: 'site_b',
      expectedRtoSeconds: 600,
      rpoSeconds: 0,
      wouldLose: { count: 0, known: 'exact' },
    });
    expect(second?.wouldLose).toEqual({ count: 4, known: 'exact' });
    // What would not begin takes no room.
    expect(told.capacity).toMatchObject([
      { siteId: 'site_b', homelessVms: 0, placed: 4, needed: { vms: 4, vcpus: 8 } },
    ]);
    // Without the operator's word no untested plan would begin.
    expect((await site.dryRun('failover', {})).items.map((i) => i.refusals[0]?.code)).toEqual([
      'not-tested',
      'not-tested',
      'not-tested',
    ]);
    expect(await readBelief(site.test.cloud.store)).toEqual(before);
    expect(await site.test.cloud.store.queryAll('SYS#SWITCHING')).toEqual([]);
  });

  it('groups that no plan names stay behind, and it is said, also in the report', async () => {
    site = await SiteSwitching.start();
    const { story } = await site.tenant('acme');
    const { group, vms } = await story.protect(2, SYNC, 'alone');
    expect((await site.dryRun('failover')).withoutPlan).toMatchObject([{ groupId: group.id, vms: vms.length }]);
    const report = await site.done('failover');
    expect(report.warnings).toEqual([
      `1 protected groups of the site (2 VMs) are in no plan and stay where they are: ${group.id}.`,
    ]);
  });

  it('a site without plans has nothing to be switched, and a site that is not there is not found', async () => {
    site = await SiteSwitching.start();
    expect((await site.begin('failover')).body).toMatchObject({ code: 'not-ready' });
    expect(await site.dryRun('failover')).toMatchObject({ wouldAnswer: { status: 409, code: 'not-ready' }, plans: 0 });
    expect((await site.begin('failover', {}, 'site_nowhere')).status).toBe(404);
    expect((await site.begin('failover', { atOnce: 0 })).status).toBe(400);
    expect((await site.begin('failover', { onError: 'stop' })).status).toBe(400);
    expect((await site.begin('migrate', { before: '2026-01-01T00:00:00Z' })).status).toBe(400);
  });
});

describe('the other site has room for each plan, but not for all of them', () => {
  const GIB = 1024;
  const stage = (name: string, count: number) => ({
    name,
    clusters: [{ name: 'c1', hosts: { count, cores: 32, mhz: 2400, memoryGiB: 64 } }],
    datastores: [{ name: 'san', capacityGiB: 1000 }],
  });
  const estate = {
    sites: [stage('a', 4), stage('b', 1)],
    links: [{ from: 'a', to: 'b', latencyMs: 1, mbps: 10_000, mode: 'sync' }],
  };
  const shape = { memoryMiB: 16 * GIB };

  it('a migration is refused before anything moves, with figures; as far as there is room it can be asked for', async () => {
    site = await SiteSwitching.start(estate);
    const all = [await site.tenant('acme', { shape }), await site.tenant('globex', { shape })];
    for (const { story, plan } of all) {
      const path = `/v1/recovery-plans/${plan.id}/migrate?dryRun=true`;
      const body = { override: { reason: 'a story' } };
      const alone = await site.test.client.call('POST', path, { token: story.acme.token, body });
      expect(alone.body).toMatchObject({ wouldAnswer: { status: 202 } });
    }
    const told = await site.dryRun('migrate');
    expect(told).toMatchObject({ wouldAnswer: { status: 507, code: 'no-capacity' }, wouldBegin: 1 });
    expect(told.capacity).toMatchObject([
      {
        needed: { vms: 4, memoryMiB: 64 * GIB },
        placed: 3,
        homelessVms: 1,
        lacking: { memoryMiB: expect.any(Number) },
      },
    ]);
    const refused = await site.begin('migrate');
    expect([refused.status, refused.body.code]).toEqual([507, 'no-capacity']);
    expect(refused.body.detail).toMatch(/1 of 4 VMs find no place at site site_b \(65536 memoryMiB needed, \d+ free\)/);
    expect((await readBelief(site.test.cloud.store)).executions).toEqual([]);
    const report = await site.done('migrate', { onError: 'goOn', atOnce: 1 });
    expect(outcomes(report, all)).toEqual(['success', 'refused']);
    expect(report.items[1]).toMatchObject({ code: 'no-capacity' });
  });

  it('a failover begins all the same: each VM that finds no place is reported, and none is lost', async () => {
    site = await SiteSwitching.start(estate);
    const all = [await site.tenant('acme', { shape }), await site.tenant('globex', { shape })];
    for (const { story, vms } of all) await story.write(vms, 2);
    const told = await site.dryRun('failover');
    expect(told.wouldAnswer).toEqual({ status: 202 });
    expect(told.warnings).toEqual([expect.stringMatching(/1 of 4 VMs find no place at site site_b/)]);
    await site.test.fault('site-loss', 'site_a');
    const report = await site.done('failover');
    expect(report).toMatchObject({ state: 'partial', vms: { all: 4, ready: 3 }, lostWrites: { count: 0 } });
    expect(Object.values(report.outcomes).reduce((sum, n) => sum + n, 0)).toBe(2);
  });
});
