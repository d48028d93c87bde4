import { afterEach, describe, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { TestGroups } from '../../support/protection.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
afterEach(async () => {
  await test.settle();
  expect(await test.violations()).toEqual([]);
  await test.stop();
});

const base = '/v1/recovery-plans';
const call = (method: string, path: string, body?: object) =>
  // biome-ignore lint/suspicious/noExplicitAny: answers of many operations
  test.client.call<any>(method, `${base}${path}`, { token: acme.token, ...(body ? { body } : {}) });
const must = async (method: string, path: string, body?: object) => {
  const reply = await call(method, path, body);
  if (reply.status > 299) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body;
};

async function begin(more: object = {}, count = 2): Promise<{ vms: VmView[]; plan: string; group: string }> {
  test = await TestCloud.start({ estate: 'two-sites', memory: memoryEngine() });
  acme = await TestTenant.create(test);
  const vms = await acme.running(count, { siteId: 'site_a' });
  const replication = { mode: 'async', targetSiteId: 'site_b', rpoMinutes: 15 };
  const { id } = await new TestGroups(acme).protected(vms, replication);
  const plan = await must('POST', '', { name: 'erp', groups: [id], ...more });
  return { vms, plan: plan.id, group: id };
}

/** Does it and answers the report of it. */
async function run(plan: string, action: string, body: object = {}) {
  await must('POST', `/${plan}/${action}`, body);
  await test.settle();
  return (await must('GET', `/${plan}/executions`)).items[0];
}
const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;

/** Phases begin with the word, follow each other, and end with the execution. */
function mustBeWhole(report: {
  startedAt: string;
  finishedAt: string;
  phases: { startedAt: string; finishedAt: string }[];
}) {
  const { phases, startedAt, finishedAt } = report;
  expect(phases.length).toBeGreaterThan(1);
  expect(phases[0]?.startedAt).toBe(startedAt);
  expect(phases.at(-1)?.finishedAt).toBe(finishedAt);
  for (const [i, phase] of phases.entries()) if (i > 0) expect(phase.startedAt).toBe(phases[i - 1]?.finishedAt);
  expect(phases.reduce((sum, p) => sum + seconds(p.startedAt, p.finishedAt), 0)).toBeCloseTo(
    seconds(startedAt, finishedAt),
    3,
  );
}

describe('the life of a plan', () => {
  it('tested, moved, protected the other way round, tested again, and back home: all of it stands in its history', async () => {
    const { plan, vms } = await begin({ drillEveryDays: 30, rtoMinutes: 10 });
    const ids = vms.map((vm) => vm.id);
    const test1 = await run(plan, 'test');
    expect(test1).toMatchObject({ action: 'test', state: 'success', lostWrites: { count: 0, known: 'exact' } });
    mustBeWhole(test1);
    expect(test1.vms.map((v: { testVmId?: string }) => typeof v.testVmId)).toEqual(['string', 'string']);
    expect((await call('POST', `/${plan}/migrate`, {})).body).toMatchObject({
      code: 'illegal-transition',
      state: 'testComplete',
    });
    mustBeWhole(await run(plan, 'cleanup'));
    const found = await must('GET', `/${plan}/readiness`);
    expect([found.findings, found.score, found.ready]).toEqual([[], 100, true]);

    await acme.write(ids[0] as string, 4, 'before the move');
    const moved = await run(plan, 'migrate');
    expect(moved).toMatchObject({
      action: 'migrate',
      state: 'success',
      fromSiteId: 'site_a',
      toSiteId: 'site_b',
      rpoSeconds: 0,
      lostWrites: { count: 0, known: 'exact' },
      groups: [{ rpo: { expectedSeconds: 900, achievedSeconds: 0, met: true } }],
      rto: { expectedSeconds: 600, met: true },
    });
    mustBeWhole(moved);
    const slowest = Math.max(...moved.vms.map((v: { rtoSeconds: number }) => v.rtoSeconds));
    expect(moved.rto).toMatchObject({ criticalSeconds: slowest, allSeconds: slowest });
    expect(await acme.read(ids[0] as string, 4)).toBe('before the move');

    expect((await call('POST', `/${plan}/failback`, {})).body.code).toBe('illegal-transition');
    mustBeWhole(await run(plan, 'reprotect'));
    expect((await call('POST', `/${plan}/failback`, {})).body.code).toBe('not-tested');
    await run(plan, 'test');
    await run(plan, 'cleanup');
    const home = await run(plan, 'failback');
    expect(home).toMatchObject({ action: 'failback', state: 'success', fromSiteId: 'site_b', toSiteId: 'site_a' });
    expect(home.lostWrites.count).toBe(0);
    expect((await Promise.all(ids.map((id) => acme.vm(id)))).map((vm) => [vm.siteId, vm.state])).toEqual([
      ['site_a', 'running'],
      ['site_a', 'running'],
    ]);
    expect(await must('GET', `/${plan}`)).toMatchObject({ state: 'ready', drillOverdueDays: 0 });
    const history = (await must('GET', `/${plan}/executions`)).items.map((e: { action: string }) => e.action);
    expect(history).toEqual(['failback', 'cleanup', 'test', 'reprotect', 'migrate', 'cleanup', 'test']);
    expect((await must('GET', `/${plan}/executions?action=test`)).items).toHaveLength(2);
  });

  it('what a failover loses is what the dry run said that it would', async () => {
    const { plan, vms } = await begin();
    await run(plan, 'test');
    await run(plan, 'cleanup');
    for (let i = 0; i < 5; i++) await acme.write((vms[0] as VmView).id, i, `block ${i}`);
    const dry = await must('POST', `/${plan}/failover?dryRun=true`);
    const told = dry.groups[0].wouldLose;
    expect(told.known).toBe('exact');
    await test.fault('site-loss', 'site_a');
    const report = await run(plan, 'failover');
    mustBeWhole(report);
    expect(report.lostWrites.count).toBeLessThanOrEqual(told.count);
    expect(report.vms.every((v: { ready: boolean }) => v.ready)).toBe(true);
    const refused = await call('POST', `/${plan}/reprotect`);
    expect([refused.status, refused.body.code]).toEqual([409, 'illegal-transition']);
    expect(refused.body.detail).toContain('wait until the former site is back');
  });
});

describe('a pause of a plan', () => {
  it('holds the start until a person says so, and stands in the report', async () => {
    const step = { name: 'ask', at: 'beforeStart', kind: 'pause', message: 'is the network there?' };
    const { plan } = await begin({ steps: [step] }, 1);
    const reason = 'it is the pause that is looked at';
    await must('POST', `/${plan}/failover`, { override: { reason } });
    const waits = await test.until(async () => {
      const [execution] = (await must('GET', `/${plan}/executions`)).items;
      return execution.state === 'paused' && execution;
    });
    expect(waits.waits).toMatchObject([{ name: 'ask', kind: 'pause', message: 'is the network there?' }]);
    await test.advance(60);
    expect((await must('GET', `/${plan}/executions/${waits.id}`)).state).toBe('paused');
    await must('POST', `/${plan}/executions/${waits.id}/resume`, { note: 'it is' });
    await test.settle();
    const report = await must('GET', `/${plan}/executions/${waits.id}`);
    expect(report).toMatchObject({
      state: 'success',
      override: { reason },
      waits: [{ ended: { how: 'resumed', note: 'it is' } }],
    });
    mustBeWhole(report);
    expect(report.vms[0].rtoSeconds).toBeGreaterThan(60);
  });
});
