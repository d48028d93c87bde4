import { afterEach, describe, expect, it } from 'vitest';
import { ASYNC, Switching, SYNC } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

const mend = async (ids: { id: string }[]) => {
  for (const { id } of ids) await story.test.client.must('DELETE', `/v1/sim/faults/${id}`, story.test.operator);
};
const small = (hostsAtB: number, cores = 4) => ({
  sites: [site('a', 4, 16), site('b', hostsAtB, cores)],
  links: [{ from: 'a', to: 'b', latencyMs: 2, mbps: 10_000, mode: 'sync' }],
});
const site = (name: string, count: number, cores: number) => ({
  name,
  clusters: [{ name: 'c1', hosts: { count, cores, mhz: 2400, memoryGiB: 64 } }],
  datastores: [{ name: 'san', capacityGiB: 4_000 }],
});

describe('a site that nobody hears, whose guests go on', () => {
  it.each([SYNC, ASYNC])(
    'may write until its lease is over, and the failover waits for that: %j',
    async (replication) => {
      story = await Switching.start();
      const { vms, group } = await story.protect(2, replication);
      const plan = await story.plan([group]);
      await story.write(vms, 2);
      await story.test.advance(400);
      const cut = [await story.test.fault('link-cut', 'link_a-b'), await story.test.fault('call-timeout', 'site_a')];
      await story.write(vms, 1);
      const reply = await story.act(plan, 'failover');
      expect(reply.status).toBe(202);
      const begun = story.test.clock.now();
      await story.test.settle();
      const report = await story.report(plan);
      expect(report.state).toBe('success');
      const promoted = report.phases.find((p) => p.name === 'switch VMs')?.startedAt as string;
      expect(Date.parse(promoted) - begun).toBeGreaterThan(20_000);
      expect(await story.missing()).toEqual(story.written.slice(replication === SYNC ? 99 : 4));
      await mend(cut);
      await story.test.advance(180);
      await story.test.settle();
      const { processes } = await story.test.world();
      expect(await story.planNow(plan.id)).toMatchObject({ state: 'recovered' });
      const after = await story.report(plan);
      expect(after.lostWrites).toMatchObject({ known: 'exact', count: replication === SYNC ? 0 : 2 });
      expect(processes.filter((p) => p.state === 'running').every((p) => p.hostId.includes('_b-'))).toBe(true);
    },
  );
});

describe('a recovery site without room for all', () => {
  it('starts what it can, names the others, and a rerun starts only these', async () => {
    story = await Switching.start(small(1, 8));
    const { vms, group } = await story.protect(4);
    const plan = await story.plan([group], { priorities: { [vms[3]?.id as string]: 1 } });
    await story.write(vms, 2);
    const blocker = await story.acme.running(1, { siteId: 'site_b', name: 'blocker', vcpus: 4, memoryMiB: 49_152 });
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report.state).toBe('partial');
    const failed = report.vms.filter((vm) => !vm.ready);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every((vm) => /no host of 1 can take it/.test(vm.reason ?? ''))).toBe(true);
    expect(report.vms.find((vm) => vm.id === vms[3]?.id)?.ready).toBe(true);
    expect(await story.planNow(plan.id)).toMatchObject({ state: 'failoverPartialFailure' });
    const { alarms } = await story.belief();
    expect(alarms.filter((a) => a.state === 'active').map((a) => a.code)).toContain('recovery-incomplete');
    await story.acme.remove(blocker[0]?.id as string);
    await story.test.settle();
    const rerun = await story.done(plan, 'failover');
    expect(rerun).toMatchObject({ state: 'success' });
    expect(rerun.vms.map((vm) => vm.id).sort()).toEqual(failed.map((vm) => vm.id).sort());
    expect(await story.missing()).toEqual([]);
    expect(
      (await story.belief()).alarms.filter((a) => a.code === 'recovery-incomplete' && a.state === 'active'),
    ).toEqual([]);
  });
});

describe('a host of the recovery site fails in the middle', () => {
  it('and its VMs come up on another one', async () => {
    story = await Switching.start(small(3, 16));
    const { vms, group } = await story.protect(3);
    const plan = await story.plan([group]);
    await story.write(vms, 2);
    await story.burn('site_a');
    await story.act(plan, 'failover');
    const placed = await story.test.until(async () =>
      (await story.belief()).vms.find((vm) => vm.siteId === 'site_b' && vm.state === 'starting' && vm.hostId),
    );
    await story.test.fault('host-power-loss', placed.hostId as string);
    await story.test.settle();
    const report = await story.report(plan);
    expect([report.reason, report.state]).toEqual([undefined, 'success']);
    expect((await story.belief()).vms.map((vm) => [vm.siteId, vm.state])).toEqual(vms.map(() => ['site_b', 'running']));
    expect(await story.missing()).toEqual([]);
  });
});

describe('what was being done when the site was lost', () => {
  it('a recovery of its hosts gives up, and no VM runs twice', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(3);
    const plan = await story.plan([group]);
    await story.write(vms, 2);
    await story.test.fault('host-power-loss', (await story.acme.vm(vms[0]?.id as string)).hostId as string);
    await story.test.advance(20);
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report.state).toBe('success');
    await story.test.advance(300);
    await story.test.settle();
    expect((await story.belief()).vms.map((vm) => [vm.siteId, vm.state])).toEqual(vms.map(() => ['site_b', 'running']));
    expect(await story.missing()).toEqual([]);
  });

  it('a migration and a stop of VMs end, and what is wanted stopped rests', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(3);
    const plan = await story.plan([group]);
    await story.write(vms, 2);
    const [a, b] = vms as unknown as [{ id: string }, { id: string }];
    expect((await story.acme.action(a.id, 'migrate')).status).toBe(202);
    await story.test.rest();
    await story.burn('site_a');
    expect((await story.acme.action(b.id, 'stop')).status).toBe(202);
    const report = await story.done(plan, 'failover');
    expect(report.state).toBe('success');
    expect(report.vms.map((vm) => vm.outcome).sort()).toEqual(['left', 'ready', 'ready']);
    const now = new Map((await story.belief()).vms.map((vm) => [vm.id, vm]));
    expect([now.get(a.id)?.state, now.get(a.id)?.siteId]).toEqual(['running', 'site_b']);
    expect([now.get(b.id)?.state, now.get(b.id)?.siteId]).toEqual(['stopped', 'site_b']);
  });
});
