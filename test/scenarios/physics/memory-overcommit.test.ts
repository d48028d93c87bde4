import { afterEach, expect, it } from 'vitest';
import { Lab } from './settings.ts';

let lab: Lab;
afterEach(() => lab.stop());

const GIB = 1024;
const CLUSTER = '/v1/system/clusters/cl_a-c1';
/** One host of 64 GiB without a huge-page pool: about 62.7 GiB for VMs. */
const one = { hosts: { count: 1, cores: 32, mhz: 2400, memoryGiB: 64 } };
const big = (name: string, more: object = {}) => ({
  name,
  cpu: { vcpus: 1, mode: 'hardware' },
  memory: { sizeMiB: 20 * GIB, mode: 'hardware', pageSize: '4k', ...more },
});
const enable = (more: object = {}) => lab.change(CLUSTER, { overcommit: { enabled: true, ...more } });
const alarms = async () =>
  (
    await lab.test.client.must<{ items: { code: string; state: string }[] }>(
      'GET',
      '/v1/system/alarms',
      lab.test.operator,
    )
  ).items.filter((a) => a.code === 'memory-overcommit');

it('without overcommit the memory of a host is given out once; with it up to the ratio, never beyond 150 % (OVC-5)', async () => {
  lab = await Lab.open(one);
  for (const n of ['1', '2', '3']) await lab.vm(big(n));
  expect(await lab.ask(big('4'))).toMatchObject({ status: 507, body: { ruledOut: { memory: 1 } } });
  expect((await enable({ ratioPercent: 151 })).status).toBe(400);
  expect((await enable({ ratioPercent: 130 })).status).toBe(200);
  await lab.vm(big('4'));
  expect(await lab.ask(big('5'))).toMatchObject({ status: 507, body: { ruledOut: { memory: 1 } } });
  const off = await lab.change(CLUSTER, { overcommit: { enabled: false } });
  expect(off).toMatchObject({ status: 409, body: { code: 'in-use', rule: 'OVC-5', dimension: 'memoryMiB' } });
  expect(await lab.test.violations()).toEqual([]);
});

it('an alarm is raised beyond its share, and cleared when VMs go (OVC-5)', async () => {
  lab = await Lab.open(one);
  await enable({ alarmPercent: 110 });
  const vms = [];
  for (const n of ['1', '2', '3', '4']) vms.push(await lab.vm(big(n)));
  await lab.test.advance(90);
  expect(await alarms()).toMatchObject([{ state: 'active' }]);
  await lab.acme.remove(vms[0]?.id as string);
  await lab.test.advance(120);
  expect(await alarms()).toMatchObject([{ state: 'cleared' }]);
});

it('what guests do not use is taken back in the order sharing, balloon, swap; never a reservation, never twice (OVC-1 to OVC-7)', async () => {
  lab = await Lab.open(one);
  await enable();
  const reserved = await lab.vm(big('1', { reservationMiB: 20 * GIB }));
  const others = [await lab.vm(big('2')), await lab.vm(big('3')), await lab.vm(big('4'))];
  const vms = [reserved, ...others];
  const touch = async (touchedMiB: number, activeMiB: number) => {
    for (const vm of vms) await lab.load(vm.id, { touchedMiB, activeMiB });
    return lab.host(reserved.hostId);
  };
  const calm = await touch(4 * GIB, 1 * GIB);
  expect(calm.memory).toMatchObject({ state: 'high', balloonedMiB: 0, swappedMiB: 0 });
  const pressed = await touch(20 * GIB, 10 * GIB);
  expect(pressed.memory.balloonedMiB).toBeGreaterThan(0);
  expect(pressed.memory.swappedMiB).toBe(0);
  const of = (host: typeof pressed, id: string) => host.vms.find((v) => v.vmId === id)?.memory;
  expect(of(pressed, reserved.id)).toMatchObject({ balloonedMiB: 0, swappedMiB: 0 });
  for (const host of [calm, pressed]) {
    const m = host.memory;
    const whole = m.managementMiB + m.hugePoolMiB + m.residentMiB + m.overheadMiB + m.freeMiB;
    expect(whole).toBeCloseTo(64 * GIB, 3);
    expect(m.residentMiB).toBeLessThanOrEqual(64 * GIB);
  }
  // The guests need all of it at once: without a swap partition nothing more can be had, and that is said.
  const starved = await touch(20 * GIB, 20 * GIB);
  expect(starved.memory).toMatchObject({ swappedMiB: 0, newAllocationsBlocked: true });
  const disks = await lab.test.client.must<{ items: { id: string; kind: string; freeGiB: number }[] }>(
    'GET',
    '/v1/system/datastores',
    lab.test.operator,
  );
  const [san, local] = ['shared', 'virtualised-local'].map((kind) => disks.items.find((d) => d.kind === kind)?.id);
  const swap = (datastoreId: unknown) =>
    lab.change(`/v1/system/hosts/${reserved.hostId}`, { swap: { datastoreId, sizeMiB: 40 * GIB } });
  expect(await swap(san)).toMatchObject({
    status: 400,
    body: { errors: [{ message: expect.stringMatching(/OVC-3/) }] },
  });
  expect((await swap(local)).status).toBe(200);
  const swapping = await touch(20 * GIB, 20 * GIB);
  expect(swapping.memory.swappedMiB).toBeGreaterThan(0);
  expect(swapping.memory.newAllocationsBlocked).toBe(false);
  const slow = await lab.performance(others[0]?.id as string);
  expect(slow.memory.slowdown).toBeGreaterThan(1);
  expect((await lab.performance(reserved.id)).memory).toMatchObject({ swappedMiB: 0, slowdown: 1 });
  expect(slow.summary.join(' ')).toMatch(/swap/);
  expect(await lab.test.violations()).toEqual([]);
  const relaxed = await touch(2 * GIB, 1 * GIB);
  expect(relaxed.memory).toMatchObject({ balloonedMiB: 0, swappedMiB: 0 });
});

it('a memory reservation is stored as at least 70 % of the size (MEM-15), and reservations never exceed the host', async () => {
  lab = await Lab.open(one);
  await enable();
  const made = await lab.ask({ memory: { sizeMiB: 1000, mode: 'hardware', reservationMiB: 1 } });
  expect(made.body).toMatchObject({ memory: { reservationMiB: 700 } });
  for (const n of ['1', '2', '3']) await lab.vm(big(n, { reservationMiB: 20 * GIB }));
  expect(await lab.ask(big('4', { reservationMiB: 20 * GIB }))).toMatchObject({
    status: 507,
    body: { ruledOut: { 'memory-reservation': 1 }, help: [expect.stringMatching(/QOS-4/)] },
  });
  expect((await lab.ask(big('4'))).status).toBe(201);
});
