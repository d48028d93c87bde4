import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../../shared/kernel/clock.ts';
import { simulatedSite } from '../../../shared/world/agent.ts';
import { Guest } from '../../../shared/world/guest.ts';
import { trueCopies } from '../../../shared/world/replication/truth.ts';
import { World } from '../../../shared/world/world.ts';
import { beforeCommits, once } from '../../support/interleave.ts';
import { GROUP, ReplicationLab } from './lab.ts';

let lab: ReplicationLab;
beforeEach(async () => {
  lab = await ReplicationLab.start();
  await lab.lease('a', 60);
});
const writers = async () =>
  (await trueCopies(lab.world, await lab.world.faults(), lab.clock.now())).filter((c) => c.writes).map((c) => c.siteId);
const burn = async (site: string) => {
  await lab.fault('site-loss', site);
  lab.tick(70);
};

describe('the right to write is at one site', () => {
  it('also of a primary that was promoted, while a third copy could be: it needs its lease', async () => {
    await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async')]);
    lab.tick(10);
    await lab.status('a');
    await burn('a');
    await lab.lease('b', 30);
    await lab.promote('b', { former: { leaseUntil: lab.clock.now() } });
    expect(await writers()).toEqual(['b']);
    lab.tick(31);
    expect(await lab.promote('c', { epoch: 3, former: { leaseUntil: lab.clock.now() } })).toMatchObject({
      outcome: 'promoted',
    });
    expect(await writers()).toEqual(['c']);
  });

  it('and not given twice: an order of an older epoch that comes late finds who has it', async () => {
    await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async')]);
    lab.tick(10);
    await lab.status('a');
    await burn('a');
    await lab.promote('c', { epoch: 3, former: 'demoted' });
    await lab.lease('c', 60);
    expect(await lab.promote('b', { epoch: 2, former: 'demoted' })).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('c has taken over'),
    });
    expect(await writers()).toEqual(['c']);
  });

  it('is not asked back by an order of an epoch that was given up', async () => {
    await lab.protect([lab.leg('b', 'async')]);
    await lab.port.demoteGroups('a', [{ groupId: GROUP, epoch: 4 }]);
    expect(await lab.promote('a', { epoch: 3, former: 'demoted' })).toMatchObject({ outcome: 'refused' });
    expect(await lab.promote('a', { epoch: 5, former: 'demoted' })).toMatchObject({ outcome: 'promoted' });
  });

  it('takes nobody along: an old primary that does not know of it gets no copy by a late order', async () => {
    await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async')]);
    lab.tick(10);
    await lab.status('a');
    await lab.fault('link-cut', 'ab');
    lab.tick(70);
    await lab.promote('b', { former: { leaseUntil: lab.clock.now() } });
    expect(await lab.protect([lab.leg('c', 'async')], { version: 2 })).toMatchObject({ outcome: 'refused' });
    expect(await lab.protect([], { version: 3 })).toMatchObject({ outcome: 'refused' });
    expect(await writers()).not.toContain('a');
  });

  it('is refused to a copy whose storage is lost', async () => {
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(10);
    await lab.status('b');
    await lab.fault('datastore-loss', 'ds_b');
    expect(await lab.promote('b', { former: 'demoted' })).toMatchObject({ outcome: 'refused' });
    expect((await lab.status('a')).role).toBe('primary');
  });

  it('does not come back to processes of before: what they know is not what stands on their disks', async () => {
    await lab.write('vm_1', 1, 'one');
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(10);
    await lab.promote('b', { former: 'demoted' });
    await lab.boot('b', 'vm_1');
    await lab.write('vm_1', 1, 'two', 'b');
    await lab.protect([lab.leg('a', 'async', { from: 'b' })], { at: 'b', epoch: 2, version: 2 });
    lab.tick(10);
    await lab.promote('a', { epoch: 3, former: 'demoted' });
    await expect(lab.write('vm_1', 1, 'ghost', 'a')).rejects.toThrow();
    await lab.boot('a', 'vm_1');
    await lab.write('vm_1', 1, 'three', 'a');
  });
});

describe('what a former primary alone has', () => {
  /** b takes over at an older point than c has, acknowledges little, and is followed by c. */
  async function twice() {
    await lab.lease('a', 5000);
    await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async')]);
    for (let i = 1; i <= 3; i++) {
      await lab.write('vm_1', i, `old ${i}`);
      lab.tick(5 * 60);
      await lab.status('a');
    }
    await lab.promote('b', { former: 'demoted', point: (await lab.status('b')).copy?.points[0]?.sequence as number });
    await lab.lease('b', 60);
    await lab.boot('b', 'vm_1');
    await lab.write('vm_1', 9, 'of b alone', 'b');
    await lab.port.demoteGroups('b', [{ groupId: GROUP, epoch: 2 }]);
    expect(await lab.promote('c', { epoch: 3, former: 'demoted' })).toMatchObject({ outcome: 'promoted' });
  }

  it('is told also where its numbers are those of writes that the new primary has', async () => {
    await twice();
    expect((await lab.status('b')).divergent).toMatchObject({ count: 1 });
    const back = lab.leg('b', 'async', { from: 'c' });
    expect(await lab.protect([back], { at: 'c', epoch: 3, version: 2 })).toMatchObject({ outcome: 'refused' });
    expect((await lab.blocks('b', 'vm_1'))[9]).toBe('of b alone');
  });

  it('is not given up by a word that was said of less', async () => {
    await lab.lease('a', 5000);
    await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async', { periodMs: 60 * MINUTE })]);
    lab.tick(10);
    await lab.status('a');
    await lab.write('vm_1', 1, 'at a and b');
    lab.tick(5 * 60);
    await lab.status('b');
    await lab.write('vm_1', 2, 'at a');
    await lab.promote('b', { former: 'demoted' });
    await lab.port.discardDivergence('a', [{ groupId: GROUP, epoch: 1 }]);
    expect((await lab.status('a')).divergent).toMatchObject({ count: 1, discarded: true });
    await lab.port.demoteGroups('b', [{ groupId: GROUP, epoch: 2 }]);
    await lab.promote('c', { epoch: 3, former: 'demoted' });
    expect((await lab.status('a')).divergent).toMatchObject({ count: 2, discarded: false });
    const back = lab.leg('a', 'async', { from: 'c' });
    expect(await lab.protect([back], { at: 'c', epoch: 3, version: 2 })).toMatchObject({ outcome: 'refused' });
  });

  it('cannot be given up before anybody has followed it', async () => {
    await lab.protect([lab.leg('b', 'async')]);
    await lab.port.demoteGroups('a', [{ groupId: GROUP, epoch: 1 }]);
    expect((await lab.port.discardDivergence('a', [{ groupId: GROUP, epoch: 1 }]))[0]).toMatchObject({
      outcome: 'refused',
    });
  });
});

describe('an order that changes a leg', () => {
  it('lets no write go that a pair holds back', async () => {
    await lab.protect([lab.leg('b', 'sync')]);
    lab.tick(10);
    await lab.status('a');
    await lab.fault('link-cut', 'ab');
    const wider = lab.leg('b', 'sync');
    await lab.protect([{ ...wider, link: { ...wider.link, mbps: 16 } }], { version: 2 });
    await expect(lab.write('vm_1', 1, 'no')).rejects.toThrow(/held back/);
  });

  it('nor lets anything join a pair meanwhile', async () => {
    const { vms } = lab;
    const one = { ...lab.leg('b', 'sync'), volumes: [lab.volume('b', 'vm_1')] };
    await lab.protect([one], { vms: ['vm_1'] });
    lab.tick(10);
    await lab.status('a');
    await lab.fault('link-cut', 'ab');
    expect(await lab.protect([lab.leg('b', 'sync')], { version: 2, vms })).toMatchObject({ outcome: 'refused' });
    await expect(lab.write('vm_1', 1, 'no')).rejects.toThrow(/held back/);
  });

  it('from synchronous to asynchronous keeps all that the pair had', async () => {
    await lab.protect([lab.leg('b', 'sync')]);
    lab.tick(10);
    await lab.status('a');
    await lab.write('vm_1', 1, 'one');
    await lab.protect([lab.leg('b', 'async')], { version: 2 });
    await burn('a');
    expect(await lab.promote('b', { former: { leaseUntil: 0 } })).toMatchObject({
      outcome: 'promoted',
      point: { sequence: 1 },
      lost: { count: 0 },
    });
  });

  it('from asynchronous to synchronous goes on from the newest point, not the oldest', async () => {
    await lab.lease('a', 5000);
    await lab.protect([lab.leg('b', 'async')]);
    for (let i = 1; i <= 3; i++) {
      await lab.write('vm_1', i, 'x');
      lab.tick(5 * 60);
      await lab.status('b');
    }
    lab.tick(1);
    await lab.write('vm_1', 4, 'y'.repeat(4000));
    await lab.protect([lab.leg('b', 'sync')], { version: 2 });
    lab.tick(0.007);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(3);
    await lab.fault('site-loss', 'a');
    expect(await lab.promote('b', { former: { leaseUntil: 0 } })).toMatchObject({ point: { sequence: 3 } });
    expect(Object.keys(await lab.blocks('b', 'vm_1'))).toEqual(['1', '2', '3']);
  });

  it('while the first copy crosses the link does not make it arrive', async () => {
    for (let i = 0; i < 500; i++) await lab.write('vm_1', i, 'x');
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(1);
    await lab.protect([lab.leg('b', 'async', { periodMs: MINUTE })], { version: 2 });
    const leg = await lab.legTo('b');
    expect(leg?.state).toBe('initial');
    const left = (leg?.usableAt ?? 0) - lab.clock.now();
    expect(left).toBeGreaterThan((500 * 4096) / 1000 - SECOND);
    expect(left).toBeLessThan((500 * 4096) / 1000 - SECOND + 20);
  });

  it('that makes a former primary anew is refused while nobody hears it', async () => {
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(10);
    await lab.status('b');
    await lab.port.demoteGroups('a', [{ groupId: GROUP, epoch: 1 }]);
    await lab.promote('b', { former: 'demoted' });
    await lab.fault('link-cut', 'ab');
    const back = [lab.leg('a', 'async', { from: 'b' })];
    expect(await lab.protect(back, { at: 'b', epoch: 2, version: 2 })).toMatchObject({ outcome: 'refused' });
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'and was overtaken before its write %i changes nothing, however late it goes on',
    async (n) => {
      for (const site of ['b', 'c'])
        await lab.port.createVolumes(
          site,
          lab.vms.map((vm) => lab.volume(site, vm)),
        );
      await lab.protect([lab.leg('b', 'async')]);
      const order = { groupId: GROUP, epoch: 1, volumes: lab.vms.map((vm) => lab.volume('a', vm)) };
      let commits = 0;
      const store = beforeCommits(lab.store, async () => {
        if (++commits !== n) return;
        await lab.port.configureGroups('a', [{ ...order, version: 3, legs: [lab.leg('b', 'async')] }]);
      });
      const legs = [lab.leg('b', 'async'), lab.leg('c', 'async')];
      await simulatedSite(new World(store), lab.clock).configureGroups('a', [{ ...order, version: 2, legs }]);
      lab.tick(60);
      expect((await lab.status('a')).version).toBe(3);
      expect((await lab.status('a')).legs.map((l) => l.siteId)).toEqual(['b']);
      expect((await lab.port.groupStatus('c', [GROUP]))[0]?.copy).toBeUndefined();
    },
  );

  it('and comes after the group was dropped does not bring it back', async () => {
    await lab.protect([lab.leg('b', 'async')]);
    await lab.port.dropGroups('a', [GROUP]);
    await lab.port.dropGroups('b', [GROUP]);
    await lab.protect([lab.leg('b', 'async')]);
    expect(await lab.port.groupStatus('a', [GROUP])).toEqual([]);
    expect((await lab.world.volume('a', 'vm_1', 'root'))?.group).toBeUndefined();
  });
});

describe('what joins', () => {
  it('loses no write that is under way in the instant in which its group is formed', async () => {
    const store = beforeCommits(
      lab.store,
      once(async () => {
        await lab.protect([lab.leg('b', 'async')]);
      }),
    );
    await new Guest(new World(store), lab.clock).write('vm_1', 'root', 1, Buffer.from('in time'));
    lab.tick(10 * 60);
    await lab.status('b');
    lab.tick(10);
    expect(await lab.promote('b', { former: 'demoted' })).toMatchObject({ point: { sequence: 1 } });
    expect((await lab.blocks('b', 'vm_1'))[1]).toBe('in time');
  });

  it('is no part of points of before: nothing starts from a disk that was not copied by then', async () => {
    await lab.lease('a', 5000);
    const one = { ...lab.leg('b', 'async'), volumes: [lab.volume('b', 'vm_1')] };
    await lab.protect([one], { vms: ['vm_1'] });
    lab.tick(10);
    await lab.status('b');
    await lab.write('vm_1', 1, 'first');
    await lab.protect([lab.leg('b', 'async')], { version: 2 });
    await lab.write('vm_2', 1, 'second');
    expect(await lab.promote('b', { former: 'demoted' })).toMatchObject({ point: { sequence: 0 } });
    expect(await lab.boot('b', 'vm_1')).toMatchObject({ outcome: 'started' });
    expect(await lab.boot('b', 'vm_2')).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(/copied/) });
  });

  it('again after it had left is copied again, also where the order to leave went under half-way', async () => {
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(10);
    await lab.status('b');
    const order = { groupId: GROUP, epoch: 1, version: 2, volumes: [lab.volume('a', 'vm_1')] };
    const store = beforeCommits(lab.store, async () => {
      if (++commits > 1) throw new Error('died');
    });
    let commits = 0;
    const one = { ...lab.leg('b', 'async'), volumes: [lab.volume('b', 'vm_1')] };
    await expect(
      simulatedSite(new World(store), lab.clock).configureGroups('a', [{ ...order, legs: [one] }]),
    ).rejects.toThrow('died');
    await lab.write('vm_2', 1, 'outside');
    await lab.protect([lab.leg('b', 'async')], { version: 3 });
    lab.tick(10 * 60);
    await lab.status('b');
    expect(await lab.blocks('b', 'vm_2')).toEqual({ 1: 'outside' });
  });
});

describe('a leg that is suspended', () => {
  it('sends nothing meanwhile: a point that was asked for then leaves when it is resumed', async () => {
    await lab.lease('a', 5000);
    await lab.protect([lab.leg('b', 'async', { periodMs: 60 * MINUTE })]);
    lab.tick(10);
    await lab.status('b');
    const leg = { groupId: GROUP, epoch: 1, siteId: 'b' };
    await lab.port.suspendLegs('a', [{ ...leg, suspended: true, version: 1 }]);
    for (let i = 0; i < 200; i++) await lab.write('vm_1', i, 'x'.repeat(4000));
    await lab.port.cutPoints('a', [{ groupId: GROUP, epoch: 1, token: 't' }]);
    lab.tick(600);
    await lab.port.suspendLegs('a', [{ ...leg, suspended: false, version: 1 }]);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(0);
    lab.tick(1);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(200);
  });
});
