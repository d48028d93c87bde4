import { afterEach, expect, it } from 'vitest';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { LIVENESS } from '../../../shared/model/liveness.ts';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

let test: TestCloud;
afterEach(() => test.stop());

const incidentOf = async (hostId: string) => {
  type Incident = { state: string; timeline: { at: string; what: string; times?: number; lastAt?: string }[] };
  const path = `/v1/system/incidents?hostId=${hostId}`;
  return (await test.client.must<{ items: Incident[] }>('GET', path, test.operator)).items[0];
};
const copiesOf = async (vmId: string) => (await test.world()).processes.filter((p) => p.vmId === vmId);

it('E1 (Proxmox VE High Availability, documentation): a host loses its network: unknown, fence requested, stopped by its watchdog (60 s), lease over (120 s) and fence acknowledged, recovery, started elsewhere; never two copies', async () => {
  test = await TestCloud.start();
  const acme = await TestTenant.create(test);
  const [vm] = await acme.running(1);
  const [id, from] = [vm?.id as string, vm?.hostId as string];
  await test.fault('bmc-unreachable', from);
  await test.fault('management-partition', from);
  await test.fault('storage-partition', from);
  const cut = test.clock.now();

  // What the world shows is looked at every second; what the control plane does it writes down itself.
  let stopped: number | undefined;
  let elsewhere: number | undefined;
  while (elsewhere === undefined && test.clock.now() < cut + 300 * SECOND) {
    await test.advance(1);
    const copies = await copiesOf(id);
    expect(copies.length, 'copies of the VM').toBeLessThanOrEqual(1);
    if (stopped === undefined) {
      if (copies.length === 0) stopped = test.clock.now();
      else expect(copies[0]?.hostId).toBe(from);
    }
    if (copies.some((p) => p.hostId !== from)) elsewhere = test.clock.now();
  }
  const phases = [
    ...((await incidentOf(from))?.timeline ?? []).map((t) => ({ at: Date.parse(t.at), what: t.what })),
    { at: stopped as number, what: 'stopped by its watchdog' },
  ].sort((a, b) => a.at - b.at);
  expect(phases.map((p) => p.what)).toEqual([
    'last heartbeat',
    'heartbeats missed',
    'second channel asked',
    'fence waits for the lease',
    'stopped by its watchdog',
    'fence confirmed',
    'planned',
    'started',
  ]);
  const at = (what: string) => phases.find((p) => p.what === what)?.at as number;
  expect((at('stopped by its watchdog') - cut) / SECOND, 'watchdog').toBe(LIVENESS.watchdogMs / SECOND);
  expect(at('fence confirmed') - at('last heartbeat'), 'lease').toBeGreaterThanOrEqual(LIVENESS.leaseMs);
  expect(at('stopped by its watchdog'), 'phase 3 ends before phase 4').toBeLessThan(at('fence confirmed'));
  expect(elsewhere, 'phase 6 does not begin before phase 4').toBeGreaterThanOrEqual(at('fence confirmed'));

  await test.settle();
  const recovered = await acme.vm(id);
  expect(recovered.state).toBe('running');
  expect(recovered.hostId).not.toBe(from);
  expect(await test.violations()).toEqual([]);
});

it.each([
  ['only from there', [['c1'], ['c2']]],
  ['from everywhere', [['c1', 'c2']]],
])(
  'E3 (Proxmox VE High Availability, documentation): the only hosts on which a VM may run are lost: it waits, is tried again every 20 s without end, and never starts on another host that has room; its disks are reached %s',
  async (_reach, stores) => {
    const hosts = { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 };
    const site = {
      name: 'a',
      clusters: [
        { name: 'c1', hosts },
        { name: 'c2', hosts },
      ],
      datastores: stores.map((clusters, i) => ({ name: `san${i}`, capacityGiB: 5000, clusters })),
    };
    test = await TestCloud.start({ estate: { sites: [site] } });
    const acme = await TestTenant.create(test);
    const all = (await test.world()).hosts.map((h) => h.id);
    const allowed = all.filter((id) => id.startsWith('host_a-c1-'));
    expect([all.length, allowed.length]).toEqual([4, 2]);
    const [cluster] = (
      await test.client.must<{ items: { id: string; name: string }[] }>('GET', '/v1/system/clusters', test.operator)
    ).items.filter((c) => c.name === 'c1');
    const body = { ...acme.body(), placement: { clusterId: cluster?.id } };
    const { id } = await test.client.must<{ id: string }>('POST', `/v1/vdcs/${acme.vdcId}/vms`, acme.token, body);
    await test.settle();
    const from = (await acme.vm(id)).hostId as string;
    expect(allowed).toContain(from);

    for (const lost of allowed) await test.fault('host-power-loss', lost);
    await test.until(async () => (await acme.vm(id)).state === 'faultResuming');
    const tries: number[] = [];
    for (let seconds = 0; seconds < 600; seconds += 5) {
      await test.advance(5);
      expect(await acme.vm(id)).toMatchObject({ state: 'faultResuming', hostId: null });
      expect(await copiesOf(id)).toEqual([]);
      const planned = (await incidentOf(from))?.timeline.findLast((line) => line.what === 'planned');
      const at = planned && Date.parse(planned.lastAt ?? planned.at);
      if (at && at !== tries.at(-1)) tries.push(at);
    }
    expect(tries.length).toBeGreaterThanOrEqual(20);
    const { timeline = [] } = (await incidentOf(from)) ?? {};
    expect(timeline.length, 'tries that end alike are counted in one line').toBeLessThan(12);
    expect(timeline.find((line) => line.what === 'planned' && line.times)?.times).toBeGreaterThanOrEqual(20);
    const gaps = tries.slice(1).map((at, i) => (at - (tries[i] as number)) / SECOND);
    // Tried by the first probe, every 5 s, after the 20 s.
    for (const gap of gaps.slice(1)) expect(gap >= 20 && gap <= 25, `${gap} s between two tries`).toBe(true);
    expect(await incidentOf(from)).toMatchObject({ state: 'open' });
    expect(await test.violations()).toEqual([]);
  },
);
