import { afterEach, beforeEach, expect, it } from 'vitest';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { byPerson } from '../../../workflows/ha-recovery/fencers/person.ts';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
let vm: VmView;
let hostId: string;
const faults: string[] = [];
beforeEach(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
  vm = (await acme.running(1))[0] as VmView;
  hostId = vm.hostId as string;
});
afterEach(() => test.stop());

interface HostView {
  name: string;
  state: string;
  fenceConfirmed?: { by: string; at: string; statement: string };
}
const host = () => test.client.must<HostView>('GET', `/v1/system/hosts/${hostId}`, test.operator);
const confirm = async (body: object = {}, token = test.operator) =>
  test.client.call<HostView & { code: string; detail: string }>('POST', `/v1/system/hosts/${hostId}/confirm-fenced`, {
    token,
    body: { hostName: (await host()).name, statement: 'both power cables are out', ...body },
  });
const stateBecomes = (state: string) => test.until(async () => (await host()).state === state);
/** Neither power controller nor agent of the host can be reached. */
async function cutOff(): Promise<void> {
  faults.length = 0;
  for (const kind of ['bmc-unreachable', 'management-partition', 'storage-partition'])
    faults.push((await test.fault(kind, hostId)).id);
}

it('a host that nobody can fence is confirmed by a person: its VMs start elsewhere long before its lease is over', async () => {
  await cutOff();
  await stateBecomes('fencing');
  // What the person says is so: it is off.
  await test.fault('host-power-loss', hostId);
  await test.advance(5);
  const reply = await confirm();
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  expect(reply.body.fenceConfirmed?.statement).toBe('both power cables are out');
  const at = test.clock.now();
  await stateBecomes('fenced');
  expect(test.clock.now() - at).toBeLessThanOrEqual(35 * SECOND);
  await test.settle();
  expect(await acme.vm(vm.id)).toMatchObject({ state: 'running' });
  expect((await acme.vm(vm.id)).hostId).not.toBe(hostId);
  type Incident = { timeline: { what: string; detail?: string }[] };
  const path = `/v1/system/incidents?hostId=${hostId}`;
  const { items } = await test.client.must<{ items: Incident[] }>('GET', path, test.operator);
  expect(items[0]?.timeline.find((line) => line.what === 'fence confirmed')?.detail).toMatch(
    /confirmed at .* that it runs nothing: both power cables are out/,
  );
  expect((await host()).fenceConfirmed, 'it counts for this fence alone').toBeUndefined();
  expect(await test.violations()).toEqual([]);
});

it('a host that gives signs of life is not confirmed, whoever says so, and the figures say why', async () => {
  await cutOff();
  await stateBecomes('fencing');
  await test.client.must('DELETE', `/v1/sim/faults/${faults[2]}`, test.operator);
  await test.advance(3);
  const reply = await confirm();
  expect(reply.body).toMatchObject({ code: 'illegal-transition', neededSeconds: 6 });
  expect(reply.body.detail).toMatch(/sign of life \d(\.\d+)? s ago; it is silent after 6 s/);
  expect((await host()).fenceConfirmed).toBeUndefined();
});

it('a sign of life after the confirmation makes it void: nothing is started before the host has surely stopped', async () => {
  await cutOff();
  await stateBecomes('fencing');
  expect((await confirm()).status).toBe(200);
  await test.client.must('DELETE', `/v1/sim/faults/${faults[2]}`, test.operator);
  await test.advance(4);
  await test.fault('storage-partition', hostId);
  const cut = test.clock.now();
  await test.until(async () => (await host()).state === 'fenced', 400);
  expect(test.clock.now() - cut).toBeGreaterThanOrEqual(110 * SECOND);
  await test.settle();
  expect((await test.world()).processes.filter((p) => p.vmId === vm.id)).toHaveLength(1);
  expect(await test.violations()).toEqual([]);
});

it('nobody confirms the wrong host, one that serves, or twice; and operators of less trust never do', async () => {
  expect((await confirm()).body).toMatchObject({ code: 'illegal-transition', state: 'online' });
  await cutOff();
  await stateBecomes('fencing');
  expect((await confirm({ hostName: 'another' })).body).toMatchObject({
    code: 'invalid-request',
    errors: [{ location: 'body.hostName' }],
  });
  expect((await confirm({ statement: ' ' })).body).toMatchObject({ code: 'invalid-request' });
  const operator = await test.client.operator(['system-operator']);
  expect((await confirm({}, operator)).status).toBe(403);
  expect((await host()).fenceConfirmed).toBeUndefined();
  const replies = await Promise.all([confirm(), confirm()]);
  expect(replies.map((r) => r.status).sort()).toEqual([200, 409]);
  expect(replies.find((r) => r.status === 409)?.body.detail).toMatch(/has confirmed it for host/);
});

it('while its whole site is silent nobody can say that a host is', async () => {
  await cutOff();
  await stateBecomes('fencing');
  await test.fault('site-loss', 'site_a');
  expect((await confirm()).body).toMatchObject({ code: 'site-unreachable', status: 503 });
});

it('a word counts for the silence that it was given in', () => {
  const fenceConfirmed = { by: 'ann', at: 10_000, statement: 'off' };
  expect(byPerson({ fenceConfirmed }, 9_999)).toMatch(/^ann confirmed at 1970-01-01T00:00:10.000Z/);
  expect(byPerson({ fenceConfirmed }, 10_000)).toBeUndefined();
  expect(byPerson({}, 0)).toBeUndefined();
});
