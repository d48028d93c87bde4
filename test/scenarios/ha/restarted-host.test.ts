import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
beforeEach(async () => {
  test = await TestCloud.start({
    estate: {
      sites: [
        {
          name: 'a',
          clusters: [{ name: 'c1', hosts: { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 } }],
          datastores: [{ name: 'san', capacityGiB: 5000 }],
        },
      ],
    },
  });
  acme = await TestTenant.create(test);
});
afterEach(() => test.stop());

const hostState = async (id: string) =>
  (await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${id}`, test.operator)).state;
const endFault = (id: string) => test.client.must('DELETE', `/v1/sim/faults/${id}`, test.operator);

it('a host that restarts while its site cannot be asked is found out: its VMs run again, those without HA rest with the reason', async () => {
  const [kept] = (await acme.running(1)) as [VmView];
  const [plain] = (await acme.running(1, { ha: { enabled: false } })) as [VmView];
  const silence = await test.fault('call-timeout', 'site_a');
  for (const id of new Set([kept.hostId, plain.hostId])) await test.fault('host-hang', id as string, { for: 70 });
  await test.advance(150);
  await endFault(silence.id);
  await test.until(
    async () => (await acme.vm(kept.id)).state === 'running' && (await acme.vm(kept.id)).epoch > kept.epoch,
  );
  await test.advance(120);
  await test.settle();
  expect(await acme.vm(plain.id)).toMatchObject({ state: 'stopped', reason: expect.stringMatching(/HA is off/) });
  expect(await hostState(kept.hostId as string)).toBe('online');
  expect(await test.violations()).toEqual([]);
});

it('VMs that wait on a host that is back are tried again, and those that were placed on it since are left alone', async () => {
  const big = await acme.running(2, { vcpus: 28, memoryMiB: 16_384 });
  const [lost] = big as [VmView, VmView];
  const host = lost.hostId as string;
  const fault = await test.fault('host-power-loss', host);
  await test.until(
    async () => (await acme.vm(lost.id)).state === 'faultResuming' && (await hostState(host)) === 'fenced',
  );
  await test.settle();
  await endFault(fault.id);
  await test.client.must('POST', `/v1/system/hosts/${host}/power-on`, test.operator);
  await test.until(async () => (await hostState(host)) === 'online');
  // The next try is up to 20 s away: room is taken meanwhile, so the big one must wait on.
  const small = await acme.create({ name: 'since', vcpus: 20, memoryMiB: 1024 });
  expect(small.status).toBe(201);
  await test.advance(90);
  const since = await acme.vm(small.body.id);
  expect(since).toMatchObject({ state: 'running', hostId: host, epoch: 1 });
  expect((await acme.vm(lost.id)).state).toBe('faultResuming');
  await acme.remove(since.id);
  await test.until(async () => (await acme.vm(lost.id)).state === 'running');
  await test.settle();
  expect(await test.violations()).toEqual([]);
});
