import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
let vm: VmView & { hostId: string };
beforeEach(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
  vm = (await acme.running(1))[0] as VmView & { hostId: string };
});
afterEach(() => test.stop());

const hostState = async () =>
  (await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${vm.hostId}`, test.operator)).state;
const incident = async () => {
  const list = await test.client.must<{
    items: { id: string; state: string; timeline: { at: string; what: string; detail?: string }[] }[];
  }>('GET', `/v1/system/incidents?hostId=${vm.hostId}`, test.operator);
  return list.items[0];
};
const at = async (what: string): Promise<number> =>
  Date.parse((await incident())?.timeline.find((t) => t.what === what)?.at ?? '');
const alarms = async () =>
  (
    await test.client.must<{ items: { code: string; object: string; state: string }[] }>(
      'GET',
      '/v1/system/alarms?state=active',
      test.operator,
    )
  ).items;
const recovered = () =>
  test.until(async () => {
    const now = await acme.vm(vm.id);
    return now.state === 'running' && now.hostId !== vm.hostId && now;
  }, 900);

it('the management network alone is lost: the host is suspect, an alarm says so, and nothing is restarted (HA-6)', async () => {
  const fault = await test.fault('management-partition', vm.hostId);
  await test.advance(300);
  expect(await hostState()).toBe('suspect');
  expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
  expect(await alarms()).toMatchObject([{ code: 'host-management-lost', object: vm.hostId }]);
  // The guest does not notice: it writes all along.
  await acme.write(vm.id, 1, 'still here');
  await test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, test.operator);
  await test.until(async () => (await hostState()) === 'online');
  expect(await alarms()).toEqual([]);
  expect((await incident())?.state).toBe('falseAlarm');
  expect(await test.violations()).toEqual([]);
});

it('the power controller is out of reach: nothing starts elsewhere before the lease has surely run out (HA-7, E1)', async () => {
  await test.fault('bmc-unreachable', vm.hostId);
  await test.fault('management-partition', vm.hostId);
  await test.fault('storage-partition', vm.hostId);
  const lastSign = test.clock.now();
  await test.until(async () => (await hostState()) === 'fencing');
  // While the old copy may still run, the new one must not: look at every step of the way.
  while (test.clock.now() < lastSign + 118_000) {
    await test.advance(5);
    const world = await test.world();
    expect(world.processes.filter((p) => p.vmId === vm.id && p.hostId !== vm.hostId)).toEqual([]);
  }
  const watchdogDone = await test.world();
  expect(
    watchdogDone.processes.filter((p) => p.hostId === vm.hostId),
    'the watchdog (60 s) comes before the lease (120 s)',
  ).toEqual([]);
  const after = await recovered();
  expect(after.epoch).toBeGreaterThan(vm.epoch);
  await test.settle();
  expect((await at('fence confirmed')) - lastSign).toBeGreaterThanOrEqual(118_000);
  expect(await test.violations()).toEqual([]);
});

it('a host hangs: it is powered off before its VMs start elsewhere, and a copy that wakes up late can write nothing (HA-11)', async () => {
  await acme.write(vm.id, 3, 'old');
  await test.fault('host-hang', vm.hostId);
  await recovered();
  await test.settle();
  const stale = await test.client.call('PUT', `/v1/sim/vms/${vm.id}/disks/root/blocks/3`, {
    token: test.operator,
    body: { data: 'AAAA', hostId: vm.hostId },
  });
  expect(stale.status).toBe(409);
  expect(await acme.read(vm.id, 3)).toBe('old');
  expect(await test.violations()).toEqual([]);
});

it('both channels are silent for less than it takes to miss a heartbeat: nothing happens at all', async () => {
  await test.fault('management-partition', vm.hostId, { for: 3 });
  await test.fault('storage-partition', vm.hostId, { for: 3 });
  await test.advance(120);
  expect(await hostState()).toBe('online');
  expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
  expect(await incident()).toBeUndefined();
});

it.each(['answer-lost', 'duplicate-call'])(
  '%s during the whole recovery: the VM still runs exactly once',
  async (fault) => {
    await test.fault(fault, 'site_a', { for: 60 });
    await test.fault('host-power-loss', vm.hostId);
    await recovered();
    await test.settle();
    const world = await test.world();
    expect(world.processes.filter((p) => p.vmId === vm.id)).toHaveLength(1);
    expect(await test.violations()).toEqual([]);
  },
);

it('a whole site does not answer: nothing is restarted on a guess, an alarm is raised, and it clears by itself', async () => {
  const fault = await test.fault('call-timeout', 'site_a');
  await test.advance(120);
  expect(await hostState()).toBe('online');
  expect(await alarms()).toMatchObject([{ code: 'site-unreachable', object: 'site_a' }]);
  await test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, test.operator);
  await test.advance(30);
  expect(await alarms()).toEqual([]);
  expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', epoch: vm.epoch });
});

it('a fenced host that is switched on is reconciled before it serves again (HA-18)', async () => {
  const fault = await test.fault('host-power-loss', vm.hostId);
  await recovered();
  await test.settle();
  await test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, test.operator);
  const refused = await test.client.call('POST', '/v1/system/hosts/host_a-c1-02/power-on', { token: test.operator });
  expect(refused.status).toBe(vm.hostId === 'host_a-c1-02' ? 202 : 409);
  if (vm.hostId !== 'host_a-c1-02')
    await test.client.must('POST', `/v1/system/hosts/${vm.hostId}/power-on`, test.operator);
  await test.until(async () => (await hostState()) === 'online');
  await test.settle();
  expect(await test.violations()).toEqual([]);
});
