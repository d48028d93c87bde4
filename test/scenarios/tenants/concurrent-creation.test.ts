import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

/** Three hosts whose memory takes ten VMs of 4 GiB each, beside the management domain. */
const estate = {
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: 3, cores: 32, mhz: 2400, memoryGiB: 42 } }],
      datastores: [{ name: 'san', capacityGiB: 20_000 }],
    },
  ],
};
const CAPACITY = 30;
const WISHES = 50;

let test: TestCloud;
beforeAll(async () => {
  test = await TestCloud.start({ estate });
});
afterAll(() => test.stop());

it(`${WISHES} creations at once against capacity for ${CAPACITY}: exactly ${CAPACITY} succeed, the others are told why, ledgers equal the sums`, async () => {
  const acme = await TestTenant.create(test);
  const replies = await Promise.all(
    Array.from({ length: WISHES }, (_, i) => acme.create({ name: `wish-${i}`, vcpus: 1, sizeGiB: 1 })),
  );
  const made = replies.filter((r) => r.status === 201);
  const refused = replies.filter((r) => r.status === 507);
  expect(replies.map((r) => r.status).filter((s) => s !== 201 && s !== 507)).toEqual([]);
  expect(made).toHaveLength(CAPACITY);
  expect(refused).toHaveLength(WISHES - CAPACITY);
  for (const { body } of refused) {
    expect(body).toMatchObject({
      code: 'no-capacity',
      hosts: 3,
      ruledOut: { memory: 3 },
      help: ['Stop VMs or add hosts: 4096 MiB must be free on one host.'],
    });
  }
  await test.settle();
  const vms = await Promise.all(made.map((r) => acme.vm(r.body.id)));
  expect(new Set(vms.map((vm) => vm.state))).toEqual(new Set(['running']));
  expect(new Set(vms.map((vm) => vm.nics[0]?.ip)).size).toBe(CAPACITY);
  expect(await test.violations()).toEqual([]);
});

it('a quota for 5 VMs lets exactly 5 of 12 creations at once through, and names limit, used and requested', async () => {
  const other = await TestCloud.start();
  try {
    const small = await TestTenant.create(other, 'small', { vms: 5 });
    const replies = await Promise.all(Array.from({ length: 12 }, (_, i) => small.create({ name: `q-${i}` })));
    expect(replies.filter((r) => r.status === 201)).toHaveLength(5);
    for (const { body } of replies.filter((r) => r.status !== 201))
      expect(body).toMatchObject({ code: 'quota-exceeded', resource: 'vms', limit: 5, used: 5, requested: 1 });
    await other.settle();
    expect(await other.violations()).toEqual([]);
  } finally {
    await other.stop();
  }
});
