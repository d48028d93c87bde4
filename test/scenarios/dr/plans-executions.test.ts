import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../../shared/kernel/clock.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import type { Execution, ExecutionPart, Wait } from '../../../shared/model/execution.ts';
import { EXECUTIONS_KEPT, type RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { type FaceReply, RecoveryFace } from '../../support/recovery-face.ts';

let face: RecoveryFace;
beforeEach(() => {
  face = new RecoveryFace();
});
const base = '/v1/recovery-plans';
const act = (planId: string, action: string, body?: object) =>
  face.call('POST', `${base}/${planId}/${action}`, body ? { body } : {});
const refused = (reply: FaceReply) => [reply.status, reply.body.code];
const executionKey = (plan: RecoveryPlan) => keys.execution(face.tenantId, plan.id, plan.executionId as string);
const partKey = (plan: RecoveryPlan, n = 0) => keys.executionPart(face.tenantId, plan.executionId as string, n);
const listed = async (plan: { id: string }, query = '') =>
  (await face.must(200, 'GET', `${base}/${plan.id}/executions${query}`)).body;

describe.each(Array.from({ length: 12 }, (_, i) => i + 1))('two plans with one group at once, seed %i', (seed) => {
  it('exactly one is accepted, and the other is told which plan has the group', async () => {
    const random = seededRandom(seed);
    face = new RecoveryFace(() => random.below(4));
    const group = await face.protect();
    const plans = [await face.plan([group]), await face.plan([group])];
    for (const plan of plans) await face.endsTest(plan.id);
    const replies = await Promise.all(plans.map((p) => act(p.id, seed % 2 ? 'failover' : 'migrate')));
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409]);
    const won = replies.findIndex((r) => r.status === 202);
    const [winner, loser] = won === 0 ? plans : [...plans].reverse();
    expect(replies[1 - won]?.body).toMatchObject({
      code: 'in-use',
      rule: 'DR-19',
      planId: winner?.id,
      groupId: group.id,
    });
    expect(await face.groupNow(group)).toMatchObject({ usedBy: winner?.id, claim: replies[won]?.body.id });
    expect(await face.stored(loser?.id as string)).toMatchObject({ state: 'ready' });
    expect((await face.stored(loser?.id as string)).claim).toBeUndefined();
  });

  it('a plan that is changed and begun at once is begun as it was, or not at all', async () => {
    const random = seededRandom(seed);
    face = new RecoveryFace(() => random.below(4));
    const { plan, group } = await face.tested();
    const change = { priorities: { [group.vms[0] as string]: 1 } };
    const [begun, changed] = (await Promise.all([
      act(plan.id, 'failover'),
      face.call('PATCH', `${base}/${plan.id}`, { body: change }),
    ])) as [FaceReply, FaceReply];
    const outcomes = [begun.body.code ?? begun.status, changed.body.code ?? changed.status];
    expect([
      [202, 'operation-in-progress'],
      [202, 'precondition-failed'],
      ['not-tested', 200],
    ]).toContainEqual(outcomes);
    expect((await face.stored(plan.id)).priorities).toEqual(changed.status === 200 ? change.priorities : undefined);
  });

  it('of two calls of one plan at once exactly one begins', async () => {
    const random = seededRandom(seed);
    face = new RecoveryFace(() => random.below(4));
    const { plan } = await face.tested();
    const replies = await Promise.all(['failover', 'migrate', 'test'].map((action) => act(plan.id, action)));
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409, 409]);
    const codes = replies.filter((r) => r.status === 409).map((r) => r.body.code);
    expect(new Set(codes)).toEqual(new Set(['operation-in-progress']));
    expect((await listed(plan)).items).toHaveLength(2);
  });
});

/** A failover of two VMs has ended: one is ready, one found no room. */
async function half() {
  const { plan } = await face.tested(2);
  await act(plan.id, 'failover');
  const begun = await face.stored(plan.id);
  const part = (await face.store.get<ExecutionPart>(partKey(begun))) as ExecutionPart;
  const [ready, failed] = Object.values(part.vms) as [ExecutionPart['vms'][string], ExecutionPart['vms'][string]];
  const at = face.clock.now();
  await face.store.put(partKey(begun), {
    ...part,
    vms: {
      [ready.id]: { ...ready, outcome: 'ready', readyAt: at + 61 * SECOND },
      [failed.id]: { ...failed, outcome: 'failed', reason: 'no host has room' },
    },
  });
  face.clock.advanceTo(at + 2 * MINUTE);
  const lost = { count: 4, bytes: 16_384, from: at - 50 * SECOND, to: at - 10 * SECOND, known: 'atLeast' as const };
  const { groups } = (await face.store.get<Execution>(executionKey(begun))) as Execution;
  await face.change(executionKey(begun), {
    state: 'partial',
    finishedAt: at + 2 * MINUTE,
    phases: [
      { name: 'fence', startedAt: at, finishedAt: at + 20 * SECOND },
      { name: 'start', startedAt: at + 25 * SECOND },
    ],
    groups: groups.map((g) => ({ ...g, point: { sequence: 7, stateAt: at - MINUTE }, lost, epoch: 2 })),
  });
  await face.ends(plan.id, { state: 'failoverPartialFailure' }, 'partiallyRecovered', true);
  return { plan: await face.stored(plan.id), ready, failed, at };
}

describe('the report of an execution', () => {
  it('tells phases without a gap, RTO of each VM, RPO and what was lost', async () => {
    const { plan, ready, failed, at } = await half();
    const [report] = (await listed(plan)).items;
    const iso = (ms: number) => new Date(ms).toISOString();
    expect(report).toMatchObject({
      action: 'failover',
      state: 'partial',
      phases: [
        { name: 'fence', startedAt: iso(at), finishedAt: iso(at + 25 * SECOND) },
        { name: 'start', startedAt: iso(at + 25 * SECOND), finishedAt: iso(at + 120 * SECOND) },
      ],
      vmCount: 2,
      rpoSeconds: 50,
      lostWrites: { count: 4, bytes: 16_384, from: iso(at - 50 * SECOND), to: iso(at - 10 * SECOND), known: 'atLeast' },
      groups: [{ epoch: 2, point: { sequence: 7 }, rpo: { expectedSeconds: 900, achievedSeconds: 50, met: true } }],
      rto: {},
    });
    const vms = new Map(report.vms.map((v: { id: string }) => [v.id, v]));
    expect(vms.get(ready.id)).toMatchObject({ ready: true, rtoSeconds: 61 });
    expect(vms.get(failed.id)).toMatchObject({ ready: false, outcome: 'failed', reason: 'no host has room' });
    expect(JSON.stringify(report)).not.toContain('hostId');
    expect((await face.must(200, 'GET', `${base}/${plan.id}/executions/${report.id}`)).body).toEqual(report);
  });

  it('newest first, and filtered', async () => {
    const { plan } = await half();
    expect((await listed(plan)).items.map((e: { action: string }) => e.action)).toEqual(['failover', 'test']);
    expect((await listed(plan, '?action=test')).items.map((e: { action: string }) => e.action)).toEqual(['test']);
    const page = await listed(plan, '?limit=1');
    expect((await listed(plan, `?limit=1&pageToken=${page.nextPageToken}`)).items[0].action).toBe('test');
  });

  it('lists 1,000 VMs at most in one page, and says how many it left out', async () => {
    const groups = await Promise.all(Array.from({ length: 6 }, () => face.protect(200)));
    await face.room(40, 400_000);
    for (let i = 1; i <= 40; i++) await face.store.update(keys.host('b-c1', `b-h${i}`), { set: { 'free.vcpus': 100 } });
    const plan = await face.plan(groups);
    await face.endsTest(plan.id);
    expect((await act(plan.id, 'failover')).status).toBe(202);
    const [report, test] = (await listed(plan)).items;
    expect([test.action, test.vmCount, test.vms.length, test.moreVms]).toEqual(['test', 1_200, 0, 1_200]);
    expect([report.vmCount, report.vms.length, report.moreVms, report.rto]).toEqual([1_200, 1_000, 200, undefined]);
    const path = `${base}/${plan.id}/executions/${report.id}`;
    const first = (await face.must(200, 'GET', path)).body;
    const rest = (await face.must(200, 'GET', `${path}?pageToken=${first.nextPageToken}`)).body;
    expect([first.vms.length, rest.vms.length, rest.nextPageToken]).toEqual([1_000, 200, undefined]);
    expect(new Set([...first.vms, ...rest.vms].map((v) => v.id)).size).toBe(1_200);
  });
});

describe('what has failed in parts', () => {
  it('is gone on with for what was left undone only, towards the same site', async () => {
    const { plan, failed } = await half();
    const before = plan.executionId;
    const reply = await act(plan.id, 'failover');
    expect(reply.status).toBe(202);
    const [report] = (await listed(plan)).items;
    expect(report).toMatchObject({ rerunOf: before, toSiteId: 'b', vmCount: 1 });
    expect(report.vms.map((v: { id: string }) => v.id)).toEqual([failed.id]);
  });

  it('and once more when that failed too', async () => {
    const { plan, failed } = await half();
    await act(plan.id, 'failover');
    await face.ends(plan.id, { state: 'failoverPartialFailure' }, 'partiallyRecovered', true);
    face.clock.advanceTo(face.clock.now() + MINUTE);
    await act(plan.id, 'failover');
    const [report] = (await listed(plan)).items;
    expect(report.vms.map((v: { id: string }) => v.id)).toEqual([failed.id]);
  });
});

describe('a person’s word', () => {
  const pauses = async (kind: 'pause' | 'callOut') => {
    const { plan } = await face.tested();
    await act(plan.id, 'failover');
    const begun = await face.stored(plan.id);
    const wait: Wait = {
      step: { name: 'dns', at: 'afterStart', kind, message: 'change DNS' },
      since: face.clock.now(),
      until: face.clock.now() + 60 * MINUTE,
    };
    await face.change(executionKey(begun), { state: 'paused', waits: [wait] });
    return { plan: begun, path: `${base}/${plan.id}/executions/${begun.executionId}` };
  };

  it.each([
    ['pause', 'resumed'],
    ['callOut', 'answered'],
  ] as const)('ends a %s, once, and stands in the record', async (kind, how) => {
    const { path, plan } = await pauses(kind);
    const reply = await face.call('POST', `${path}/resume`, { body: { note: 'DNS is changed' } });
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      state: 'running',
      waits: [{ name: 'dns', kind, message: 'change DNS', ended: { how, by: 'ann', note: 'DNS is changed' } }],
    });
    expect(refused(await face.call('POST', `${path}/resume`))).toEqual([409, 'illegal-transition']);
    expect((await face.store.get<Execution>(executionKey(plan)))?.waits[0]?.ended?.how).toBe(how);
  });

  it('of two at once one counts', async () => {
    const { path } = await pauses('pause');
    const replies = await Promise.all(
      [1, 2].map((n) => face.call('POST', `${path}/resume`, { body: { note: `${n}` } })),
    );
    expect(replies.map((r) => r.status).sort()).toEqual([200, 409]);
  });

  it('is not waited for by an execution that has ended, or was never there', async () => {
    const { path, plan } = await pauses('pause');
    await face.change(executionKey(plan), { state: 'failed', finishedAt: face.clock.now() });
    expect(refused(await face.call('POST', `${path}/resume`))).toEqual([409, 'illegal-transition']);
    expect(refused(await face.call('POST', `${path}/cancel`))).toEqual([409, 'illegal-transition']);
    expect(refused(await face.call('POST', `${path}x/resume`))).toEqual([404, 'not-found']);
  });
});

describe('cancelling', () => {
  it('is told to the operation of a migration, and refused for a failover, which has no way back', async () => {
    const migration = await face.tested();
    const { body: begun } = await act(migration.plan.id, 'migrate');
    const path = async (id: string) => `${base}/${id}/executions/${(await face.stored(id)).executionId}/cancel`;
    const reply = await face.call('POST', await path(migration.plan.id));
    expect([reply.status, reply.body.id, reply.body.state]).toEqual([202, begun.id, 'cancelling']);
    const failover = await face.tested();
    await act(failover.plan.id, 'failover');
    expect(refused(await face.call('POST', await path(failover.plan.id)))).toEqual([409, 'illegal-transition']);
  });
});

describe('records', () => {
  it('beyond the number that is kept, the oldest makes room, with its parts', async () => {
    const { plan } = await face.tested();
    const [oldest] = await face.store.queryAll<Execution>(tenantPart(face.tenantId, `EXEC#${plan.id}`));
    await face.change(keys.plan(face.tenantId, plan.id), { executions: EXECUTIONS_KEPT });
    await act(plan.id, 'failover');
    const left = (await listed(plan)).items.map((e: { action: string }) => e.action);
    expect(left).toEqual(['failover']);
    expect(await face.store.get(keys.executionPart(face.tenantId, oldest?.id as string, 0))).toBeUndefined();
    expect((await face.stored(plan.id)).executions).toBe(EXECUTIONS_KEPT);
  });

  it('go with their plan', async () => {
    const { plan } = await face.tested();
    await face.must(204, 'DELETE', `${base}/${plan.id}`);
    expect(await face.store.queryAll(tenantPart(face.tenantId, `EXEC#${plan.id}`))).toEqual([]);
    expect(refused(await face.call('GET', `${base}/${plan.id}/executions`))).toEqual([404, 'not-found']);
  });
});

describe('a dry run', () => {
  it('of every action says what would happen, and changes nothing', async () => {
    const { plan, group } = await face.tested(3);
    const before = [await face.stored(plan.id), await face.groupNow(group)];
    for (const action of ['test', 'cleanup', 'migrate', 'failover', 'reprotect', 'failback', 'rollback']) {
      const { status, body } = await face.call('POST', `${base}/${plan.id}/${action}?dryRun=true`);
      const taken = ['test', 'migrate', 'failover'].includes(action);
      expect([action, status, body.dryRun, body.wouldAnswer.status]).toEqual([action, 200, true, taken ? 202 : 409]);
    }
    expect([await face.stored(plan.id), await face.groupNow(group)]).toEqual(before);
  });

  it('gives the order, the places, and what would be lost as of now', async () => {
    const group = await face.protect(2);
    const [db, web] = group.vms as [string, string];
    const plan = await face.plan([group], { priorities: { [db]: 1 }, delays: { 1: 20 } });
    const now = face.clock.now();
    const point = { sequence: 30, stateAt: now - 90 * SECOND, usableAt: now - 80 * SECOND };
    const copy = { from: 'a', mode: 'async' as const, state: 'behind' as const, linkUp: false, points: [point] };
    const status = { groupId: group.id, epoch: 1, version: 1, head: { sequence: 33, at: now }, legs: [] };
    face.sites.set('b', [{ ...status, role: 'secondary', copy }]);
    const { body } = await face.call('POST', `${base}/${plan.id}/failover?dryRun=true`);
    expect(body).toMatchObject({
      wouldAnswer: { status: 409, code: 'not-tested' },
      fromSiteId: 'a',
      toSiteId: 'b',
      start: [
        { priority: 1, vms: [db], delaySeconds: 20 },
        { priority: 3, vms: [web], delaySeconds: 0 },
      ],
      groups: [
        { groupId: group.id, rpoSeconds: 90, wouldLose: { count: 3, known: 'atLeast' }, heard: { primary: false } },
      ],
      capacity: { homelessVms: 0, placed: 2 },
    });
    expect(body.places).toHaveLength(2);
  });
});

describe('the readiness of a plan', () => {
  it('is told with findings and figures', async () => {
    const { plan, group } = await face.tested(2, { drillEveryDays: 1 });
    const path = `${base}/${plan.id}/readiness`;
    const now = face.clock.now();
    const newest = { sequence: 5, stateAt: now - SECOND, usableAt: now };
    const status = { groupId: group.id, epoch: 1, version: 1, head: { sequence: 5, at: now } };
    const leg = { siteId: 'b', from: 'a', mode: 'async' as const, state: 'behind' as const, linkUp: true };
    face.sites.set('a', [{ ...status, role: 'primary', legs: [{ ...leg, backlogBytes: 0, sentBytes: 9, newest }] }]);
    const copy = { from: 'a', mode: 'async' as const, state: 'behind' as const, linkUp: true, points: [newest] };
    face.sites.set('b', [{ ...status, role: 'secondary', legs: [], copy }]);
    expect((await face.must(200, 'GET', path)).body).toMatchObject({ score: 100, ready: true, findings: [] });
    face.sites.delete('a');
    face.clock.advanceTo(now + 3 * 24 * 60 * MINUTE);
    const { body } = await face.must(200, 'GET', path);
    expect(body.findings.map((f: { code: string }) => f.code)).toEqual([
      'drill-overdue',
      'site-silent',
      'rpo-violated',
    ]);
    expect(body).toMatchObject({ score: 50, ready: true, capacity: { placed: 2 }, drills: { overdueDays: 2 } });
  });
});
