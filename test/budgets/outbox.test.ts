import { afterAll, beforeAll, expect, it } from 'vitest';
import { keys } from '../../shared/store/keys.ts';
import type { Cost } from '../../shared/store/store.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant } from '../support/tenant.ts';

const EVENTS = 20_000;
/** A write may take so many times longer after the events; medians of this many writes each are compared. */
const MAX_RATIO = 1.5;
const SAMPLES = 60;
/** DynamoDB requests of one look at the heartbeats while all is well, per site. */
const MAX_IDLE_REQUESTS = 2;

const costs: (Cost & { who: string })[] = [];
let test: TestCloud;
beforeAll(async () => {
  test = await TestCloud.start({ onCost: (cost, who) => costs.push({ ...cost, who }) });
});
afterAll(() => test.stop());

async function medianWriteMs(acme: TestTenant, prefix: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const began = performance.now();
    const path = `/v1/vpcs/${acme.vpcId}`;
    await test.client.must('PATCH', path, acme.token, { name: `${prefix}-${i}` });
    times.push(performance.now() - began);
    await test.rest();
  }
  return times.sort((a, b) => a - b)[SAMPLES / 2] as number;
}

it(`${EVENTS} delivered events do not slow a write down`, async () => {
  const acme = await TestTenant.create(test);
  await medianWriteMs(acme, 'warm');
  const before = await medianWriteMs(acme, 'before');
  const put = async (from: number) => {
    for (let i = from; i < EVENTS; i += 20) {
      const id = `ev_${String(i).padStart(22, '0')}`;
      await test.cloud.store.put(
        keys.event(acme.id, id),
        { id, type: 'vm.running', at: 0, subject: 'vm', data: {}, record: 'event' },
        'events',
      );
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, lane) => put(lane)));
  const after = await medianWriteMs(acme, 'after');
  console.log(
    `a write: ${before.toFixed(2)} ms before, ${after.toFixed(2)} ms after ${EVENTS} events (x ${(after / before).toFixed(2)})`,
  );
  expect(after / before).toBeLessThanOrEqual(MAX_RATIO);
}, 120_000);

it(`while all is well, a look at the heartbeats of a site costs ${MAX_IDLE_REQUESTS} requests`, async () => {
  await test.advance(60);
  costs.length = 0;
  await test.cloud.probe.run();
  console.log(`an idle probe: ${costs.length} requests`);
  expect(costs.length).toBeLessThanOrEqual(MAX_IDLE_REQUESTS);
});
