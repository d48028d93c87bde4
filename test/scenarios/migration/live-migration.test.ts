import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

const estate = (more: object = {}) => ({
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: 3, cores: 16, mhz: 2400, memoryGiB: 64, ...more } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    },
  ],
});

let test: TestCloud;
let acme: TestTenant;
beforeEach(async () => {
  test = await TestCloud.start({ estate: estate() });
  acme = await TestTenant.create(test);
});
afterEach(() => test.stop());

const load = (id: string, workload: object) =>
  test.client.must('POST', `/v1/sim/vms/${id}/workload`, test.operator, workload);
const operation = (id: string) =>
  test.client.must<{ state: string; result?: Record<string, number>; error?: { message: string } }>(
    'GET',
    `/v1/operations/${id}`,
    acme.token,
  );
const migrate = (vm: VmView, body: object = {}) =>
  test.client.call<{ id: string; code: string; detail: string; errors: { message: string }[]; rules: string[] }>(
    'POST',
    `/v1/system/vms/${vm.id}/migrate`,
    { token: test.operator, body },
  );
const runs = async (id: string) => (await test.world()).processes.filter((p) => p.vmId === id);
const vmOf = async (id: string) => (await readBelief(test.cloud.store)).vms.find((v) => v.id === id);

/** A VM that writes memory so fast that its copy takes about half a minute. */
async function slowMover(): Promise<VmView & { hostId: string }> {
  const [vm] = await acme.running(1, { memoryMiB: 4096 });
  await load((vm as VmView).id, { cpu: 0.5, dirtyMiBps: 64, touchedMiB: 4096, activeMiB: 4096 });
  return vm as VmView & { hostId: string };
}

/** Lets time pass second by second: at no instant two processes, a stale ledger, or a writer too many. */
async function watch(id: string, done: () => Promise<boolean>, seconds = 200): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await test.advance(1);
    expect((await runs(id)).length).toBeLessThanOrEqual(1);
    expect((await test.violations()).filter((v) => /^INV-[1-5]:/.test(v))).toEqual([]);
    if (await done()) return;
  }
  throw new Error(`not done within ${seconds} s`);
}
const ended = (id: string) => async () => ['success', 'failed'].includes((await operation(id)).state);

describe('a live migration (MIG-1 to MIG-6)', () => {
  it('moves a VM that writes all the time: same identity and bytes, one copy at every instant, the pause is reported', async () => {
    const vm = await slowMover();
    await acme.write(vm.id, 1, 'before');
    const { body } = await migrate(vm);
    expect((await acme.vm(vm.id)).state).toBe('migrating');
    let block = 2;
    const pauses: number[] = [];
    for (; !(await ended(body.id)()); block++) {
      await test.advance(1);
      expect((await runs(vm.id)).length).toBe(1);
      // While it stands still at the switch-over it can write nothing; that is the pause.
      await acme.write(vm.id, block, `block ${block}`).catch(() => pauses.push(block));
    }
    const moved = await acme.vm(vm.id);
    expect(moved).toMatchObject({ state: 'running', epoch: vm.epoch + 1, nics: vm.nics });
    expect(moved.hostId).not.toBe(vm.hostId);
    // H2 (QEMU defaults): 128 MiB/s, 300 ms; seven rounds and 32 MiB in the pause of 250 ms.
    expect((await operation(body.id)).result).toEqual({
      downtimeMs: 250,
      rounds: 7,
      sentMiB: 8160,
      totalSeconds: 63.75,
    });
    expect(block).toBeGreaterThan(60);
    expect(pauses.length).toBeLessThanOrEqual(1);
    expect(await acme.read(vm.id, 1)).toBe('before');
    for (let i = 2; i < block; i++) if (!pauses.includes(i)) expect(await acme.read(vm.id, i)).toBe(`block ${i}`);
    expect(await test.violations()).toEqual([]);
  });

  it('holds room at source and target while it lasts, and the quota counts the VM once', async () => {
    const vm = await slowMover();
    const usage = async () =>
      (await test.client.must<{ usage: { vcpus: number } }>('GET', `/v1/vdcs/${acme.vdcId}`, acme.token)).usage.vcpus;
    const taken = async () =>
      (await readBelief(test.cloud.store)).hosts.reduce((n, h) => n + h.capacity.vcpus - h.free.vcpus, 0);
    expect([await usage(), await taken()]).toEqual([2, 2]);
    const { body } = await migrate(vm);
    expect([await usage(), await taken()]).toEqual([2, 4]);
    await watch(vm.id, ended(body.id));
    expect([await usage(), await taken()]).toEqual([2, 2]);
  });

  it('takes the host that the operator names, and no other', async () => {
    const [vm] = (await acme.running(1)) as [VmView];
    const other = (await test.world()).hosts.map((h) => h.id).find((id) => id !== vm.hostId) as string;
    expect((await migrate(vm, { hostId: other })).status).toBe(202);
    await test.settle();
    expect((await acme.vm(vm.id)).hostId).toBe(other);
  });

  it('that cannot keep the allowed pause moves nothing, and says what would help (MIG-4)', async () => {
    const vm = await slowMover();
    await load(vm.id, { dirtyMiBps: 500, touchedMiB: 4096, activeMiB: 4096 });
    const { body } = await migrate(vm);
    await watch(vm.id, ended(body.id));
    expect((await operation(body.id)).error?.message).toMatch(/MiB/);
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
    const again = await migrate(vm, { autoConverge: true });
    await watch(vm.id, ended(again.body.id), 1500);
    expect((await operation(again.body.id)).result?.downtimeMs).toBeLessThanOrEqual(300);
  });

  it('two at once of one VM: one begins, the other is told which operation to wait for', async () => {
    const vm = await slowMover();
    const replies = await Promise.all([migrate(vm), migrate(vm)]);
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409]);
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });

  it('nine from one host: eight copy at once, the ninth waits for its turn, all arrive (MIG-7)', async () => {
    const hosts = (await test.world()).hosts.map((h) => h.id);
    const vms = await acme.running(24, { vcpus: 1, memoryMiB: 1024 });
    const [from] = hosts.map((id) => vms.filter((v) => v.hostId === id)).sort((a, b) => b.length - a.length) as [
      VmView[],
    ];
    // All of one host: those that are elsewhere are moved there first.
    for (const vm of vms.filter((v) => v.hostId !== from[0]?.hostId).slice(0, 9 - from.length))
      await migrate(vm, { hostId: from[0]?.hostId });
    await test.settle();
    const there = (await Promise.all(vms.map((v) => acme.vm(v.id)))).filter((v) => v.hostId === from[0]?.hostId);
    for (const vm of there) await load(vm.id, { dirtyMiBps: 60, touchedMiB: 1024, activeMiB: 1024 });
    for (const vm of there.slice(0, 9)) expect((await migrate(vm)).status).toBe(202);
    await test.advance(2);
    const begun = (await readBelief(test.cloud.store)).vms.filter((v) => v.migration?.begun).length;
    expect(begun).toBe(8);
    await test.settle();
    const after = await Promise.all(there.slice(0, 9).map((v) => acme.vm(v.id)));
    expect(after.every((v) => v.state === 'running' && v.hostId !== from[0]?.hostId)).toBe(true);
    expect(await test.violations()).toEqual([]);
  });
});

describe('a fault during a migration (MIG-5, HA-8)', () => {
  it('the target dies while it is copied: the VM runs on at its source, and the hold is given back', async () => {
    const vm = await slowMover();
    const { body } = await migrate(vm);
    await test.advance(10);
    const target = (await vmOf(vm.id))?.migration?.seat.hostId as string;
    await test.fault('host-power-loss', target);
    await watch(vm.id, ended(body.id), 1200);
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
    expect((await vmOf(vm.id))?.migration).toBeUndefined();
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });

  it('the source dies while it is copied: high availability takes it over, with an epoch that was never promised', async () => {
    const vm = await slowMover();
    const { body } = await migrate(vm);
    await test.advance(10);
    await test.fault('host-power-loss', vm.hostId);
    await watch(vm.id, async () => (await acme.vm(vm.id)).state === 'running', 400);
    await watch(vm.id, ended(body.id), 1200);
    const now = await acme.vm(vm.id);
    expect(now.hostId).not.toBe(vm.hostId);
    expect(now.epoch).toBe(vm.epoch + 2);
    expect((await operation(body.id)).state).toBe('failed');
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });

  it('the answer of the switch-over is lost and the source dies then: the VM is found where it went, not started again', async () => {
    const vm = await slowMover();
    await migrate(vm);
    await test.advance(60);
    const lost = await test.fault('answer-lost', 'site_a');
    await test.until(async () => (await runs(vm.id)).some((p) => p.hostId !== vm.hostId));
    await test.fault('host-power-loss', vm.hostId);
    await test.client.must('DELETE', `/v1/sim/faults/${lost.id}`, test.operator);
    await watch(vm.id, async () => (await vmOf(vm.id))?.claim === undefined, 1200);
    await test.settle();
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', epoch: vm.epoch + 1 });
    expect(await test.violations()).toEqual([]);
  });

  it('the target dies just after the switch-over, before anybody heard of it: the VM is recovered, once', async () => {
    const vm = await slowMover();
    await migrate(vm);
    await test.advance(60);
    const lost = await test.fault('answer-lost', 'site_a');
    await test.until(async () => (await runs(vm.id)).some((p) => p.hostId !== vm.hostId));
    const target = (await runs(vm.id))[0]?.hostId as string;
    await test.fault('host-power-loss', target);
    await test.client.must('DELETE', `/v1/sim/faults/${lost.id}`, test.operator);
    await watch(
      vm.id,
      async () => (await acme.vm(vm.id)).state === 'running' && (await runs(vm.id)).length === 1,
      1500,
    );
    await test.settle();
    const now = await acme.vm(vm.id);
    expect(now).toMatchObject({ state: 'running', epoch: vm.epoch + 2 });
    expect(now.hostId).not.toBe(target);
    expect(await test.violations()).toEqual([]);
  });
});
