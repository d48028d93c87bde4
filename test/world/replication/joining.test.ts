import { beforeEach, describe, expect, it } from 'vitest';
import { simulatedSite } from '../../../shared/world/agent.ts';
import { Guest } from '../../../shared/world/guest.ts';
import { World } from '../../../shared/world/world.ts';
import { beforeCommits } from '../../support/interleave.ts';
import { GROUP, MBPS, ReplicationLab } from './lab.ts';

const OLD = ['vm_1'];
const BIG = 4_000;
let lab: ReplicationLab;
beforeEach(async () => {
  lab = await ReplicationLab.start(2);
  await lab.lease('a', 100_000);
  await protect(OLD, 1);
  lab.tick(60);
  await lab.status('a');
});

const legOf = (vms: string[]) => ({ ...lab.leg('b', 'sync'), volumes: vms.map((vm) => lab.volume('b', vm)) });
const protect = (vms: string[], version: number) => lab.protect([legOf(vms)], { version, vms });
/** Blocks of the second VM, so many that they cross the link for some seconds. */
async function fill(count = 1_000): Promise<number> {
  for (let i = 0; i < count; i++) await lab.write('vm_2', i, 'x'.repeat(BIG));
  return (count * 4096 * 8) / (MBPS * 1e6);
}
const join = () => protect(lab.vms, 2);
const leg = async () => {
  const found = await lab.legTo('b');
  if (!found) throw new Error('there is no leg to b');
  return found;
};
const takeOver = async () => {
  await lab.fault('site-loss', 'a');
  lab.tick(1);
  return lab.promote('b', { former: { leaseUntil: lab.clock.now() } });
};

describe('a VM that joins a synchronous pair', () => {
  it('does not take the others out of step: what they write while it is copied is at both sites', async () => {
    const seconds = await fill();
    await join();
    expect(await leg()).toMatchObject({ state: 'synced', lacks: ['vm_2'] });
    expect((await leg()).backlogBytes).toBeGreaterThan(0);
    await lab.write('vm_1', 1, 'meanwhile');
    await lab.write('vm_2', 1, 'of who joins');
    lab.tick(seconds / 2);
    await lab.write('vm_1', 2, 'in the middle');
    expect(await leg()).toMatchObject({ state: 'synced', lacks: ['vm_2'] });
    const result = await takeOver();
    expect(result).toMatchObject({ outcome: 'promoted', lost: { count: 0 }, exact: true, holds: ['vol_b_vm_1'] });
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 1: 'meanwhile', 2: 'in the middle' });
  });

  it('is part of each point once its first copy has crossed the link, with all that was written meanwhile', async () => {
    const seconds = await fill();
    await join();
    await lab.write('vm_2', 1, 'meanwhile');
    lab.tick(seconds + 1);
    expect(await leg()).toMatchObject({ state: 'synced', backlogBytes: 0 });
    expect((await leg()).lacks).toBeUndefined();
    await lab.write('vm_2', 2, 'after');
    const before = await lab.blocks('a', 'vm_2');
    const result = await takeOver();
    expect(result).toMatchObject({ lost: { count: 0 }, exact: true, holds: ['vol_b_vm_1', 'vol_b_vm_2'] });
    expect(await lab.blocks('b', 'vm_2')).toEqual(before);
    expect(before).toMatchObject({ 1: 'meanwhile', 2: 'after' });
  });

  it('waits while the pair is out of step, and goes on with what was left when both are together again', async () => {
    const seconds = await fill();
    await join();
    lab.tick(seconds * 0.75);
    const cut = await lab.fault('link-cut', 'ab');
    await lab.port.goAlone('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', order: 1 }]);
    await lab.write('vm_1', 1, 'alone');
    await lab.write('vm_2', 3, 'alone too');
    lab.tick(10 * seconds);
    expect(await leg()).toMatchObject({ state: 'behind', lacks: ['vm_2'] });
    await lab.mend(cut);
    lab.tick(0.2);
    expect(await leg()).toMatchObject({ state: 'synced', lacks: ['vm_2'] });
    lab.tick(seconds / 2);
    expect((await leg()).lacks).toBeUndefined();
    const before = await lab.blocks('a', 'vm_2');
    await takeOver();
    expect(await lab.blocks('b', 'vm_2')).toEqual(before);
  });

  it('and whose group is ordered anew meanwhile crosses the link once', async () => {
    const seconds = await fill();
    await join();
    lab.tick(seconds * 0.75);
    await protect(lab.vms, 3);
    expect(await leg()).toMatchObject({ state: 'synced', lacks: ['vm_2'] });
    lab.tick(seconds / 2);
    expect((await leg()).lacks).toBeUndefined();
  });

  it('which nobody writes to joins too', async () => {
    await join();
    lab.tick(1);
    expect((await leg()).lacks).toBeUndefined();
    expect(await takeOver()).toMatchObject({ holds: ['vol_b_vm_1', 'vol_b_vm_2'] });
  });

  it.each([1, 2, 3, 5, 8])(
    'is the same at both sites though guests write before every %ith transaction',
    async (nth) => {
      await fill(150);
      let [n, writes] = [0, 0];
      const guest = new Guest(lab.world, lab.clock);
      const store = beforeCommits(lab.store, async () => {
        if (++n % nth !== 0 || writes >= 40) return;
        const text = `${++writes}`;
        await guest.write('vm_2', 'root', writes % 7, Buffer.from(text));
        await guest.write('vm_1', 'root', writes % 5, Buffer.from(text));
      });
      const volumes = lab.vms.map((vm) => lab.volume('a', vm));
      const order = { groupId: GROUP, epoch: 1, version: 2, volumes, legs: [legOf(lab.vms)] };
      await lab.port.createVolumes('b', order.legs[0]?.volumes ?? []);
      const site = simulatedSite(new World(store), lab.clock);
      for (let i = 0; i < 60; i++) {
        try {
          expect(await site.configureGroups('a', [order])).toMatchObject([{ outcome: 'done' }]);
          break;
        } catch (error) {
          // Guests were faster each time: the order comes again.
          if (error instanceof Error && error.constructor.name !== 'CopyChanged') throw error;
        }
      }
      expect(writes).toBeGreaterThan(0);
      expect((await leg()).state).toBe('synced');
      for (const vm of lab.vms) expect(await lab.blocks('b', vm)).toEqual(await lab.blocks('a', vm));
      lab.tick(10);
      expect((await leg()).lacks).toBeUndefined();
      await lab.write('vm_2', 3, 'last');
      for (const vm of lab.vms) expect(await lab.blocks('b', vm)).toEqual(await lab.blocks('a', vm));
    },
  );
});
