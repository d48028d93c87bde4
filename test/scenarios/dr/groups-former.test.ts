import { afterEach, describe, expect, it } from 'vitest';
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
