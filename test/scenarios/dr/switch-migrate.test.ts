import { afterEach, describe, expect, it } from 'vitest';
import { ASYNC, Switching, SYNC } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

describe('a planned migration', () => {
  it.each([SYNC, ASYNC])('brings every block along, and nothing is lost: %j', async (replication) => {
    story = await Switching.start();
    const { vms, group } = await story.protect(3, replication);
    const plan = await story.plan([group], { priorities: { [vms[0]?.id as string]: 1, [vms[1]?.id as string]: 2 } });
    await story.write(vms, 5);
    const report = await story.done(plan, 'migrate');
    expect(report).toMatchObject({ state: 'success', rpoSeconds: 0, lostWrites: { count: 0, known: 'exact' } });
    expect(await story.missing()).toEqual([]);
    const { vms: now, groups } = await story.belief();
    expect(now.map((vm) => [vm.siteId, vm.state, vm.claim])).toEqual(vms.map(() => ['site_b', 'running', undefined]));
    expect(groups).toMatchObject([{ state: 'invalid', primarySiteId: 'site_b' }]);
    expect(await story.planNow(plan.id)).toMatchObject({ state: 'recovered' });
    // The last to start is the first to be shut down.
    const names = report.phases.map((p) => p.name);
    expect(names.filter((n) => n.startsWith('shut down'))).toEqual([
      'shut down priority 3',
      'shut down priority 2',
      'shut down priority 1',
    ]);
    expect(names.filter((n) => n.startsWith('start'))).toEqual([
      'start priority 1',
      'start priority 2',
      'start priority 3',
    ]);
  });

  it('and back: reprotected, failed back, and all is where it was, with every block', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(2, ASYNC);
    const plan = await story.plan([group]);
    await story.write(vms, 3);
    expect((await story.done(plan, 'migrate')).state).toBe('success');
    await story.write(vms, 3);
    expect((await story.done(plan, 'reprotect')).state).toBe('success');
    expect(await story.belief()).toMatchObject({
      groups: [{ state: 'protected', primarySiteId: 'site_b', legs: [{ from: 'site_b', siteId: 'site_a' }] }],
      plans: [{ state: 'ready' }],
    });
    await story.write(vms, 3);
    const back = await story.done(plan, 'failback');
    expect(back).toMatchObject({ action: 'failback', state: 'success', lostWrites: { count: 0 } });
    expect(await story.missing()).toEqual([]);
    const { vms: now, groups, plans } = await story.belief();
    expect(now.map((vm) => [vm.siteId, vm.state])).toEqual(vms.map(() => ['site_a', 'running']));
    expect(groups).toMatchObject([
      { state: 'protected', primarySiteId: 'site_a', legs: [{ from: 'site_a', siteId: 'site_b' }] },
    ]);
    expect(groups[0]?.former).toBeUndefined();
    expect(plans).toMatchObject([{ state: 'ready' }]);
  });

  it('stops before anything is touched when the link is down', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(2, ASYNC);
    const plan = await story.plan([group]);
    await story.test.fault('link-cut', 'link_a-b', { for: 60 });
    const reply = await story.act(plan, 'migrate');
    expect(reply.status).toBe(202);
    await story.test.settle();
    const { vms: now } = await story.belief();
    expect(now.map((vm) => [vm.siteId, vm.state])).toEqual(vms.map(() => ['site_a', 'running']));
  });
});
