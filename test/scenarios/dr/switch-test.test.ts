import { afterEach, describe, expect, it } from 'vitest';
import { World } from '../../../shared/world/world.ts';
import { ASYNC, Switching, SYNC } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

/** All that a test must leave as it was: VMs, ledgers, quota, addresses, and what stands in the world. */
async function everything({ test }: Switching) {
  const { vms, hosts, datastores, vdcs, claims, groups, links } = await story.belief();
  const world = await test.world();
  return {
    vms,
    hosts: hosts.map(({ id, free, state }) => ({ id, free, state })),
    datastores: datastores.map(({ id, freeGiB, freeMigrations }) => ({ id, freeGiB, freeMigrations })),
    vdcs: vdcs.map(({ id, left }) => ({ id, left })),
    links: links.map(({ id, freeMbps }) => ({ id, freeMbps })),
    claims,
    groups: groups.map(({ version: _, ...group }) => group),
    processes: world.processes.filter((p) => p.state !== 'dead'),
    volumes: world.volumes,
    copies: world.copies,
  };
}

describe('a test of a plan', () => {
  it.each([SYNC, ASYNC])(
    'starts copies that hold what was written, and cleans up byte for byte: %j',
    async (replication) => {
      story = await Switching.start();
      const { vms, group } = await story.protect(3, replication);
      const plan = await story.plan([group]);
      await story.write(vms, 3);
      await story.test.advance(400);
      const before = await everything(story);
      const report = await story.done(plan, 'test');
      expect(report).toMatchObject({ action: 'test', state: 'success' });
      expect(await story.planNow(plan.id)).toMatchObject({ state: 'testComplete', testedAt: expect.any(String) });
      const copies = (await story.belief()).vms.filter((vm) => vm.testOf);
      expect(copies.map((vm) => [vm.siteId, vm.state])).toEqual(vms.map(() => ['site_b', 'running']));
      const world = new World(story.test.cloud.store);
      for (const block of story.written) {
        const copy = copies.find((vm) => vm.testOf?.vmId === block.vmId);
        expect(await story.acme.read(copy?.id as string, block.index)).toBe(block.text);
      }
      // What is written to a copy reaches no production.
      await story.acme.write(copies[0]?.id as string, 999, 'only a test');
      expect((await world.volumesOf(vms[0]?.id as string)).length).toBe(2);
      expect((await story.done(plan, 'cleanup')).state).toBe('success');
      expect(await story.planNow(plan.id)).toMatchObject({ state: 'ready' });
      expect(await everything(story)).toEqual(before);
      expect(await story.missing()).toEqual([]);
    },
  );
});

describe('the copies of a test', () => {
  it('are left alone by their tenant, who is told which plan they belong to', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(1);
    const plan = await story.plan([group]);
    const report = await story.done(plan, 'test');
    const copy = report.vms[0]?.testVmId as string;
    for (const reply of [await story.acme.action(copy, 'stop'), await story.acme.remove(copy)]) {
      expect([reply.status, reply.body.code]).toEqual([409, 'in-use']);
      expect(JSON.stringify(reply.body)).toContain(plan.id);
    }
    const view = await story.test.client.must('GET', `/v1/vms/${copy}`, story.acme.token);
    expect(view).toMatchObject({ testOf: { vmId: vms[0]?.id, planId: plan.id }, ha: { enabled: false } });
  });

  it('go when the site is lost before they were cleaned up, so that the VMs find their room', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(3);
    const plan = await story.plan([group]);
    await story.write(vms, 2);
    await story.done(plan, 'test');
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report.state).toBe('success');
    expect((await story.belief()).vms.map((vm) => [vm.siteId, vm.state, vm.testOf])).toEqual(
      vms.map(() => ['site_b', 'running', undefined]),
    );
    expect(await story.missing()).toEqual([]);
  });

  it('are all removed when the test is cancelled, and nothing is left of it', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(2);
    const plan = await story.plan([group], { steps: [{ name: 'look', at: 'beforeStart', kind: 'pause' }] });
    await story.write(vms, 2);
    const before = await everything(story);
    const { body } = await story.act(plan, 'test');
    await story.test.until(async () => (await story.report(plan)).state === 'paused');
    await story.test.client.must('POST', `/v1/operations/${body.id}/cancel`, story.acme.token);
    await story.test.settle();
    expect(await everything(story)).toEqual(before);
    expect(await story.planNow(plan.id)).toMatchObject({ state: 'ready' });
  });

  it('of a test that failed are made anew by the next one, and none is left behind', async () => {
    story = await Switching.start();
    const { group } = await story.protect(2);
    const step = { name: 'look', at: 'afterStart', kind: 'pause', timeoutMinutes: 1 };
    const plan = await story.plan([group], { steps: [step] });
    const before = await everything(story);
    for (const _ of [1, 2]) {
      expect((await story.done(plan, 'test')).state).toBe('partial');
      expect(await story.planNow(plan.id)).toMatchObject({ state: 'testPartialFailure' });
      expect((await story.belief()).vms.filter((vm) => vm.testOf)).toHaveLength(2);
    }
    await story.done(plan, 'cleanup');
    expect(await everything(story)).toEqual(before);
  });
});
