import { afterEach, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

let test: TestCloud;
afterEach(() => test.stop());

/** `hosts` hosts that take three VMs of 4 GiB each. */
const tight = (hosts: number) => ({
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: hosts, cores: 16, mhz: 2400, memoryGiB: 14 } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    },
  ],
});
const start = async (estate?: object) => {
  test = await TestCloud.start(estate ? { estate } : {});
  return TestTenant.create(test);
};
const alarms = async () =>
  (
    await test.client.must<{ items: { code: string; object: string }[] }>(
      'GET',
      '/v1/system/alarms?state=active',
      test.operator,
    )
  ).items;

it('no host has room: the VM waits with a reason and an alarm, and runs as soon as there is room, without an operator (HA-14)', async () => {
  const acme = await start(tight(2));
  const vms = await acme.running(6);
  const failed = vms[0]?.hostId as string;
  const survivors = vms.filter((vm) => vm.hostId !== failed);
  await test.fault('host-power-loss', failed);
  await test.advance(120);
  for (const vm of vms.filter((v) => v.hostId === failed)) {
    const now = await acme.vm(vm.id);
    expect(now).toMatchObject({ state: 'faultResuming', hostId: null });
    expect(now.reason).toMatch(/memory/);
  }
  expect((await alarms()).map((a) => a.code)).toEqual(['host-dead', 'vm-waits', 'vm-waits', 'vm-waits']);
  expect(await test.violations()).toEqual([]);
  await acme.remove((survivors[0] as { id: string }).id);
  await test.until(async () => (await alarms()).length === 3, 200);
  expect((await alarms()).map((a) => a.code)).toEqual(['host-dead', 'vm-waits', 'vm-waits']);
  expect(await test.violations()).toEqual([]);
});

it('restart priority decides who gets the last room (HA-15)', async () => {
  const acme = await start(tight(2));
  // A filler takes a whole host, so the pair must share the other one; then the filler makes way for something smaller.
  const [filler] = await acme.running(1, { name: 'filler', memoryMiB: 12_288 });
  const low = await acme.create({ name: 'low', memoryMiB: 8192, ha: { enabled: true, restartPriority: 'low' } });
  const high = await acme.create({ name: 'high', memoryMiB: 4096, ha: { enabled: true, restartPriority: 'high' } });
  await test.settle();
  await acme.remove(filler?.id as string);
  await test.settle();
  await acme.running(1, { name: 'other', memoryMiB: 4096 });
  const failed = (await acme.vm(low.body.id)).hostId as string;
  expect((await acme.vm(high.body.id)).hostId).toBe(failed);
  await test.fault('host-power-loss', failed);
  await test.advance(120);
  expect(await acme.vm(high.body.id)).toMatchObject({ state: 'running' });
  expect(await acme.vm(low.body.id)).toMatchObject({ state: 'faultResuming', hostId: null });
});

it('a VM without HA stays down, is shown as stopped with the reason, and gives its capacity back', async () => {
  const acme = await start();
  const [vm] = await acme.running(1, { ha: { enabled: false } });
  await test.fault('host-power-loss', vm?.hostId as string);
  await test.until(async () => (await acme.vm(vm?.id as string)).state === 'stopped');
  await test.settle();
  expect(await acme.vm(vm?.id as string)).toMatchObject({
    hostId: null,
    reason: 'its host failed; HA is off for this VM',
  });
  expect(await test.violations()).toEqual([]);
});

it('a stop that is asked for while the host is dead is carried out, and the VM is not restarted (HA-20)', async () => {
  const acme = await start();
  const [vm] = await acme.running(1);
  await test.fault('host-power-loss', vm?.hostId as string);
  expect((await acme.action(vm?.id as string, 'stop')).status).toBe(202);
  await test.settle();
  expect(await acme.vm(vm?.id as string)).toMatchObject({ state: 'stopped', hostId: null });
  expect((await test.world()).processes).toEqual([]);
  expect(await test.violations()).toEqual([]);
});

it('a deletion that is asked for while the host is dead ends well, and leaves nothing', async () => {
  const acme = await start();
  const [vm] = await acme.running(1);
  await test.fault('host-power-loss', vm?.hostId as string);
  expect((await acme.remove(vm?.id as string)).status).toBe(202);
  await test.settle();
  expect((await test.client.call('GET', `/v1/vms/${vm?.id}`, { token: acme.token })).status).toBe(404);
  const world = await test.world();
  expect([world.processes, world.volumes]).toEqual([[], []]);
  expect(await test.violations()).toEqual([]);
});

it('the host dies in the middle of a creation: the acknowledged VM runs elsewhere, and its operation succeeds', async () => {
  const acme = await start();
  const reply = await acme.create({ ha: { enabled: false } });
  await test.advance(10);
  const before = await acme.vm(reply.body.id);
  expect(before.state).toBe('creating');
  await test.fault('host-power-loss', before.hostId as string);
  await test.settle();
  const after = await acme.vm(reply.body.id);
  expect(after).toMatchObject({ state: 'running' });
  expect(after.hostId).not.toBe(before.hostId);
  const operation = await test.client.must<{ state: string }>(
    'GET',
    `/v1/operations/${reply.body.operationId}`,
    acme.token,
  );
  expect(operation.state).toBe('success');
  expect(await test.violations()).toEqual([]);
});

it('the target of the recovery dies too: the VM ends on a third host, with a yet newer epoch, its data whole', async () => {
  const acme = await start();
  const [vm] = await acme.running(1);
  const id = vm?.id as string;
  await acme.write(id, 5, 'twice unlucky');
  await test.fault('host-power-loss', vm?.hostId as string);
  const target = await test.until(async () => {
    const now = await acme.vm(id);
    return now.state === 'faultResuming' && now.hostId !== vm?.hostId && now.hostId;
  });
  await test.advance(5);
  await test.fault('host-power-loss', target as string);
  const after = await test.until(async () => {
    const now = await acme.vm(id);
    return now.state === 'running' && now.hostId !== target && now;
  }, 900);
  expect(after.epoch).toBeGreaterThan((vm?.epoch ?? 0) + 1);
  expect(await acme.read(id, 5)).toBe('twice unlucky');
  await test.settle();
  expect(await test.violations()).toEqual([]);
});

it('three hosts fail at once: every VM runs again, each once', async () => {
  const acme = await start();
  const vms = await acme.running(12);
  const hosts = [...new Set(vms.map((vm) => vm.hostId as string))].slice(0, 3);
  for (const host of hosts) await test.fault('host-power-loss', host);
  await test.until(async () =>
    (await Promise.all(vms.map((vm) => acme.vm(vm.id)))).every(
      (vm) => vm.state === 'running' && !hosts.includes(vm.hostId as string),
    ),
  );
  await test.settle();
  expect((await test.world()).processes).toHaveLength(12);
  expect(await test.violations()).toEqual([]);
});

it('all volumes are attached again after a recovery, user volumes included (HA-5)', async () => {
  const acme = await start();
  const body = {
    ...acme.body({ name: 'two-disks' }),
    disks: [
      { name: 'root', sizeGiB: 5, boot: true },
      { name: 'data', sizeGiB: 7 },
    ],
  };
  const made = await test.client.must<{ id: string }>('POST', `/v1/vdcs/${acme.vdcId}/vms`, acme.token, body);
  await test.settle();
  const before = await acme.vm(made.id);
  const path = `/v1/sim/vms/${made.id}/disks/data/blocks/9`;
  await test.client.must('PUT', path, test.operator, { data: Buffer.from('user data').toString('base64') });
  await test.fault('host-power-loss', before.hostId as string);
  await test.until(
    async () => (await acme.vm(made.id)).state === 'running' && (await acme.vm(made.id)).hostId !== before.hostId,
  );
  const block = await test.client.must<{ data: string }>('GET', path, test.operator);
  expect(Buffer.from(block.data, 'base64').toString()).toBe('user data');
});

it('a host that dies again while it is reconciled does not keep the VMs of its incident waiting', async () => {
  const acme = await start(tight(2));
  const vms = await acme.running(6);
  const failed = vms[0]?.hostId as string;
  const waiting = vms.filter((vm) => vm.hostId === failed);
  const fault = await test.fault('host-power-loss', failed);
  await test.advance(90);
  await test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, test.operator);
  await test.client.must('POST', `/v1/system/hosts/${failed}/power-on`, test.operator);
  const hostState = async () =>
    (await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${failed}`, test.operator)).state;
  // From the moment that its manager answers again, its agent cannot be asked: the reconciliation gets nowhere.
  await test.until(async () => {
    const [host] = (await test.world()).hosts.filter((h) => h.id === failed);
    return host?.power === 'booting';
  });
  await test.advance(55);
  await test.until(async () => (await hostState()) !== 'fenced', 200);
  await test.fault('host-power-loss', failed);
  await test.advance(900);
  expect(await hostState()).toBe('fenced');
  // Room appears on the other host: whatever still waits finds it.
  for (const vm of vms.filter((v) => v.hostId !== failed)) await acme.remove(vm.id);
  await test.until(
    async () => (await Promise.all(waiting.map((vm) => acme.vm(vm.id)))).every((vm) => vm.state === 'running'),
    300,
  );
  await test.settle();
  expect(await test.violations()).toEqual([]);
});
