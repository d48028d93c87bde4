import { beforeEach, describe, expect, it } from 'vitest';
import { FUNCTIONS } from '../../../infra/topology.ts';
import { MINUTE } from '../../../shared/kernel/clock.ts';
import { makeIds } from '../../../shared/kernel/ids.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import type { Execution, ExecutionPart } from '../../../shared/model/execution.ts';
import type { Operation } from '../../../shared/model/operation.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { type FaceReply, RecoveryFace } from '../../support/recovery-face.ts';

let face: RecoveryFace;
beforeEach(() => {
  face = new RecoveryFace();
});

const base = '/v1/recovery-plans';
const act = (planId: string, action: string, body?: object, headers: Record<string, string> = {}) =>
  face.call('POST', `${base}/${planId}/${action}`, { ...(body ? { body } : {}), headers });
const refused = (reply: FaceReply) => [reply.status, reply.body.code];
const executionsOf = async (planId: string) =>
  face.store.queryAll<Execution>(tenantPart(face.tenantId, `EXEC#${planId}`));

describe('a recovery plan', () => {
  it('needs a name and its groups, and no more', async () => {
    const group = await face.protect();
    const { body, headers } = await face.must(201, 'POST', base, { body: { name: 'erp', groups: [group.id] } });
    expect(body).toMatchObject({ name: 'erp', groups: [group.id], state: 'ready', homeSiteId: 'a', version: 1 });
    expect(headers.etag).toBe('"1"');
    expect((await face.must(200, 'GET', `${base}/${body.id}`)).body).toEqual(body);
    expect((await face.must(200, 'GET', base)).body.items).toEqual([body]);
    expect((await face.must(200, 'GET', `${base}/erp`)).body.id).toBe(body.id);
  });

  it('is refused with all that is wrong with it, and nothing is made', async () => {
    const group = await face.protect();
    const reply = await face.call('POST', base, {
      body: { name: 'erp', groups: [group.id, 'pg_9'], priorities: { vm_9: 1 }, networkMap: { net_inner: 'net_9' } },
    });
    expect(refused(reply)).toEqual([400, 'invalid-request']);
    expect(reply.body.errors.map((e: { location: string }) => e.location)).toEqual([
      'body.groups.1',
      'body.priorities.vm_9',
      'body.networkMap.net_inner',
    ]);
    expect((await face.must(200, 'GET', base)).body.items).toEqual([]);
  });

  it("says the same of another tenant's group and of nobody's", async () => {
    const own = await face.protect();
    const other = makeIds(face.clock, seededRandom(99)).make('tenant');
    const told = async (id: string) =>
      JSON.stringify(
        (await face.call('POST', base, { tenantId: other, body: { name: 'x', groups: [id] } })).body.errors,
      ).replaceAll(id, '<id>');
    expect(await told(own.id)).toBe(await told(`${own.id.slice(0, -1)}0`));
  });

  it('has a name of its own, which is free again when the plan is gone or renamed', async () => {
    const group = await face.protect();
    const plan = await face.plan([group], { name: 'erp' });
    const again = () => face.call('POST', base, { body: { name: 'erp', groups: [group.id] } });
    expect(refused(await again())).toEqual([409, 'name-taken']);
    await face.must(200, 'PATCH', `${base}/${plan.id}`, { body: { name: 'old erp' } });
    const second = await again();
    expect(second.status).toBe(201);
    await face.must(204, 'DELETE', `${base}/${second.body.id}`);
    expect((await again()).status).toBe(201);
  });

  it('of an older version is neither changed, nor deleted, nor begun', async () => {
    const { plan } = await face.tested();
    const headers = { 'if-match': '"1"' };
    expect(refused(await face.call('PATCH', `${base}/${plan.id}`, { body: { name: 'x' }, headers }))[0]).toBe(412);
    expect(refused(await face.call('DELETE', `${base}/${plan.id}`, { headers }))[0]).toBe(412);
    expect(refused(await act(plan.id, 'migrate', {}, headers))).toEqual([412, 'precondition-failed']);
    expect((await act(plan.id, 'migrate', {}, { 'if-match': `"${plan.version}"` })).status).toBe(202);
  });
});

describe('a change of a plan', () => {
  it('makes its test void, and the calendar remembers the drill', async () => {
    const { plan, group } = await face.tested(1, { drillEveryDays: 30 });
    const before = await face.must(200, 'GET', `${base}/${plan.id}`);
    const { body } = await face.must(200, 'PATCH', `${base}/${plan.id}`, {
      body: { priorities: { [group.vms[0] as string]: 1 } },
    });
    expect(body.testedAt).toBeUndefined();
    expect(before.body.testedAt).toMatch(/^2026-/);
    expect(body.lastDrillAt).toBe(before.body.testedAt);
    expect(refused(await act(plan.id, 'migrate'))).toEqual([409, 'not-tested']);
  });

  it('of its name or its objectives alone does not', async () => {
    const { plan } = await face.tested(1, { rtoMinutes: 5 });
    const { body } = await face.must(200, 'PATCH', `${base}/${plan.id}`, {
      body: { name: 'better', drillEveryDays: 7, rtoMinutes: null },
    });
    expect(body).toMatchObject({ name: 'better', drillEveryDays: 7, testedAt: expect.any(String) });
    expect(body.rtoMinutes).toBeUndefined();
    expect((await act(plan.id, 'migrate')).status).toBe(202);
  });

  it('is refused while it executes; of its groups, until it is ready again', async () => {
    const { plan, group } = await face.tested();
    await act(plan.id, 'test');
    const patch = (body: object) => face.call('PATCH', `${base}/${plan.id}`, { body });
    expect(refused(await patch({ name: 'x' }))).toEqual([409, 'operation-in-progress']);
    expect(refused(await face.call('DELETE', `${base}/${plan.id}`))).toEqual([409, 'in-use']);
    await face.ends(plan.id, { state: 'testComplete' }, 'testComplete', true);
    expect(refused(await patch({ groups: [group.id, (await face.protect()).id] }))).toEqual([
      409,
      'illegal-transition',
    ]);
    expect((await patch({ name: 'x' })).status).toBe(200);
    expect(refused(await face.call('DELETE', `${base}/${plan.id}`))).toEqual([409, 'in-use']);
  });
});

describe('an action that is accepted', () => {
  it('takes plan and groups, and writes down what is to be done, in one go', async () => {
    const { plan, group } = await face.tested(3);
    face.clock.advanceTo(face.clock.now() + MINUTE);
    const { status, body, headers } = await act(plan.id, 'failover', {});
    expect(status).toBe(202);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^op_/),
      kind: 'plan-failover',
      state: 'waiting',
      target: plan.id,
    });
    expect(headers['operation-location']).toBe(`/v1/operations/${body.id}`);
    const after = await face.stored(plan.id);
    expect(after).toMatchObject({ state: 'failingOver', claim: body.id, operationId: body.id, executions: 2 });
    expect(await face.groupNow(group)).toMatchObject({ state: 'failingOver', usedBy: plan.id, claim: body.id });
    const execution = (await executionsOf(plan.id)).at(-1) as Execution;
    expect(execution).toMatchObject({
      id: after.executionId,
      action: 'failover',
      state: 'running',
      operationId: body.id,
      startedAt: face.clock.now(),
      fromSiteId: 'a',
      toSiteId: 'b',
      vms: 3,
      groups: [{ groupId: group.id, expectedRpoMs: 15 * MINUTE }],
    });
    const part = await face.store.get<ExecutionPart>(keys.executionPart(face.tenantId, execution.id, 0));
    expect(Object.values(part?.vms ?? {}).map((v) => [v.id, v.outcome, v.groupId, v.priority])).toEqual(
      group.vms.toSorted().map((id) => [id, 'waiting', group.id, 3]),
    );
    const operation = await face.store.get<Operation>(keys.operation(body.id), { table: 'events' });
    expect(operation?.input).toMatchObject({ planId: plan.id, executionId: execution.id });
  });

  it('with a key is accepted once, however often it is asked for', async () => {
    const { plan } = await face.tested();
    const headers = { 'idempotency-key': 'once' };
    const first = await act(plan.id, 'failover', {}, headers);
    const again = await act(plan.id, 'failover', {}, headers);
    expect([again.status, again.body]).toEqual([202, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await executionsOf(plan.id)).filter((e) => e.action === 'failover')).toHaveLength(1);
    expect(refused(await act(plan.id, 'failover', {}))).toEqual([409, 'operation-in-progress']);
  });

  it.each([
    // biome-ignore lint/suspicious/noThenProperty: input of a workflow
    ['failback', 'plan-migrate', { then: 'reprotect' }],
    ['migrate', 'plan-migrate', {}],
    ['test', 'plan-test', {}],
  ])('%s is carried out by %s', async (action, kind, input) => {
    const home = action === 'failback';
    const legs = [{ siteId: 'b', from: 'a', mode: 'async' as const, linkId: 'l', mbps: 1 }];
    const { plan, group } = await face.tested();
    if (home) {
      await face.change(keys.plan(face.tenantId, plan.id), { homeSiteId: 'b' });
      await face.change(keys.group(face.tenantId, group.id), { legs });
    }
    const reply = await act(plan.id, action);
    expect(reply.body.kind).toBe(kind);
    const operation = await face.store.get<Operation>(keys.operation(reply.body.id), { table: 'events' });
    expect(operation?.input).toMatchObject({ planId: plan.id, ...input });
    expect(operation?.cancelable).toBe(true);
  });

  it('of 450 VMs has them in three parts, and reads no key that the function is not granted', async () => {
    const groups = [await face.protect(200), await face.protect(200), await face.protect(50)];
    await face.room(20, 200_000);
    for (const h of Array.from({ length: 20 }, (_, i) => `b-h${i + 1}`))
      await face.store.update(keys.host('b-c1', h), { set: { 'free.vcpus': 100 } });
    const plan = await face.plan(groups);
    const { status, body } = await act(plan.id, 'test');
    expect([status, JSON.stringify(body)]).toEqual([202, expect.any(String)]);
    const [execution] = (await executionsOf(plan.id)) as [Execution];
    expect(execution.vms).toBe(450);
    const parts = await face.store.queryAll<ExecutionPart>(tenantPart(face.tenantId, `EXECPART#${execution.id}`));
    expect(parts.map((p) => Object.keys(p.vms).length)).toEqual([200, 200, 50]);
    const granted = FUNCTIONS['recovery-plans'].leadingKeys.control.map(
      (p) => new RegExp(`^control ${p.replaceAll('*', '.*')}$`),
    );
    expect([...face.asked].filter((k) => k.startsWith('control') && !granted.some((g) => g.test(k)))).toEqual([]);
  });
});

describe('I11: without a successful test', () => {
  it.each(['migrate', 'failover'])('%s is refused, and nothing has moved', async (action) => {
    const group = await face.protect();
    const plan = await face.plan([group]);
    const reply = await act(plan.id, action);
    expect(refused(reply)).toEqual([409, 'not-tested']);
    expect(reply.body.errors[0].fix).toContain('/test');
    expect(await face.groupNow(group)).toMatchObject({ state: 'protected', version: 1 });
    expect(await executionsOf(plan.id)).toEqual([]);
  });

  it('an operator may override it: who and why stands in the execution, on the operation and in an event', async () => {
    const plan = await face.plan([await face.protect()]);
    const reply = await act(plan.id, 'failover', { override: { reason: 'site a burns' } });
    expect(reply.status).toBe(202);
    expect(reply.body.note).toBe('Begun without a successful test: site a burns.');
    const [execution] = (await executionsOf(plan.id)) as [Execution];
    expect(execution.override).toEqual({ by: 'ann', reason: 'site a burns' });
    const events = await face.store.queryAll<{ type: string; data: object }>(tenantPart(face.tenantId, 'EV'), 'events');
    expect(events.filter((e) => e.type === 'plan.overridden')).toMatchObject([
      { subject: plan.id, data: { action: 'failover', by: 'ann', reason: 'site a burns' } },
    ]);
    expect((await face.call('GET', `${base}/${plan.id}/executions`)).body.items[0].override).toEqual(
      execution.override,
    );
  });

  it('a test before a member was added does not count', async () => {
    const { plan, group } = await face.tested();
    await face.change(keys.group(face.tenantId, group.id), { vms: [...group.vms, (await face.protect()).vms[0]] });
    expect(refused(await act(plan.id, 'failover'))).toEqual([409, 'not-tested']);
  });
});

describe('bad input is found before anything moves', () => {
  it('not enough capacity, with figures', async () => {
    const { plan, group } = await face.tested(10);
    await face.room(4, 8_192);
    const reply = await act(plan.id, 'migrate');
    expect(refused(reply)).toEqual([507, 'no-capacity']);
    expect(reply.body.detail).toContain('2 of 10 VMs find no place at site b (40960 memoryMiB needed, 32768 free)');
    expect(reply.body.capacity).toMatchObject({ homelessVms: 2, placed: 8, lacking: { memoryMiB: 8_192 } });
    expect(await face.groupNow(group)).toMatchObject({ state: 'protected' });
    expect((await face.groupNow(group)).claim).toBeUndefined();
  });

  it('which does not keep a failover from saving the rest, and it is told', async () => {
    const { plan } = await face.tested(10);
    await face.room(4, 8_192);
    const reply = await act(plan.id, 'failover');
    expect(reply.status).toBe(202);
    expect(reply.body.note).toContain('2 of 10 VMs find no place');
    const { body } = await face.call('GET', `${base}/${plan.id}/executions`);
    expect(body.items[0].warnings).toHaveLength(1);
  });

  it('a network that reached the recovery site when the plan was made, and does not any more', async () => {
    const { plan } = await face.tested();
    const direct = { type: 'direct', externalNetworkId: 'ext_a' };
    await face.store.put(keys.externalNetwork('ext_a'), {
      id: 'ext_a',
      name: 'lan',
      cidr: '10.1.0.0/24',
      sites: ['a'],
    });
    await face.change(keys.network(face.tenantId, 'net_inner'), direct);
    const reply = await act(plan.id, 'migrate');
    expect(refused(reply)).toEqual([409, 'not-ready']);
    expect(reply.body.errors).toMatchObject([
      { location: 'plan.networkMap.net_inner', fix: expect.stringContaining('map it') },
    ]);
  });

  it('a point that is not there, with those that are', async () => {
    const { plan, group } = await face.tested();
    const point = (sequence: number, at: number) => ({ sequence, stateAt: at, usableAt: at });
    const ask = (body: object) => act(plan.id, 'failover', body);
    expect(refused(await ask({ point: 30 }))).toEqual([503, 'site-unreachable']);
    const now = face.clock.now();
    face.sites.set('b', [
      {
        groupId: group.id,
        role: 'secondary',
        epoch: 1,
        version: 1,
        head: { sequence: 40, at: now },
        legs: [],
        copy: {
          from: 'a',
          mode: 'async',
          state: 'behind',
          linkUp: true,
          points: [point(20, now - 600_000), point(30, now - 60_000)],
        },
      },
    ]);
    expect((await ask({ point: 25 })).body.errors).toMatchObject([
      {
        location: 'body.point',
        message: expect.stringContaining('with sequence 25; it has 2'),
        fix: expect.stringContaining('20 ('),
      },
    ]);
    expect(refused(await ask({ point: 30, before: '2026-01-01T00:00:00Z' }))).toEqual([400, 'invalid-request']);
    expect(refused(await ask({ points: { pg_9: 1 } }))).toEqual([400, 'invalid-request']);
    const reply = await ask({ before: new Date(now - 120_000).toISOString() });
    expect(reply.status).toBe(202);
    const operation = await face.store.get<Operation>(keys.operation(reply.body.id), { table: 'events' });
    expect(operation?.input.points).toEqual({ [group.id]: 20 });
  });
});
