import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';

let test: TestCloud;
beforeEach(async () => {
  test = await TestCloud.start();
});
afterEach(() => test.stop());

interface ClusterView {
  disarmed?: { since: string; until?: string; reason: string; by: string };
  version: number;
  detail?: string;
  code?: string;
  by?: string;
}
const CLUSTER = '/v1/system/clusters/cl_a-c1';
const ask = (what: 'ha-arm' | 'ha-disarm', body: object = {}, more: { token?: string; key?: string } = {}) =>
  test.client.call<ClusterView>('POST', `${CLUSTER}/${what}`, {
    token: more.token ?? test.operator,
    body,
    ...(more.key ? { headers: { 'idempotency-key': more.key } } : {}),
  });
const cluster = () => test.client.must<ClusterView>('GET', CLUSTER, test.operator);
const work = { reason: 'new switches' };

describe('HA of a cluster for planned work', () => {
  it('is put out of force with a reason, by whom and since when, and in force again', async () => {
    const reply = await ask('ha-disarm', { ...work, forMinutes: 30 });
    expect(reply.status).toBe(200);
    const now = test.clock.now();
    expect(reply.body.disarmed).toEqual({
      since: new Date(now).toISOString(),
      until: new Date(now + 30 * 60_000).toISOString(),
      reason: 'new switches',
      by: expect.stringContaining('operator'),
    });
    expect((await cluster()).disarmed).toEqual(reply.body.disarmed);
    expect((await ask('ha-arm')).body.disarmed).toBeUndefined();
    expect((await cluster()).disarmed).toBeUndefined();
    await test.rest();
    const path = '/v1/system/audit-log';
    const { items } = await test.client.must<{ items: { operationId: string; target: string }[] }>(
      'GET',
      path,
      test.operator,
    );
    expect(items.slice(0, 2)).toMatchObject([
      { operationId: 'armCluster', target: 'cl_a-c1', result: 'done' },
      { operationId: 'disarmCluster', target: 'cl_a-c1', result: 'done' },
    ]);
  });

  it('two people disarm at once: one does it, the other learns who did and since when', async () => {
    const replies = await Promise.all([ask('ha-disarm', { reason: 'one' }), ask('ha-disarm', { reason: 'two' })]);
    expect(replies.map((r) => r.status).sort()).toEqual([200, 409]);
    const [done, refused] = replies.sort((a, b) => a.status - b.status);
    expect(refused?.body).toMatchObject({
      code: 'illegal-transition',
      by: done?.body.disarmed?.by,
      since: done?.body.disarmed?.since,
      reason: done?.body.disarmed?.reason,
    });
    expect(refused?.body.detail).toContain(`${done?.body.disarmed?.by} has disarmed cluster`);
    expect((await cluster()).disarmed).toEqual(done?.body.disarmed);
  });

  it('the same request again with its key changes nothing, also after it was armed', async () => {
    const first = await ask('ha-disarm', work, { key: 'work-1' });
    await test.advance(60);
    await ask('ha-arm');
    const again = await ask('ha-disarm', work, { key: 'work-1' });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await cluster()).disarmed).toBeUndefined();
  });

  it('what has armed itself again can be disarmed anew, and armed by hand without a refusal', async () => {
    await ask('ha-disarm', { ...work, forMinutes: 1 });
    await test.advance(59);
    expect((await ask('ha-disarm', work)).status).toBe(409);
    await test.advance(1);
    expect((await ask('ha-disarm', { ...work, forMinutes: 1 })).status).toBe(200);
    await test.advance(60);
    expect((await ask('ha-arm')).status).toBe(200);
    expect((await ask('ha-arm')).body).toMatchObject({ code: 'illegal-transition', status: 409 });
  });

  it('is no change of the settings that hosts are told: nobody who tells them now is taken for late', async () => {
    const before = await cluster();
    await ask('ha-disarm', work);
    expect((await cluster()).version).toBe(before.version);
  });

  it.each([
    [{}, 'body.reason'],
    [{ reason: '  ' }, 'body.reason'],
    [{ ...work, forMinutes: 0 }, 'body.forMinutes'],
    [{ ...work, forMinutes: 10_081 }, 'body.forMinutes'],
  ])('%j is refused and says where', async (body, location) => {
    const reply = await ask('ha-disarm', body);
    expect(reply.body).toMatchObject({ code: 'invalid-request', errors: [{ location }] });
    expect((await cluster()).disarmed).toBeUndefined();
  });

  it('a cluster that is not there is not found', async () => {
    const path = '/v1/system/clusters/cl_none/ha-disarm';
    const reply = await test.client.call('POST', path, { token: test.operator, body: work });
    expect(reply.status).toBe(404);
  });
});
