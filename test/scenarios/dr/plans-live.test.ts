import { afterEach, describe, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { type GroupView, TestGroups } from '../../support/protection.ts';
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

/** Two sites, VMs at the first one in a group that is protected, and a plan for it. */
async function begin(mode: 'sync' | 'async', count = 2): Promise<{ vms: VmView[]; group: GroupView; plan: string }> {
  test = await TestCloud.start({ estate: 'two-sites', memory: memoryEngine() });
  acme = await TestTenant.create(test);
  const vms = await acme.running(count, { siteId: 'site_a' });
  const replication = { mode, targetSiteId: 'site_b', ...(mode === 'async' ? { rpoMinutes: 15 } : {}) };
  const group = await new TestGroups(acme).protected(vms, replication);
  const made = await call('POST', '', { name: 'erp', groups: [group.id] });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return { vms, group, plan: made.body.id };
}
const codes = (body: { findings: { code: string }[] }) => body.findings.map((f) => f.code);

describe('a plan of a group that is protected', () => {
  it('lacks nothing but a test', async () => {
    const { plan } = await begin('sync');
    const { status, body } = await call('GET', `/${plan}/readiness`);
    expect(status).toBe(200);
    expect(codes(body)).toEqual(['not-tested']);
    expect(body).toMatchObject({ score: 70, ready: false, fromSiteId: 'site_a', toSiteId: 'site_b' });
    expect(body.groups).toMatchObject([
      { mode: 'sync', leg: 'synced', rpo: 'met', rpoSeconds: 0, wouldLose: { count: 0 } },
    ]);
    expect(body.capacity).toMatchObject({ placed: 2, homelessVms: 0, needed: { vms: 2, vcpus: 4, memoryMiB: 8_192 } });
  });

  it('says of an asynchronous copy exactly how many writes a failover would lose now', async () => {
    const { plan, vms } = await begin('async');
    for (let i = 0; i < 7; i++) await acme.write((vms[i % 2] as VmView).id, i, `block ${i}`);
    const { body } = await call('POST', `/${plan}/failover?dryRun=true`);
    expect(body.groups).toMatchObject([{ mode: 'async', wouldLose: { count: 7, known: 'exact' } }]);
    expect(body.wouldAnswer).toEqual({ status: 409, code: 'not-tested' });
    expect(body.places).toHaveLength(2);
  });

  it('tells of a site that burns, and of what is known of it then', async () => {
    const { plan, vms } = await begin('async');
    await acme.write((vms[0] as VmView).id, 1, 'before the fire');
    await test.fault('site-loss', 'site_a');
    const { body } = await call('GET', `/${plan}/readiness`);
    expect(codes(body)).toContain('site-silent');
    expect(body.groups[0].heard).toEqual({ primary: false, target: true });
    expect(body.groups[0].wouldLose.known).toBe('atLeast');
    const dry = await call('POST', `/${plan}/failover?dryRun=true`, { override: { reason: 'it burns' } });
    expect(dry.body.wouldAnswer).toEqual({ status: 202 });
  });

  it('keeps its group from being deleted', async () => {
    const { plan, group } = await begin('sync', 1);
    const gone = () => new TestGroups(acme).call('DELETE', `/${group.id}`);
    expect((await gone()).status).toBe(409);
    expect((await call('DELETE', `/${plan}`)).status).toBe(204);
    expect((await gone()).status).toBe(202);
  });
});

it('a switch without a test is refused, and not one VM has moved', async () => {
  const { plan, vms } = await begin('sync', 1);
  const before = await acme.vm((vms[0] as VmView).id);
  for (const action of ['migrate', 'failover']) {
    const { status, body } = await call('POST', `/${plan}/${action}`, {});
    expect([status, body.code]).toEqual([409, 'not-tested']);
  }
  await test.advance(30);
  expect(await acme.vm(before.id)).toEqual(before);
});

it('an operator sees the plans of all tenants, as JSON and as CSV; a tenant does not', async () => {
  const { plan } = await begin('sync', 1);
  const path = '/v1/system/reports/dr';
  const report = await test.client.must<{ items: object[]; totals: object }>('GET', path, test.operator);
  expect(report.totals).toEqual({ plans: 1, vms: 1, untested: 1, drillsOverdue: 0, notProtected: 0 });
  expect(report.items).toMatchObject([{ tenant: 'acme', planId: plan, plan: 'erp', tested: false, protected: 1 }]);
  const csv = await test.client.call<string>('GET', `${path}?format=csv`, { token: test.operator });
  expect(csv.headers.get('content-type')).toContain('text/csv');
  const [names, row] = String(csv.body)
    .split('\r\n')
    .map((line) => line.split(',')) as [string[], string[]];
  expect([row[names.indexOf('planId')], row[names.indexOf('tested')]]).toEqual([plan, 'false']);
  expect((await test.client.call('GET', path, { token: acme.token })).status).toBe(403);
});
