import { beforeEach, describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../../shared/kernel/clock.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import { GROUP, ReplicationLab } from './lab.ts';

let lab: ReplicationLab;
beforeEach(async () => {
  lab = await ReplicationLab.start();
  await lab.lease('a', 100_000);
});

const BLOCK = 4096;
const full = 'x'.repeat(BLOCK);
/** Mbit/s at which so many blocks, with the head of their message, cross the link in so many seconds. */
const rateFor = (blocks: number, seconds: number) => (blocks * BLOCK + 512) / (seconds * 125_000);

describe('worked examples, in the world', () => {
  it('I1: what begins at 12:00 and takes 5 minutes is of use at 12:05 with the state of 12:00, the next by 12:15', async () => {
    const start = lab.clock.now();
    const leg = lab.leg('b', 'async', { periodMs: 10 * MINUTE });
    const link = { ...leg.link, mbps: rateFor(60, 5 * 60), latencyMs: 0 };
    await lab.protect([{ ...leg, link }]);
    for (const minutes of [10, 20]) {
      lab.clock.advanceTo(start + minutes * MINUTE - 1);
      for (let i = 0; i < 60; i++) await lab.write('vm_1', i, full);
      lab.clock.advanceTo(start + (minutes + 5) * MINUTE - 1);
      expect((await lab.status('b')).copy?.points.at(-1)?.stateAt).toBeLessThan(start + minutes * MINUTE);
      lab.clock.advanceTo(start + (minutes + 5) * MINUTE);
      expect((await lab.status('b')).copy?.points.at(-1)).toMatchObject({
        stateAt: start + minutes * MINUTE,
        usableAt: start + (minutes + 5) * MINUTE,
      });
    }
  });

  it('I4: at 80 written and 50 sent a second the backlog is 30 for each, and is gone as fast as the link allows', async () => {
    // Blocks for megabytes, one second for ten; the link takes five blocks a second, with the head of each message.
    const link = { ...lab.leg('b', 'sync').link, mbps: (5 * (BLOCK + 512)) / 125_000, latencyMs: 0 };
    await lab.protect([{ ...lab.leg('b', 'sync'), link }]);
    lab.tick(1);
    await lab.status('a');
    await lab.port.suspendLegs('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', suspended: true, version: 1 }]);
    await lab.port.suspendLegs('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', suspended: false, version: 1 }]);
    let written = 0;
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 8; i++) await lab.write('vm_1', written++, full);
      lab.tick(1);
    }
    const backlog = async () => ((await lab.legTo('b'))?.backlogBytes ?? 0) / BLOCK;
    expect(await backlog()).toBe(180);
    const { points = [] } = (await lab.status('b')).copy ?? {};
    // The age of the oldest write that is not there: number 301 of 8 a second, not 180 : 5 seconds.
    expect(points.at(-1)?.sequence).toBe(300);
    expect(lab.clock.now() - (points.at(-1)?.stateAt ?? 0)).toBe((60 - 37) * SECOND);
    lab.tick(35);
    expect(await backlog()).toBe(5);
    lab.tick(1);
    expect(await backlog()).toBe(0);
  });

  it('I8: at the end of a cascade a point is as old as what it lacks of the primary, not as its own last cut', async () => {
    const further = lab.leg('c', 'async', { from: 'b', periodMs: MINUTE });
    await lab.protect([lab.leg('b', 'sync'), further]);
    lab.tick(120);
    await lab.write('vm_1', 1, 'at all three');
    lab.tick(120);
    const newest = async () => (await lab.status('c')).copy?.points.at(-1);
    expect(await newest()).toMatchObject({ sequence: 1 });
    await lab.fault('link-cut', 'ab');
    const cutAt = lab.clock.now();
    await lab.port.goAlone('a', [{ groupId: GROUP, epoch: 1, siteId: 'b', order: 1 }]);
    lab.tick(30);
    await lab.write('vm_1', 2, 'at a alone');
    lab.tick(600);
    expect(await newest()).toMatchObject({ sequence: 1, stateAt: cutAt });
  });

  it('I6: every point holds nothing, A, or A and B; never B alone', async () => {
    const random = seededRandom(6);
    await lab.protect([lab.leg('b', 'async', { periodMs: SECOND, keepPoints: 50 })]);
    const seen = new Set<string>();
    for (let i = 0; i < 60; i++) {
      await lab.write('vm_1', i, 'A');
      lab.tick(random.below(900) / 1000);
      await lab.write('vm_2', i, 'B');
      lab.tick(random.below(900) / 1000);
      const points = (await lab.status('b')).copy?.points ?? [];
      const point = points.at(-1)?.sequence;
      if (point === undefined) continue;
      const to = (vmId: string) => ({ ...lab.volume('b', `${vmId}_${i}`), vmId: `${vmId}_${i}` });
      const volumes = lab.vms.map((vmId) => ({ vmId, name: 'root', to: to(vmId) }));
      await lab.port.cloneGroups('b', [{ groupId: GROUP, point, volumes }]);
      const [a, b] = [
        await lab.port.readBlocks('b', [{ ...to('vm_1'), after: -1, limit: 100 }]),
        await lab.port.readBlocks('b', [{ ...to('vm_2'), after: -1, limit: 100 }]),
      ];
      const ahead = (a[0]?.blocks.length ?? 0) - (b[0]?.blocks.length ?? 0);
      seen.add(ahead === 0 ? 'both' : ahead === 1 ? 'A' : `B alone: ${ahead}`);
    }
    expect([...seen].sort()).toEqual(['A', 'both']);
  });

  it('what has reached a copy does not depend on how often anybody looks', async () => {
    const ends = [];
    for (const looks of [0, 1, 7]) {
      const world = await ReplicationLab.start();
      await world.lease('a', 100_000);
      await world.protect([world.leg('b', 'async', { periodMs: MINUTE }), world.leg('c', 'sync')]);
      let cut = '';
      for (let i = 0; i < 30; i++) {
        if (i >= 9) await world.port.goAlone('a', [{ groupId: GROUP, epoch: 1, siteId: 'c', order: 1 }]);
        await world.write('vm_1', i, full);
        if (i === 5) await world.fault('link-degraded', 'ab');
        if (i === 9) cut = await world.fault('link-cut', 'ac');
        if (i === 12) await world.mend(cut);
        for (let n = 0; n < looks; n++) {
          world.tick(13 / looks);
          await world.status('b');
        }
        if (looks === 0) world.tick(13);
      }
      const [b] = (await world.status('a')).legs;
      ends.push({ newest: b?.newest, sentBytes: b?.sentBytes, backlog: b?.backlogBytes, usableAt: b?.usableAt });
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });
});
