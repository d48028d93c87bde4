import { afterEach, beforeEach, expect, it } from 'vitest';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { TryAgain } from '../../../workflows/engine/step-table.ts';
import { TestCloud } from '../../support/cloud.ts';
import { aroundStep, holdStep } from '../../support/interleave.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

const estate = {
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: 3, cores: 16, mhz: 2400, memoryGiB: 64 } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    },
  ],
};

let test: TestCloud;
let acme: TestTenant;
let vm: VmView;
beforeEach(async () => {
  test = await TestCloud.start({ estate });
  acme = await TestTenant.create(test);
  vm = (await acme.running(1, { memoryMiB: 4096 }))[0] as VmView;
  // It writes so fast that its copy takes a minute.
  const load = { cpu: 0.5, dirtyMiBps: 64, touchedMiB: 4096, activeMiB: 4096 };
  await test.client.must('POST', `/v1/sim/vms/${vm.id}/workload`, test.operator, load);
});
afterEach(() => test.stop());

interface Operation {
  id: string;
  state: string;
  percent: number;
  code?: string;
  detail?: string;
  error?: { code: string; message: string };
}
const operation = (id: string) => test.client.must<Operation>('GET', `/v1/operations/${id}`, acme.token);
const cancel = (id: string, token = acme.token) =>
  test.client.call<Operation>('POST', `/v1/operations/${id}/cancel`, { token });
const migrate = async () => {
  const reply = await acme.action(vm.id, 'migrate');
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return reply.body.id;
};
const ends = (id: string, seconds = 200) =>
  test.until(async () => {
    const now = await operation(id);
    return ['success', 'failed', 'cancelled'].includes(now.state) && now;
  }, seconds);
const taken = async () =>
  (await readBelief(test.cloud.store)).hosts.reduce((n, h) => n + h.capacity.vcpus - h.free.vcpus, 0);

/** As if it had never been asked for: at its source, with its epoch, nothing held elsewhere, and free to be moved again. */
async function staysWhereItWas(): Promise<void> {
  expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
  const processes = (await test.world()).processes.filter((p) => p.vmId === vm.id);
  expect(processes).toMatchObject([{ hostId: vm.hostId, epoch: vm.epoch, state: 'running' }]);
  expect(await taken()).toBe(2);
  expect(await test.violations()).toEqual([]);
  const again = await migrate();
  expect((await ends(again)).state).toBe('success');
  expect((await acme.vm(vm.id)).hostId).not.toBe(vm.hostId);
  expect(await test.violations()).toEqual([]);
}

it('a migration is cancelled in the middle of its copy: within half a minute it is as if it had not been asked for', async () => {
  const id = await migrate();
  await test.advance(10);
  const reply = await cancel(id);
  expect([reply.status, reply.body.state]).toEqual([202, 'cancelling']);
  expect(reply.headers.get('operation-location')).toBe(`/v1/operations/${id}`);
  const asked = test.clock.now();
  const end = await ends(id);
  expect(end).toMatchObject({ state: 'cancelled', error: { code: 'cancelled' } });
  expect(end.percent).toBeLessThan(100);
  expect((test.clock.now() - asked) / SECOND).toBeLessThanOrEqual(30);
  expect((await acme.vm(vm.id)).reason).toBe('it was not moved: it was cancelled');
  await staysWhereItWas();
});

it('a migration is cancelled before its first step: what its acceptance held is given back', async () => {
  const held = holdStep('migrate-vm', 'begin');
  const id = await migrate();
  await test.rest();
  expect((await cancel(id)).status).toBe(202);
  held.letGo();
  expect((await ends(id)).state).toBe('cancelled');
  await staysWhereItWas();
});

it('a cancellation that comes after the switch-over is too late: the migration succeeds, whatever answer was lost', async () => {
  let id = '';
  let lost = false;
  aroundStep('migrate-vm', 'switchOver', async (run) => {
    const out = await run();
    if (lost) return out;
    lost = true;
    expect((await cancel(id)).status).toBe(202);
    throw new TryAgain('the answer was lost');
  });
  id = await migrate();
  expect((await ends(id)).state).toBe('success');
  expect(lost).toBe(true);
  await test.settle();
  const moved = await acme.vm(vm.id);
  expect(moved).toMatchObject({ state: 'running', epoch: vm.epoch + 1 });
  expect(moved.hostId).not.toBe(vm.hostId);
  expect(await taken()).toBe(2);
  expect(await test.violations()).toEqual([]);
});

it('a cancellation that comes with the last step is too late as well', async () => {
  let id = '';
  aroundStep('migrate-vm', 'finish', async (run) => {
    await cancel(id);
    return run();
  });
  id = await migrate();
  expect((await ends(id)).state).toBe('success');
  expect((await acme.vm(vm.id)).hostId).not.toBe(vm.hostId);
  expect(await test.violations()).toEqual([]);
});

it('the source fails while a migration is being cancelled: the VM is recovered, once, and both operations end', async () => {
  const id = await migrate();
  await test.advance(10);
  expect((await cancel(id)).status).toBe(202);
  await test.fault('host-power-loss', vm.hostId as string);
  expect((await ends(id, 400)).state).toBe('cancelled');
  await test.until(async () => (await acme.vm(vm.id)).state === 'running', 300);
  await test.settle();
  expect((await test.world()).processes.filter((p) => p.vmId === vm.id)).toHaveLength(1);
  expect(await test.violations()).toEqual([]);
});

it('two cancel at once: one is taken; and what has ended, or is the operator’s, is not cancelled', async () => {
  const id = await migrate();
  await test.advance(5);
  const replies = await Promise.all([cancel(id), cancel(id)]);
  expect(replies.map((r) => r.status).sort()).toEqual([202, 409]);
  expect(replies.find((r) => r.status === 409)?.body).toMatchObject({ code: 'illegal-transition' });
  await ends(id);
  expect((await cancel(id)).body).toMatchObject({ code: 'illegal-transition' });

  const path = `/v1/system/vms/${vm.id}/migrate`;
  const theirs = await test.client.must<Operation>('POST', path, test.operator);
  const refused = await cancel(theirs.id);
  expect(refused.body).toMatchObject({ code: 'illegal-transition', cancelable: false });
  expect(refused.body.detail).toMatch(/is not yours to cancel/);
  expect((await ends(theirs.id)).state).toBe('success');
  const other = await TestTenant.create(test, 'globex');
  expect((await cancel(theirs.id, other.token)).status).toBe(404);
});
