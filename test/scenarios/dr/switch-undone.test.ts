import { afterEach, describe, expect, it } from 'vitest';
import { ASYNC, Switching, SYNC } from '../../support/switching.ts';
import type { VmView } from '../../support/tenant.ts';

let story: Switching;
afterEach(() => story.end());

async function begin(replication: object, count = 2, more: object = {}) {
  story = await Switching.start();
  const { vms, group } = await story.protect(count, replication);
  const plan = await story.plan([group], more);
  await story.write(vms, 3);
  return { vms, group, plan };
}
const mend = (fault: { id: string }) =>
  story.test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, story.test.operator);
const states = async () => (await story.belief()).vms.map((vm) => [vm.siteId, vm.state, vm.claim]);
const all = (vms: readonly VmView[], siteId: string, state = 'running') => vms.map(() => [siteId, state, undefined]);

const PAUSE = [{ name: 'check dns', at: 'afterShutdown', kind: 'pause', timeoutMinutes: 30 }];

describe('a migration that stops', () => {
  it.each([SYNC, ASYNC])(
    'when a step is not answered in time is rolled back, and all runs where it was: %j',
    async (replication) => {
      const { vms, plan } = await begin(replication, 2, { steps: PAUSE });
      const report = await story.done(plan, 'migrate');
      expect(report).toMatchObject({ state: 'failed', waits: [{ name: 'check dns', ended: { how: 'timedOut' } }] });
      expect(report.reason).toMatch(/'check dns' was not answered within 30 minutes/);
      expect(await story.planNow(plan.id)).toMatchObject({ state: 'migratePartialFailure' });
      expect(await states()).toEqual(all(vms, 'site_a', 'stopped'));
      expect((await story.done(plan, 'rollback')).state).toBe('success');
      expect(await states()).toEqual(all(vms, 'site_a'));
      expect(await story.belief()).toMatchObject({ groups: [{ state: 'protected' }], plans: [{ state: 'ready' }] });
      expect(await story.missing()).toEqual([]);
      expect(await story.write(vms)).toBe(0);
    },
  );

  it('is gone on with by the same action', async () => {
    const { vms, plan } = await begin(SYNC, 2, { steps: PAUSE });
    await story.done(plan, 'migrate');
    expect((await story.act(plan, 'migrate')).status).toBe(202);
    const paused = await story.test.until(async () => {
      const report = await story.report(plan);
      return report.state === 'paused' && report;
    });
    await story.test.advance(45);
    expect((await story.resume(plan, paused.id)).status).toBe(200);
    await story.test.settle();
    const report = await story.report(plan);
    expect(report).toMatchObject({
      state: 'success',
      lostWrites: { count: 0 },
      waits: [{ ended: { how: 'resumed' } }],
    });
    expect(await states()).toEqual(all(vms, 'site_b'));
    expect(await story.missing()).toEqual([]);
  });

  it('is undone to the end when it is cancelled, and every VM runs as before', async () => {
    const { vms, plan } = await begin(ASYNC, 3, { steps: PAUSE });
    const { body } = await story.act(plan, 'migrate');
    await story.test.until(async () => (await story.report(plan)).state === 'paused');
    expect(await states()).toEqual(vms.map(() => ['site_a', 'stopping', body.id]));
    const cancelled = await story.test.client.call('POST', `/v1/operations/${body.id}/cancel`, {
      token: story.acme.token,
    });
    expect(cancelled.status).toBeLessThan(300);
    await story.test.settle();
    expect(await states()).toEqual(all(vms, 'site_a'));
    expect(await story.belief()).toMatchObject({ groups: [{ state: 'protected' }], plans: [{ state: 'ready' }] });
    expect(await story.missing()).toEqual([]);
    expect(await story.write(vms)).toBe(0);
  });

  it('when the link breaks with the VMs down keeps the right to write at the source', async () => {
    const { vms, plan } = await begin(ASYNC, 2, { steps: PAUSE });
    await story.act(plan, 'migrate');
    const paused = await story.test.until(async () => {
      const report = await story.report(plan);
      return report.state === 'paused' && report;
    });
    const cut = await story.test.fault('link-cut', 'link_a-b');
    await story.resume(plan, paused.id);
    await story.test.settle(3_600);
    expect((await story.report(plan)).reason).toMatch(
      /the last writes of 1 groups have not come to site_b within 15 minutes/,
    );
    expect((await story.test.world()).copies.find((c) => c.siteId === 'site_a')?.role).toBe('primary');
    await mend(cut);
    expect((await story.done(plan, 'rollback')).state).toBe('success');
    expect(await states()).toEqual(all(vms, 'site_a'));
    expect(await story.missing()).toEqual([]);
  });
});

describe('what is wanted stopped', () => {
  it('rests where its copy is, and starts there when it is asked for', async () => {
    const { vms, plan } = await begin(SYNC, 2);
    await story.acme.action(vms[0]?.id as string, 'stop');
    await story.test.settle();
    const report = await story.done(plan, 'migrate');
    expect(report.vms.map((vm) => vm.outcome).sort()).toEqual(['left', 'ready']);
    expect((await story.acme.action(vms[0]?.id as string, 'start')).status).toBe(202);
    await story.test.settle();
    expect(await states()).toEqual(all(vms, 'site_b'));
    expect(await story.missing()).toEqual([]);
  });
});
