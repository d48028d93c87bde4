import { afterEach, describe, expect, it } from 'vitest';
import { settleFormer } from '../../../functions/probe/former.ts';
import { makeIds } from '../../../shared/kernel/ids.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import { keys } from '../../../shared/store/keys.ts';
import { ASYNC, Switching } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

interface Page {
  total: { count: number; bytes: number };
  items: { sequence: number; vmId: string; disk: string; index: number; data: string }[];
  nextPageToken?: string;
  code?: string;
}
const divergence = (id: string, query = '') => story.groups.call<Page>('GET', `/${id}/divergence${query}`);
const alarms = async () => (await story.belief()).alarms.filter((a) => a.state === 'active').map((a) => a.code);

/** Site A was lost with six writes that B does not have; it is back when the story begins. */
async function returned() {
  story = await Switching.start();
  const { vms, group } = await story.protect(2, ASYNC);
  const plan = await story.plan([group]);
  await story.write(vms, 2);
  await story.test.advance(400);
  await story.write(vms, 3);
  const fault = await story.test.fault('site-loss', 'site_a');
  await story.done(plan, 'failover');
  const mend = () => story.test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, story.test.operator);
  return { group, plan, mend, last: story.written.slice(-6) };
}

describe('a site returns after a failover', () => {
  it('demoted; what it alone has can be read to the last write, page by page, and is told by an alarm', async () => {
    const { group, mend, last } = await returned();
    await mend();
    await story.test.advance(60);
    const now = await story.groups.get(group.id);
    expect(now.former).toMatchObject({ siteId: 'site_a', demoted: true, divergent: { count: 6, discarded: false } });
    expect(await alarms()).toContain('divergent-writes');
    const first = (await divergence(group.id, '?limit=4')).body;
    const rest = (await divergence(group.id, `?limit=4&pageToken=${first.nextPageToken}`)).body;
    expect([first.total.count, rest.nextPageToken]).toEqual([6, undefined]);
    const read = [...first.items, ...rest.items].map((w) => Buffer.from(w.data, 'base64').toString());
    expect(read).toEqual(last.map((w) => w.text));
  });

  it('until it is heard nobody can say what it has, and the group is not dissolved', async () => {
    const { group, mend } = await returned();
    const unheard = await divergence(group.id);
    expect([unheard.status, unheard.body.code]).toEqual([409, 'illegal-transition']);
    const early = await story.groups.call('DELETE', `/${group.id}`);
    expect([early.status, early.body.code]).toEqual([409, 'in-use']);
    await mend();
  });

  it('its writes are given up by a person alone: once, with a reason, on the audit trail', async () => {
    const { group, mend } = await returned();
    await mend();
    await story.test.advance(60);
    expect((await story.groups.action(group.id, 'discard-divergence', {})).status).toBe(400);
    const body = { reason: 'entered again by hand' };
    expect((await story.groups.action(group.id, 'discard-divergence', body)).status).toBe(200);
    expect((await story.groups.get(group.id)).former?.divergent).toMatchObject({ count: 6, discarded: true });
    expect((await story.groups.action(group.id, 'discard-divergence', body)).status).toBe(409);
    const path = '/v1/system/audit-log?limit=1000';
    const { items } = await story.test.client.must<{ items: { operationId: string; result: string }[] }>(
      'GET',
      path,
      story.test.operator,
    );
    expect(items.filter((i) => i.operationId === 'discardDivergence').map((i) => i.result)).toEqual(
      expect.arrayContaining(['done', 'refused']),
    );
    await story.test.advance(40);
    expect(await alarms()).not.toContain('divergent-writes');
  });
});

describe('a site that never returns', () => {
  const abandon = (id: string, siteId = 'site_a') =>
    story.groups.action(id, 'abandon-former', { siteId, reason: 'the building burnt down' });
  const stateOf = async (plan: string) => (await story.planNow(plan)).state;

  it('is abandoned by a person, with a reason: then its plan and its group can be dissolved, and protected anew', async () => {
    const { group, plan } = await returned();
    expect([await stateOf(plan.id), (await story.groups.call('DELETE', `/${group.id}`)).status]).toEqual([
      'recoveredPeerPending',
      409,
    ]);
    expect((await abandon(group.id)).status).toBe(200);
    expect((await story.groups.get(group.id)).former).toMatchObject({
      siteId: 'site_a',
      demoted: false,
      abandoned: { reason: 'the building burnt down' },
    });
    expect(await stateOf(plan.id)).toBe('recovered');
    const { client } = story.test;
    expect((await client.call('DELETE', `/v1/recovery-plans/${plan.id}`, { token: story.acme.token })).status).toBe(
      204,
    );
    expect((await story.groups.call('DELETE', `/${group.id}`)).status).toBe(202);
    await story.test.until(async () => (await story.groups.call('GET', `/${group.id}`)).status === 404, 60);
    const { vms, groups, links } = await story.belief();
    expect([groups, vms.map((vm) => [vm.state, vm.siteId, vm.protection])]).toEqual([
      [],
      vms.map(() => ['running', 'site_b', undefined]),
    ]);
    expect(links.map((l) => l.freeMbps)).toEqual(links.map((l) => l.mbps));
    expect(await alarms()).toContain('copies-left-behind');
  });

  it('and comes back all the same: it is demoted, what it has alone is kept, and it can be protected again', async () => {
    const { group, plan, mend } = await returned();
    await abandon(group.id);
    await mend();
    await story.test.advance(60);
    expect((await story.groups.get(group.id)).former).toMatchObject({ demoted: true, divergent: { count: 6 } });
    const early = await story.test.client.call('DELETE', `/v1/recovery-plans/${plan.id}`, { token: story.acme.token });
    expect(early.status).toBe(409);
    await story.groups.action(group.id, 'discard-divergence', { reason: 'entered again by hand' });
    expect((await story.done(plan, 'reprotect')).state).toBe('success');
  });

  it('comes back after its group was dissolved, and never writes again', async () => {
    const { group, plan, mend } = await returned();
    await abandon(group.id);
    await story.test.client.call('DELETE', `/v1/recovery-plans/${plan.id}`, { token: story.acme.token });
    await story.groups.call('DELETE', `/${group.id}`);
    await story.test.until(async () => (await story.groups.call('GET', `/${group.id}`)).status === 404, 60);
    await mend();
    await story.test.advance(300);
    const { copies } = await story.test.client.must<{ copies: { siteId: string; writes: boolean }[] }>(
      'GET',
      '/v1/sim/world',
      story.test.operator,
    );
    expect(copies.filter((c) => c.writes)).toEqual([]);
    expect((await story.belief()).vms.map((vm) => [vm.state, vm.siteId])).toEqual([
      ['running', 'site_b'],
      ['running', 'site_b'],
    ]);
  });

  it('of two groups one was given up and the other is heard first: their plan waits for nobody any more', async () => {
    story = await Switching.start();
    const [one, other] = [await story.protect(1, ASYNC), await story.protect(1, ASYNC)];
    const plan = await story.plan([one.group, other.group]);
    await story.test.advance(400);
    const fault = await story.test.fault('site-loss', 'site_a');
    await story.done(plan, 'failover');
    expect((await abandon(one.group.id)).status).toBe(200);
    expect(await stateOf(plan.id)).toBe('recoveredPeerPending');
    const { store } = story.test.cloud;
    const known = await store.get<ProtectedGroup>(keys.group(story.acme.id, other.group.id));
    if (!known?.former) throw new Error('there is no former primary');
    // One of its two sites' answers comes before the other.
    const { clock } = story.test;
    const runtime = { store, clock, ids: makeIds(clock, seededRandom(1)) } as unknown as Parameters<
      typeof settleFormer
    >[2];
    await settleFormer(known, { ...known.former, demoted: true }, runtime);
    expect(await stateOf(plan.id)).toBe('recovered');
    await story.test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, story.test.operator);
  });

  it.each([
    ['a site that is not its former primary', 'site_b', 409],
    ['a site that has been abandoned', 'site_a', 409],
  ])('nobody abandons %s', async (what, siteId, status) => {
    const { group } = await returned();
    if (what.includes('been')) await abandon(group.id);
    expect((await abandon(group.id, siteId)).status).toBe(status);
  });

  it('nor one that was heard: what it has is looked at', async () => {
    const { group, mend } = await returned();
    await mend();
    await story.test.advance(60);
    const { status, body } = await abandon(group.id);
    expect([status, (body as { detail?: string }).detail]).toEqual([409, expect.stringContaining('was heard since')]);
  });
});
