import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

let test: TestCloud;
let hostId: string;
let vmId: string;
beforeEach(async () => {
  test = await TestCloud.start();
  const acme = await TestTenant.create(test);
  const [vm] = await acme.running(1);
  hostId = vm?.hostId as string;
  vmId = vm?.id as string;
});
afterEach(() => test.stop());

const waits = async () =>
  (
    await test.client.must<{ items: { code: string; object: string; severity: string }[] }>(
      'GET',
      '/v1/system/alarms?state=active',
      test.operator,
    )
  ).items.filter((a) => a.code === 'fence-waits');
const state = async () =>
  (await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${hostId}`, test.operator)).state;

it('while a fence cannot be confirmed there is an alarm, and none any more once it is', async () => {
  for (const kind of ['bmc-unreachable', 'host-power-loss']) await test.fault(kind, hostId);
  await test.until(async () => (await state()) === 'fencing');
  await test.rest();
  expect(await waits()).toMatchObject([{ object: hostId, severity: 'critical' }]);
  await test.advance(60);
  expect(await waits(), 'one, however often it is tried').toHaveLength(1);
  await test.until(async () => (await state()) === 'fenced');
  await test.settle();
  expect(await waits()).toEqual([]);
  const vm = await test.client.must('GET', `/v1/system/vms/${vmId}`, test.operator);
  expect(vm).toMatchObject({ state: 'running' });
});

it('a fence that is confirmed at once raises none', async () => {
  await test.fault('host-power-loss', hostId);
  await test.until(async () => (await state()) === 'fenced');
  await test.settle();
  const events = await test.client.must<{ items: { data: { code?: string } }[] }>(
    'GET',
    '/v1/system/events?type=alarm.raised',
    test.operator,
  );
  const raised = events.items.map((e) => e.data.code);
  expect(raised).toContain('host-dead');
  expect(raised).not.toContain('fence-waits');
});
