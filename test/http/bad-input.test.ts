import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiOperation } from '../../shared/contract/operation.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { PROBLEMS } from '../../shared/kernel/errors.ts';
import { MAX_BODY_BYTES } from '../../shared/kernel/units.ts';
import { readBelief } from '../../shared/store/belief.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant } from '../support/tenant.ts';
import { garbage, type Request } from './garbage.ts';

/** Machine time for all requests to one operation: the continuous integration sends a thousand. */
const PATIENCE_MS = 240_000;
/** Requests that are sent between two looks at the belief. */
const BATCH = 10;
const batches = Math.max(1, Math.ceil(Number(process.env.STRATA_RANDOM_RUNS ?? 100) / 50));

let test: TestCloud;
let acme: TestTenant;
/** Ids that exist, so that bad bodies reach the handlers too. */
const real: Record<string, string> = {};
beforeAll(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
  const [vm] = await acme.running(1);
  const first = async (path: string) =>
    (await test.client.must<{ items: { id: string }[] }>('GET', path, test.operator)).items[0]?.id;
  Object.assign(real, {
    tenantId: acme.id,
    vdcId: acme.vdcId,
    vpcId: acme.vpcId,
    networkId: acme.networkId,
    vmId: vm?.id,
    operationId: vm?.operationId,
    hostId: vm?.hostId,
    siteId: await first('/v1/system/sites'),
    clusterId: await first('/v1/system/clusters'),
    disk: 'root',
    index: '3',
  });
});
afterAll(() => test.stop());

async function send(operation: ApiOperation, request: Request) {
  const { path, body, contentType } = request;
  return test.client.call<Record<string, unknown>>(operation.method.toUpperCase(), path, {
    token: operation.face === 'tenant' ? acme.token : test.operator,
    body,
    headers: { 'content-type': contentType },
  });
}
type Reply = Awaited<ReturnType<typeof send>>;

/** What a client may count on in every refusal. */
function mustBeProblem(reply: Reply, request: unknown): void {
  const told = JSON.stringify({ request, reply: reply.body }).slice(0, 2000);
  if (reply.status >= 500) expect([503, 507], told).toContain(reply.status);
  expect(reply.headers.get('content-type'), told).toBe('application/problem+json');
  expect(Object.keys(PROBLEMS), told).toContain(reply.body.code);
  expect(reply.body, told).toMatchObject({
    status: reply.status,
    title: expect.any(String),
    requestId: expect.any(String),
  });
}

/** What is believed once nothing is under way: an accepted change may have begun work. */
const believed = async () => {
  await test.settle();
  return readBelief(test.cloud.store);
};

describe('garbage is refused with a problem, and changes nothing', () => {
  it.each(Object.entries(CONTRACT))(
    'by %s',
    async (_id, operation) => {
      let before = await believed();
      const requests = fc.array(
        fc.constant(0).chain(() => garbage(operation, real)),
        { minLength: BATCH, maxLength: BATCH },
      );
      await fc.assert(
        fc.asyncProperty(requests, async (batch) => {
          let accepted = false;
          for (const request of batch) {
            const reply = await send(operation, request);
            if (reply.status < 400) accepted ||= !operation.readOnly;
            else mustBeProblem(reply, request);
          }
          const after = await believed();
          if (!accepted) expect(after).toEqual(before);
          before = after;
        }),
        { numRuns: batches, endOnFailure: true },
      );
    },
    PATIENCE_MS,
  );
});

describe('a value that no table could hold is refused, and is no bug:', () => {
  const long = 'x'.repeat(500_000);
  it.each([
    ['setWorkload', { dirtyMiBps: 1e308 }],
    ['setWorkload', { writeIops: 1e21 }],
    ['setWorkload', { cpu: 1e-140 }],
    ['createFault', { kind: 'link-cut', target: long }],
    ['createFault', { kind: 'datastore-loss', target: `ds_${long}` }],
    ['patchVm', { ha: { enabled: true, dependsOn: [long] } }],
    ['createVdc', { name: 'a', sites: [''], quota: { vcpus: 1, memoryMiB: 1, storageGiB: 1, vms: 1 } }],
    ['createVdc', { name: 'a', sites: [long], quota: { vcpus: 1, memoryMiB: 1, storageGiB: 1, vms: 1 } }],
  ])('%s %o', async (id, body) => {
    const operation = CONTRACT[id] as ApiOperation;
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => real[name] as string);
    const before = await believed();
    const reply = await send(operation, { path, body: JSON.stringify(body), contentType: 'application/json' });
    expect(reply.status).toBe(400);
    mustBeProblem(reply, id);
    expect(await believed()).toEqual(before);
  });
});

const withBody = Object.entries(CONTRACT).filter(([, o]) => o.body && !o.path.includes('{'));
describe.each([
  ['just beyond 1 MiB', MAX_BODY_BYTES + 1],
  ['beyond what a function takes', 6 * 1024 * 1024 + 1],
])('a body %s', (_size, bytes) => {
  it.each(withBody)('is too large for %s', async (_id, operation) => {
    const body = `"${'x'.repeat(bytes - 2)}"`;
    const reply = await send(operation, { path: operation.path, body, contentType: 'application/json' });
    expect(reply).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
    mustBeProblem(reply, operation.path);
  });
});
