import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../../shared/kernel/clock.ts';
import { GROUP, ReplicationLab } from './lab.ts';

let lab: ReplicationLab;
beforeEach(async () => {
  lab = await ReplicationLab.start();
  await lab.lease('a', 60);
});

describe('a synchronous pair', () => {
  beforeEach(async () => {
    await lab.write('vm_1', 0, 'before');
    expect(await lab.protect([lab.leg('b', 'sync')])).toEqual({ groupId: GROUP, outcome: 'done' });
    lab.tick(10);
    expect((await lab.legTo('b'))?.state).toBe('synced');
  });

  it('has every acknowledged write at both sites in the same instant', async () => {
    await lab.write('vm_1', 1, 'one');
    await lab.write('vm_2', 7, 'two');
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 0: 'before', 1: 'one' });
    expect(await lab.blocks('b', 'vm_2')).toEqual({ 7: 'two' });
  });

  it('holds writes back while its link is down, until it is told to go on alone', async () => {
    const cut = await lab.fault('link-cut', 'ab');
    await expect(lab.write('vm_1', 1, 'no')).rejects.toThrow(/held back/);
    expect((await lab.status('a')).writes).toBe('held-back');
    await lab.port.goAlone('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', order: 1 }]);
    await lab.write('vm_1', 1, 'alone');
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 0: 'before' });
    lab.tick(30);
    await lab.mend(cut);
    lab.tick(10);
    expect((await lab.legTo('b'))?.state).toBe('synced');
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 0: 'before', 1: 'alone' });
  });

  it('writes on both again as soon as the link is there, where it was not told to go on alone', async () => {
    const cut = await lab.fault('link-cut', 'ab');
    await expect(lab.write('vm_1', 1, 'no')).rejects.toThrow(/held back/);
    await lab.mend(cut);
    await lab.write('vm_1', 1, 'yes');
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 0: 'before', 1: 'yes' });
  });

  it('loses nothing when its site burns', async () => {
    await lab.write('vm_1', 1, 'last');
    await lab.fault('site-loss', 'a');
    lab.tick(70);
    const promoted = await lab.promote('b', { former: { leaseUntil: lab.clock.now() } });
    expect(promoted).toMatchObject({ outcome: 'promoted', lost: { count: 0, bytes: 0 } });
    await lab.boot('b', 'vm_1');
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 0: 'before', 1: 'last' });
    await lab.write('vm_1', 2, 'on');
    expect((await lab.blocks('b', 'vm_1'))[2]).toBe('on');
  });

  it('in order while it catches up: what is there has no gap, at any instant', async () => {
    await lab.fault('link-degraded', 'ab');
    const cut = await lab.fault('link-cut', 'ab');
    await lab.port.goAlone('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', order: 1 }]);
    const big = 'x'.repeat(4000);
    for (let i = 0; i < 200; i++) await lab.write(i % 2 ? 'vm_1' : 'vm_2', 100 + i, `${i}${big}`.slice(0, 4000));
    await lab.mend(cut);
    let last = 0;
    for (let step = 0; step < 12; step++) {
      lab.tick(0.7);
      await lab.status('a');
      const there = { ...(await lab.blocks('b', 'vm_1')), ...(await lab.blocks('b', 'vm_2')) };
      const numbers = Object.keys(there)
        .map(Number)
        .filter((n) => n >= 100);
      expect(Math.max(99, ...numbers)).toBe(99 + numbers.length);
      expect(numbers.length).toBeGreaterThanOrEqual(last);
      last = numbers.length;
    }
    expect(last).toBeGreaterThan(20);
    expect(last).toBeLessThan(200);
  });
});

describe('an asynchronous leg', () => {
  beforeEach(async () => {
    await lab.write('vm_1', 0, 'before');
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(5);
  });

  it('is of use once its first copy has crossed the link', async () => {
    const { copy } = await lab.status('b');
    expect(copy?.state).toBe('behind');
    expect(copy?.points).toHaveLength(1);
    expect(copy?.points[0]?.usableAt).toBeGreaterThan(copy?.points[0]?.stateAt ?? 0);
  });

  it('cuts a point by its schedule, which holds exactly what was written by then', async () => {
    await lab.lease('a', 3600);
    await lab.write('vm_1', 1, 'in');
    lab.tick(5 * 60);
    await lab.write('vm_1', 2, 'out');
    const { copy, head } = await lab.status('b');
    expect(copy?.points.at(-1)).toMatchObject({ sequence: 1 });
    expect(copy?.points.at(-1)?.stateAt).toBeLessThan(lab.clock.now());
    expect(head.sequence).toBe(1);
  });

  it('loses exactly what it says when its site burns, and nothing before the point', async () => {
    await lab.lease('a', 3600);
    await lab.write('vm_1', 1, 'kept');
    await lab.write('vm_2', 1, 'kept too');
    lab.tick(5 * 60);
    await lab.status('b');
    await lab.write('vm_1', 1, 'lost');
    await lab.write('vm_2', 2, 'lost too');
    lab.tick(1);
    await lab.fault('site-loss', 'a');
    lab.tick(60);
    const promoted = await lab.promote('b', { former: { leaseUntil: lab.clock.now() } });
    expect(promoted).toMatchObject({ outcome: 'promoted', lost: { count: 2, bytes: 12 } });
    expect(await lab.blocks('b', 'vm_1')).toEqual({ 0: 'before', 1: 'kept' });
    expect(await lab.blocks('b', 'vm_2')).toEqual({ 1: 'kept too' });
  });

  it('a point that was asked for is complete when it says so, and has all that was acknowledged before', async () => {
    for (let i = 0; i < 50; i++) await lab.write('vm_1', 10 + i, 'y'.repeat(4096));
    const [cut] = await lab.port.cutPoints('a', [{ groupId: GROUP, epoch: 1, token: 't1' }]);
    await lab.write('vm_1', 99, 'after');
    const again = await lab.port.cutPoints('a', [{ groupId: GROUP, epoch: 1, token: 't1' }]);
    expect(again[0]).toEqual(cut);
    expect(cut?.usableAt).toBeGreaterThan(lab.clock.now());
    lab.clock.advanceTo((cut?.usableAt ?? 0) - 1);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(0);
    lab.clock.advanceTo(cut?.usableAt ?? 0);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(cut?.sequence);
  });

  it('rests while the link is cut in the middle, and goes on where it was', async () => {
    for (let i = 0; i < 500; i++) await lab.write('vm_1', i, 'z'.repeat(4096));
    const [cut] = await lab.port.cutPoints('a', [{ groupId: GROUP, epoch: 1, token: 't' }]);
    const takes = (cut?.usableAt ?? 0) - lab.clock.now();
    lab.tick(1);
    const broken = await lab.fault('link-cut', 'ab');
    lab.tick(600);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(0);
    await lab.mend(broken);
    lab.clock.advanceTo(lab.clock.now() + takes - SECOND + 10);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(500);
  });

  it('can be promoted at an earlier point that is kept', async () => {
    await lab.lease('a', 7200);
    for (const text of ['one', 'two', 'three']) {
      await lab.write('vm_1', 1, text);
      lab.tick(5 * 60);
      await lab.status('b');
    }
    const points = (await lab.status('b')).copy?.points ?? [];
    expect(points).toHaveLength(3);
    await lab.fault('site-loss', 'a');
    const until = lab.clock.now();
    const promoted = await lab.promote('b', { former: { leaseUntil: until }, point: points[1]?.sequence });
    expect(promoted).toMatchObject({ outcome: 'promoted', lost: { count: 1 } });
    expect((await lab.blocks('b', 'vm_1'))[1]).toBe('two');
  });
});

describe('the right to write', () => {
  beforeEach(async () => {
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(5);
    await lab.status('b');
  });

  it('is given up over the link in the instant in which the other one takes it', async () => {
    await lab.write('vm_1', 1, 'unsent');
    const promoted = await lab.promote('b', { former: { leaseUntil: lab.clock.now() + MINUTE } });
    expect(promoted).toMatchObject({ outcome: 'promoted', lost: { count: 1 } });
    await expect(lab.write('vm_1', 2, 'no', 'a')).rejects.toThrow(/right to write/);
    expect((await lab.status('a')).divergent).toMatchObject({ count: 1, discarded: false });
  });

  it('is waited for where the former primary cannot be reached and its lease runs', async () => {
    await lab.fault('link-cut', 'ab');
    const until = lab.clock.now() + 30 * SECOND;
    expect(await lab.promote('b', { former: { leaseUntil: until } })).toMatchObject({ outcome: 'waits', until });
    await lab.write('vm_1', 1, 'still mine', 'a');
  });

  it('ends by itself where the primary sees neither the control plane nor the other copy', async () => {
    await lab.fault('link-cut', 'ab');
    lab.tick(61);
    await expect(lab.write('vm_1', 1, 'no', 'a')).rejects.toThrow(/lease/);
    expect((await lab.status('a')).writes).toBe('lease-over');
  });

  it('stays while the control plane is away, as long as the sites see each other', async () => {
    lab.tick(3600);
    await lab.write('vm_1', 1, 'yes', 'a');
  });

  it('is not had by a copy: nothing starts there', async () => {
    expect(await lab.boot('b', 'vm_1')).toMatchObject({ outcome: 'refused' });
  });

  it('never goes back to an older epoch', async () => {
    await lab.promote('b', { former: { leaseUntil: 0 }, epoch: 3 });
    expect(await lab.promote('b', { former: 'demoted', epoch: 3 })).toMatchObject({ outcome: 'already' });
    expect((await lab.port.demoteGroups('b', [{ groupId: GROUP, epoch: 2 }]))[0]).toMatchObject({ outcome: 'refused' });
    expect(await lab.promote('a', { former: 'demoted', epoch: 2 })).toMatchObject({ outcome: 'refused' });
  });

  it('is taken back by a former primary that nobody has followed', async () => {
    await lab.write('vm_1', 1, 'mine');
    const [demoted] = await lab.port.demoteGroups('a', [{ groupId: GROUP, epoch: 1 }]);
    expect(demoted).toMatchObject({ outcome: 'done', head: { sequence: 1 } });
    await expect(lab.write('vm_1', 2, 'no', 'a')).rejects.toThrow(/right to write/);
    expect(await lab.promote('a', { former: 'demoted', epoch: 2 })).toMatchObject({ outcome: 'promoted' });
    await lab.write('vm_1', 2, 'yes', 'a');
    lab.tick(600);
    expect((await lab.status('b')).copy?.points.at(-1)?.sequence).toBe(2);
  });
});

describe('the way back', () => {
  it('goes through an explicit discard, sends only what differs, and loses nothing of the new primary', async () => {
    for (let i = 0; i < 100; i++) await lab.write('vm_1', i, `old ${i}`);
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(10);
    await lab.status('b');
    await lab.write('vm_1', 3, 'divergent');
    lab.tick(1);
    await lab.fault('link-cut', 'ab');
    lab.tick(70);
    const cut = 'flt_1';
    await lab.promote('b', { former: { leaseUntil: lab.clock.now() } });
    await lab.boot('b', 'vm_1');
    await lab.write('vm_1', 4, 'new');
    await lab.mend(cut);
    await lab.port.demoteGroups('a', [{ groupId: GROUP, epoch: 1 }]);
    const read = await lab.port.divergentWrites('a', { groupId: GROUP, after: 0, limit: 10 });
    expect(read.total.count).toBe(1);
    expect(Buffer.from(read.writes[0]?.data ?? '', 'base64').toString()).toBe('divergent');
    const back = { ...lab.leg('a', 'async', { from: 'b' }), siteId: 'a' };
    const order = { at: 'b', epoch: 2, version: 2 };
    expect(await lab.protect([back], order)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('1 writes'),
    });
    expect((await lab.blocks('a', 'vm_1'))[3]).toBe('divergent');
    await lab.port.discardDivergence('a', [{ groupId: GROUP, epoch: 1 }]);
    expect(await lab.protect([back], order)).toMatchObject({ outcome: 'done' });
    lab.tick(10);
    const { copy } = await lab.status('a');
    expect(copy?.state).toBe('behind');
    expect(await lab.blocks('a', 'vm_1')).toEqual(await lab.blocks('b', 'vm_1'));
    const [leg] = (await lab.status('b')).legs;
    expect(leg?.sentBytes).toBe(2 * 4096);
  });
});

describe('copies for a test', () => {
  it('hold what the copy held at its point, and change nothing of it', async () => {
    await lab.write('vm_1', 1, 'one');
    await lab.protect([lab.leg('b', 'async')]);
    lab.tick(10);
    await lab.status('b');
    await lab.write('vm_1', 1, 'two');
    const before = await lab.blocks('b', 'vm_1');
    const to = { id: 'vol_t', vmId: 'vm_test', name: 'root', sizeGiB: 1, datastoreId: 'ds_b' };
    const order = { groupId: GROUP, volumes: [{ vmId: 'vm_1', name: 'root', to }] };
    expect((await lab.port.cloneGroups('b', [order]))[0]).toMatchObject({ outcome: 'done', point: { sequence: 0 } });
    await lab.port.cloneGroups('b', [order]);
    const [read] = await lab.port.readBlocks('b', [{ ...to, after: -1, limit: 10 }]);
    expect(read?.blocks.map((b) => Buffer.from(b.data, 'base64').toString())).toEqual(['one']);
    expect(await lab.blocks('b', 'vm_1')).toEqual(before);
  });
});
