import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant } from '../support/tenant.ts';

/** Cloud time, seconds: the house plan, section 11. */
const DETECTED_WITHIN = 15;
const READY_WITHIN = 80;
const VMS = 20;

let test: TestCloud;
beforeAll(async () => {
  test = await TestCloud.start({
    estate: {
      sites: [
        {
          name: 'a',
          clusters: [{ name: 'c1', hosts: { count: 3, cores: 32, mhz: 2400, memoryGiB: 256 } }],
          datastores: [{ name: 'san', capacityGiB: 20_000 }],
        },
      ],
    },
  });
});
afterAll(() => test.stop());

it(`a host with ${VMS} VMs loses power: found within ${DETECTED_WITHIN} s, all ready elsewhere within ${READY_WITHIN} s of cloud time`, async () => {
  const acme = await TestTenant.create(test);
  const vms = await acme.running(60, { vcpus: 1, memoryMiB: 2048, sizeGiB: 5 });
  const byHost = Map.groupBy(vms, (vm) => vm.hostId as string);
  const [hostId, victims] = [...byHost].sort((a, b) => b[1].length - a[1].length)[0] as [string, typeof vms];
  expect(victims.length).toBeGreaterThanOrEqual(VMS);
  const failedAt = test.clock.now();
  await test.fault('host-power-loss', hostId);
  const suspectAt = await test.until(async () => {
    const host = await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${hostId}`, test.operator);
    return host.state !== 'online' && test.clock.now();
  });
  await test.until(async () => {
    const now = await Promise.all(victims.map((vm) => acme.vm(vm.id)));
    return now.every((vm) => vm.state === 'running' && vm.hostId !== hostId);
  });
  await test.settle();
  const incidents = await test.client.must<{ items: { id: string }[] }>(
    'GET',
    `/v1/system/incidents?hostId=${hostId}`,
    test.operator,
  );
  const incident = await test.client.must<{ vms: { readyAt: string }[] }>(
    'GET',
    `/v1/system/incidents/${incidents.items[0]?.id}`,
    test.operator,
  );
  const ready = incident.vms.map((vm) => (Date.parse(vm.readyAt) - failedAt) / 1000);
  const detected = (suspectAt - failedAt) / 1000;
  const operations = await test.client.must<{ items: { id: string }[] }>(
    'GET',
    '/v1/system/operations?kind=ha-recovery',
    test.operator,
  );
  const transitions = test.cloud.engine.transitions.get(operations.items[0]?.id ?? '');
  console.log(
    `${victims.length} VMs: detected after ${detected} s, first ready after ${Math.min(...ready)} s, last after ${Math.max(...ready)} s of cloud time; ${transitions} transitions`,
  );
  expect(detected).toBeLessThanOrEqual(DETECTED_WITHIN);
  expect(ready).toHaveLength(victims.length);
  expect(Math.max(...ready)).toBeLessThanOrEqual(READY_WITHIN);
  expect(await test.violations()).toEqual([]);
});
