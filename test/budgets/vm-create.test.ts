import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Cost } from '../../shared/store/store.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant } from '../support/tenant.ts';

/** Budgets of the house plan, section 11. */
const MAX_WRITE_REQUESTS = 1;
const MAX_WCU = 14;
const MAX_PLACEMENT_RCU = 1;
const MAX_TRANSITIONS = 6;

const costs: (Cost & { who: string })[] = [];
let test: TestCloud;
let acme: TestTenant;
beforeAll(async () => {
  test = await TestCloud.start({ onCost: (cost, who) => costs.push({ ...cost, who }) });
  acme = await TestTenant.create(test);
  await acme.running(1);
});
afterAll(() => test.stop());

it.each([
  ['without an idempotency key', {}],
  ['with an idempotency key', { 'idempotency-key': 'measured-1' }],
])(
  `creating a VM with a disk and a NIC, warm and %s, is one write request of at most ${MAX_WCU} WCU`,
  async (words, headers) => {
    costs.length = 0;
    const reply = await acme.create({ name: 'measured' }, headers);
    expect(reply.status).toBe(201);
    const writes = costs.filter((c) => c.who === 'tenant-api' && c.request === 'write');
    const requests = new Set(writes.map((c) => c.id)).size;
    // The index by which the embedded feed drains the outbox does not exist on AWS, where a stream is read instead.
    const embedded = writes.reduce((n, c) => n + (c.embedded ?? 0), 0);
    const wcu = writes.reduce((n, c) => n + c.units, 0) - embedded;
    console.log(
      `VM create ${words}: ${requests} write request, ${wcu} WCU on AWS, and ${embedded} for the embedded outbox index`,
    );
    expect(requests).toBe(MAX_WRITE_REQUESTS);
    expect(wcu).toBeLessThanOrEqual(MAX_WCU);
  },
);

it(`a warm placement reads at most ${MAX_PLACEMENT_RCU} RCU of capacity`, async () => {
  costs.length = 0;
  await acme.create({ name: 'bare', nic: false });
  const rcu = costs.filter((c) => c.who === 'tenant-api' && c.request === 'read').reduce((n, c) => n + c.units, 0);
  // The VDC itself is read too: what is left of the budget is the placement's.
  console.log(`VM create without a NIC: ${rcu} RCU in all`);
  expect(rcu).toBeLessThanOrEqual(1 + MAX_PLACEMENT_RCU);
});

it(`provisioning a VM takes at most ${MAX_TRANSITIONS} transitions`, async () => {
  const [vm] = await acme.running(1, { name: 'counted' });
  const transitions = test.cloud.engine.transitions.get(vm?.operationId ?? '');
  console.log(`provisioning: ${transitions} transitions`);
  expect(transitions).toBeLessThanOrEqual(MAX_TRANSITIONS);
  expect(transitions).toBeGreaterThan(0);
});
