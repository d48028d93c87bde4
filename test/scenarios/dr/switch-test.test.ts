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
