import { describe, expect, it } from 'vitest';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { BLOCKS_PER_GIB } from '../../../shared/kernel/units.ts';
import { simulatedSite } from '../../../shared/world/agent.ts';
import { World } from '../../../shared/world/world.ts';
import { GROUP, ReplicationLab } from './lab.ts';

/** A block that only a disk of 2 GiB has. */
const NEW = BLOCKS_PER_GIB + 7;

const grow = async (lab: ReplicationLab, site: string, vm: string, sizeGiB = 2) =>
  (await lab.port.growVolumes(site, [{ ...lab.volume(site, vm), sizeGiB }]))[0];
const sizeOf = async (lab: ReplicationLab, site: string, vm: string) =>
  (await lab.world.volume(site, vm, 'root'))?.sizeGiB;

describe('a volume is made larger', () => {
  it('while its guest runs: what it holds stays, the new part holds nothing and can be written', async () => {
    const lab = await ReplicationLab.start(1);
    await lab.write('vm_1', 3, 'kept');
    await expect(lab.write('vm_1', NEW, 'too early')).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await grow(lab, 'a', 'vm_1')).toMatchObject({ outcome: 'done' });
    expect((await lab.guest.read('vm_1', 'root', NEW)).data).toHaveLength(0);
    await lab.write('vm_1', NEW, 'behind the old end');
    expect(await lab.blocks('a', 'vm_1')).toEqual({ 3: 'kept', [NEW]: 'behind the old end' });
  });

  it('and never smaller: an order that is late or repeated changes nothing', async () => {
    const lab = await ReplicationLab.start(1);
    await grow(lab, 'a', 'vm_1', 5);
    const before = [...lab.rows()].map((row) => JSON.stringify(row));
    for (const size of [5, 2, 1]) expect(await grow(lab, 'a', 'vm_1', size)).toMatchObject({ outcome: 'done' });
    expect([...lab.rows()].map((row) => JSON.stringify(row))).toEqual(before);
  });

  it('unless its storage is lost, or it is another one: then it says so and changes nothing', async () => {
    const lab = await ReplicationLab.start(1);
    const other = { ...lab.volume('a', 'vm_1'), id: 'vol_other', sizeGiB: 2 };
    expect(await lab.port.growVolumes('a', [other])).toEqual([{ id: 'vol_other', outcome: 'absent' }]);
    await lab.fault('datastore-loss', 'ds_a');
    expect(await grow(lab, 'a', 'vm_1')).toMatchObject({ outcome: 'unreachable' });
    expect(await sizeOf(lab, 'a', 'vm_1')).toBe(1);
  });

  it('by two at once: each is done, and the larger one stands', async () => {
    const lab = await ReplicationLab.start(1);
    await lab.protect([lab.leg('b', 'sync')]);
    lab.tick(30);
    expect((await lab.legTo('b'))?.state).toBe('synced');
    await grow(lab, 'b', 'vm_1', 9);
    const both = await Promise.all([grow(lab, 'a', 'vm_1', 9), grow(lab, 'a', 'vm_1', 4), lab.write('vm_1', 1, 'x')]);
    expect(both.slice(0, 2)).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }]);
    expect(await sizeOf(lab, 'a', 'vm_1')).toBe(9);
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 1: 'x' });
  });
});

describe('a volume that is replicated', () => {
  it.each(['sync', 'async'] as const)(
    'is larger only once its copy is; then the new part is in it too: %s',
    async (mode) => {
      const lab = await ReplicationLab.start(2);
      await lab.protect([lab.leg('b', mode)]);
      lab.tick(30);
      const early = await grow(lab, 'a', 'vm_1');
      expect(early).toMatchObject({ outcome: 'waits', reason: 'the copy of disk root at b is smaller' });
      expect(await sizeOf(lab, 'a', 'vm_1')).toBe(1);
      expect(await grow(lab, 'b', 'vm_1')).toMatchObject({ outcome: 'done' });
      expect(await grow(lab, 'a', 'vm_1')).toMatchObject({ outcome: 'done' });
      await lab.write('vm_1', NEW, 'new part');
      lab.tick(600);
      await lab.promote('b', { former: 'demoted' });
      expect(await lab.blocks('b', 'vm_1')).toEqual({ [NEW]: 'new part' });
      await lab.boot('b', 'vm_1');
      await lab.write('vm_1', NEW + 1, 'goes on', 'b');
    },
  );

  it('waits for every copy, however it is fed', async () => {
    const lab = await ReplicationLab.start(1);
    await lab.protect([lab.leg('b', 'sync'), lab.leg('c', 'async', { from: 'b' })]);
    lab.tick(30);
    await grow(lab, 'b', 'vm_1');
    expect((await grow(lab, 'a', 'vm_1'))?.reason).toContain('at c is smaller');
    await grow(lab, 'c', 'vm_1');
    expect(await grow(lab, 'a', 'vm_1')).toMatchObject({ outcome: 'done' });
  });

  it('does not wait for a copy to which nothing is sent; that leg is resumed once the copy is as large', async () => {
    const lab = await ReplicationLab.start(1);
    await lab.protect([lab.leg('b', 'sync')]);
    lab.tick(30);
    const leg = { groupId: GROUP, epoch: 1, siteId: 'b', version: 99 };
    await lab.port.suspendLegs('a', [{ ...leg, suspended: true }]);
    expect(await grow(lab, 'a', 'vm_1')).toMatchObject({ outcome: 'done' });
    await lab.write('vm_1', NEW, 'at a alone');
    const [refused] = await lab.port.suspendLegs('a', [{ ...leg, suspended: false }]);
    expect(refused).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('has 1 GiB, and the disk 2') });
    expect((await lab.legTo('b'))?.state).toBe('suspended');
    await grow(lab, 'b', 'vm_1');
    expect(await lab.port.suspendLegs('a', [{ ...leg, suspended: false }])).toMatchObject([{ outcome: 'done' }]);
    lab.tick(60);
    expect((await lab.legTo('b'))?.state).toBe('synced');
    expect(await lab.blocks('b', 'vm_1')).toEqual({ [NEW]: 'at a alone' });
  });

  it('and a leg that is ordered for the first time finds its copy large enough, or is refused', async () => {
    const lab = await ReplicationLab.start(1);
    await grow(lab, 'a', 'vm_1');
    expect(await lab.protect([lab.leg('b', 'sync')])).toMatchObject({ outcome: 'refused' });
    await grow(lab, 'b', 'vm_1');
    expect(await lab.protect([lab.leg('b', 'sync')])).toMatchObject({ outcome: 'done' });
  });

  it.each([
    ['a leg is resumed while its volume is made larger', 'grow'],
    ['its volume is made larger while a leg is resumed', 'resume'],
  ])('whichever is first: %s', async (_, inTheMiddleOf) => {
    const lab = await ReplicationLab.start(1);
    await lab.protect([lab.leg('b', 'sync')]);
    lab.tick(30);
    const leg = { groupId: GROUP, epoch: 1, siteId: 'b', version: 99 };
    await lab.port.suspendLegs('a', [{ ...leg, suspended: true }]);
    const grows = (port: HypervisorPort) => port.growVolumes('a', [{ ...lab.volume('a', 'vm_1'), sizeGiB: 2 }]);
    const resumes = (port: HypervisorPort) => port.suspendLegs('a', [{ ...leg, suspended: false }]);
    const [late, early] = inTheMiddleOf === 'grow' ? [grows, resumes] : [resumes, grows];
    const [second] = await late(interrupted(lab, () => early(lab.port)));
    expect(second).toMatchObject({ outcome: inTheMiddleOf === 'grow' ? 'waits' : 'refused' });
    expect(await sizeOf(lab, 'b', 'vm_1')).toBe(1);
    const sent = (await lab.legTo('b'))?.state !== 'suspended';
    expect([sent, await sizeOf(lab, 'a', 'vm_1')]).toEqual(inTheMiddleOf === 'grow' ? [true, 1] : [false, 2]);
  });
});

/** A site in whose first write something else comes between. */
function interrupted(lab: ReplicationLab, between: () => Promise<unknown>): HypervisorPort {
  let first = true;
  const store = new Proxy(lab.store, {
    get(target, asked) {
      const member = Reflect.get(target, asked, target) as unknown;
      if (typeof member !== 'function') return member;
      if (asked !== 'commit' && asked !== 'update') return member.bind(target);
      return async (...args: unknown[]) => {
        if (first) {
          first = false;
          await between();
        }
        return (member as (...a: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return simulatedSite(new World(store), lab.clock);
}
