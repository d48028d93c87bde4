import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labAnswer } from '../../shared/contract/lab.ts';
import type { Cost } from '../../shared/store/store.ts';
import { IMPOSSIBLE } from '../hypervisor/lab/impossible.ts';
import { POSSIBLE } from '../hypervisor/lab/questions.ts';
import { TestCloud } from '../support/cloud.ts';

let test: TestCloud;
let auditor: string;
const costs: Cost[] = [];
beforeAll(async () => {
  test = await TestCloud.start({ onCost: (cost) => costs.push(cost) });
  auditor = await test.client.operator(['system-auditor']);
});
afterAll(() => test.stop());

const ask = (body: unknown) =>
  test.client.call<Record<string, unknown>>('POST', '/v1/system/hypervisor/lab', { token: auditor, body });

describe('the lab answers those who may only read, without touching a table:', () => {
  it.each(Object.entries(POSSIBLE))('%s', async (_, question) => {
    const before = costs.length;
    const reply = await ask(question);
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    expect(reply.body).toEqual(labAnswer.parse(reply.body));
    expect(costs.slice(before)).toEqual([]);
  });
});

describe('what cannot be is refused with the rule, the place and what would help:', () => {
  it.each(IMPOSSIBLE)('%s (%s)', async (_, rule, at, question) => {
    const reply = await ask(question);
    expect([reply.status, reply.body.code, reply.body.rule]).toEqual([400, 'invalid-request', rule]);
    const location = at ? `body.${at}` : 'body';
    expect(reply.body.errors).toEqual([
      { location, message: expect.stringContaining(`(${rule})`), fix: expect.any(String) },
    ]);
  });

  it('the figures of the refusal stand beside it', async () => {
    const vms = [{ id: 'a', vcpus: 1, reservationMhz: 900 }];
    const reply = await ask({ experiment: 'contention', capacityMhz: 800, vms });
    expect(reply.body).toMatchObject({ status: 400, rule: 'QOS-2', reservationMhz: 900, mostMhz: 800 });
  });
});

it.each([
  ['an experiment that there is not', { experiment: 'perpetual-motion' }],
  [
    'too many VMs',
    { ...POSSIBLE['a contended core'], vms: Array.from({ length: 257 }, (_, i) => ({ id: `v${i}`, vcpus: 1 })) },
  ],
  [
    'one name for two VMs',
    {
      ...POSSIBLE['a contended core'],
      vms: [
        { id: 'a', vcpus: 1 },
        { id: 'a', vcpus: 1 },
      ],
    },
  ],
  ['a mode twice', { ...POSSIBLE['x86 in every mode'], modes: ['full', 'full'] }],
  ['no capacity', { experiment: 'contention', vms: [{ id: 'a', vcpus: 1 }] }],
  [
    'a load that lasts too long',
    {
      ...POSSIBLE['a burst that waits'],
      load: [
        { seconds: 400, mbps: 1 },
        { seconds: 400, mbps: 1 },
      ],
    },
  ],
  [
    'too many VMs that are alike',
    {
      experiment: 'device',
      vms: [
        { id: 'a', mode: 'virtio', count: 256 },
        { id: 'b', mode: 'virtio' },
      ],
    },
  ],
  [
    'demands of other vCPUs than it has',
    { ...POSSIBLE['a contended core'], vms: [{ id: 'a', vcpus: 2, vcpuDemandsMhz: [100] }] },
  ],
  [
    'demands of a VM and of its vCPUs',
    { ...POSSIBLE['a contended core'], vms: [{ id: 'a', vcpus: 1, demandMhz: 9, vcpuDemandsMhz: [9] }] },
  ],
  [
    'a page that no VM has',
    { ...POSSIBLE['pages that all tenants share'], steps: [{ do: 'write', vm: 'a', page: 8, text: '' }] },
  ],
  ['a remap that nobody would see', { ...POSSIBLE['an address with a remap'], accesses: 1 }],
])('%s is no question', async (_, question) => {
  const reply = await ask(question);
  expect([reply.status, reply.body.code]).toEqual([400, 'invalid-request']);
});
