import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
beforeAll(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
});
afterAll(() => test.stop());

it('ten requests at once with one idempotency key make one VM, and all get the same answer', async () => {
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => acme.create({ name: 'once' }, { 'idempotency-key': 'same' })),
  );
  expect(new Set(replies.map((r) => r.status))).toEqual(new Set([201]));
  expect(new Set(replies.map((r) => r.body.id)).size).toBe(1);
  expect(replies.filter((r) => r.headers.get('idempotent-replayed') === 'true')).toHaveLength(9);
  await test.settle();
  const list = await test.client.must<{ items: unknown[] }>('GET', `/v1/vdcs/${acme.vdcId}/vms?name=once`, acme.token);
  expect(list.items).toHaveLength(1);
});

it('stop, stop and delete at once: one is taken, the others are told which operation holds the VM', async () => {
  const [vm] = await acme.running(1, { name: 'wanted' });
  const id = vm?.id as string;
  const replies = await Promise.all([acme.action(id, 'stop'), acme.action(id, 'stop'), acme.remove(id)]);
  const taken = replies.filter((r) => r.status === 202);
  const refused = replies.filter((r) => r.status === 409);
  expect([taken.length, refused.length]).toEqual([1, 2]);
  for (const { body } of refused)
    expect(body).toMatchObject({ code: 'operation-in-progress', operationId: taken[0]?.body.id });
  await test.settle();
  expect(await test.violations()).toEqual([]);
});

it('a stale If-Match changes nothing; the present one is taken', async () => {
  const [vm] = await acme.running(1, { name: 'tagged' });
  const path = `/v1/vms/${vm?.id}`;
  const read = await test.client.call<{ name: string }>('GET', path, { token: acme.token });
  const tag = read.headers.get('etag') as string;
  const stale = await test.client.call<{ code: string }>('PATCH', path, {
    token: acme.token,
    body: { name: 'no' },
    headers: { 'if-match': '"0"' },
  });
  expect([stale.status, stale.body.code]).toEqual([412, 'precondition-failed']);
  const fresh = await test.client.call<{ name: string }>('PATCH', path, {
    token: acme.token,
    body: { name: 'yes' },
    headers: { 'if-match': tag },
  });
  expect([fresh.status, fresh.body.name]).toEqual([200, 'yes']);
  expect(fresh.headers.get('etag')).not.toBe(tag);
});

it('a dry run answers what would happen and changes nothing', async () => {
  const count = async () =>
    (await test.client.must<{ usage: { vms: number } }>('GET', `/v1/vdcs/${acme.vdcId}`, acme.token)).usage.vms;
  const before = await count();
  const reply = await test.client.call<{ dryRun: boolean; wouldAnswer: { name: string } }>(
    'POST',
    `/v1/vdcs/${acme.vdcId}/vms?dryRun=true`,
    { token: acme.token, body: acme.body({ name: 'ghost' }) },
  );
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({ dryRun: true, wouldAnswer: { name: 'ghost' } });
  const impossible = await test.client.call('POST', `/v1/vdcs/${acme.vdcId}/vms?dryRun=true`, {
    token: acme.token,
    body: acme.body({ memoryMiB: 1_000_000 }),
  });
  expect(impossible.status).toBe(507);
  expect(await count()).toBe(before);
  expect(await test.violations()).toEqual([]);
});

it('pages of a list join without a gap, and a token opens no other list', async () => {
  const all = await test.client.must<{ items: { id: string }[] }>('GET', '/v1/operations?limit=1000', acme.token);
  const ids: string[] = [];
  let token = '';
  do {
    const page = await test.client.must<{ items: { id: string }[]; nextPageToken?: string }>(
      'GET',
      `/v1/operations?limit=2${token}`,
      acme.token,
    );
    ids.push(...page.items.map((o) => o.id));
    token = page.nextPageToken ? `&pageToken=${page.nextPageToken}` : '';
  } while (token);
  expect(ids).toEqual(all.items.map((o) => o.id));
  const first = await test.client.must<{ nextPageToken: string }>('GET', '/v1/operations?limit=1', acme.token);
  const elsewhere = await test.client.call<{ code: string }>('GET', `/v1/events?pageToken=${first.nextPageToken}`, {
    token: acme.token,
  });
  expect([elsewhere.status, elsewhere.body.code]).toEqual([400, 'invalid-page-token']);
  const other = await TestTenant.create(test, 'other-pages');
  const stolen = await test.client.call('GET', `/v1/operations?limit=1&pageToken=${first.nextPageToken}`, {
    token: other.token,
  });
  expect(stolen.status).toBe(400);
});

it('holding a read of an operation answers as soon as it has ended', async () => {
  const reply = await acme.create({ name: 'held' });
  const held = test.client.must<{ state: string; percent: number }>(
    'GET',
    `/v1/operations/${reply.body.operationId}?wait=20`,
    acme.token,
  );
  await test.settle();
  expect(await held).toMatchObject({ state: 'success', percent: 100 });
});
