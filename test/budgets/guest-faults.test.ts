import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Cost } from '../../shared/store/store.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant } from '../support/tenant.ts';

/** DynamoDB requests of a look on top of those of an idle one: the VMs at once, their cluster and its hosts. */
const MAX_REQUESTS_PER_LOOK = 4;
/** The same for each guest in trouble: its volumes and its process, which its host reads. */
const MAX_REQUESTS_PER_GUEST = 2;
const GUESTS = 4;

const costs: (Cost & { who: string })[] = [];
let test: TestCloud;
beforeAll(async () => {
  test = await TestCloud.start({ onCost: (cost, who) => costs.push({ ...cost, who }) });
});
afterAll(() => test.stop());

const look = async (): Promise<number> => {
  costs.length = 0;
  await test.cloud.probe.run();
  return costs.length;
};

it('what a look costs follows from the guests in trouble, not from the VMs that there are', async () => {
  const acme = await TestTenant.create(test);
  const vms = await acme.running(3 * GUESTS, { vcpus: 1, memoryMiB: 1024 });
  await test.advance(61);
  const idle = await look();
  for (const vm of vms.slice(0, GUESTS)) await test.fault('guest-crash', vm.id);
  await test.advance(61);
  const extra = (await look()) - idle;
  console.log(`a look with ${GUESTS} crashed guests: ${extra} requests more than the ${idle} of an idle one`);
  expect(extra).toBeGreaterThan(0);
  expect(extra).toBeLessThanOrEqual(MAX_REQUESTS_PER_LOOK + GUESTS * MAX_REQUESTS_PER_GUEST);
});
