import { afterEach, describe, expect, it } from 'vitest';
import { ASYNC, Switching } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

describe('a site burns, and its VMs are failed over', () => {
  it('of a synchronous group nothing is lost', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(3);
    const plan = await story.plan([group]);
    await story.write(vms, 4);
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report).toMatchObject({ action: 'failover', state: 'success', lostWrites: { count: 0 }, rpoSeconds: 0 });
    expect(report.vms.map((vm) => [vm.outcome, vm.ready])).toEqual(vms.map(() => ['ready', true]));
    expect(await story.missing()).toEqual([]);
    const { vms: now, groups, plans } = await story.belief();
    expect(now.map((vm) => [vm.siteId, vm.state, vm.claim])).toEqual(vms.map(() => ['site_b', 'running', undefined]));
    expect(groups).toMatchObject([{ state: 'invalid', primarySiteId: 'site_b', epoch: 2, legs: [] }]);
    expect(plans).toMatchObject([{ state: 'recoveredPeerPending' }]);
    // Their guests go on there.
    expect(await story.write(vms)).toBe(0);
  });

  it('of an asynchronous group exactly what is after the point is lost, and so it is reported', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(3, ASYNC);
    const plan = await story.plan([group]);
    await story.write(vms, 4);
    await story.test.advance(400);
    await story.write(vms, 2);
    const before = [...story.written];
    const { id } = await story.test.fault('site-loss', 'site_a');
    const report = await story.done(plan, 'failover');
    expect(report.state).toBe('success');
    const missing = await story.missing();
    // A beginning of the history is there: nothing before the point is lost, nothing after it is kept.
    expect(missing).toEqual(before.slice(before.length - missing.length));
    expect(missing.length).toBe(6);
    await story.test.client.must('DELETE', `/v1/sim/faults/${id}`, story.test.operator);
    await story.test.advance(120);
    await story.test.settle();
    expect((await story.report(plan)).lostWrites).toMatchObject({ count: 6, known: 'exact' });
    expect(await story.planNow(plan.id)).toMatchObject({ state: 'recovered' });
  });
});

describe('a site that still answers is failed over', () => {
  it('it gives the right to write up, its processes are stopped, and nothing is lost', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(2);
    const plan = await story.plan([group]);
    await story.write(vms, 2);
    const report = await story.done(plan, 'failover');
    expect(report).toMatchObject({ state: 'success', lostWrites: { count: 0, known: 'exact' } });
    expect(await story.missing()).toEqual([]);
    expect(await story.planNow(plan.id)).toMatchObject({ state: 'recovered' });
    const world = await story.test.world();
    expect(world.processes.filter((p) => p.state !== 'dead').map((p) => p.hostId.startsWith('host_b'))).toEqual(
      vms.map(() => true),
    );
  });
});
