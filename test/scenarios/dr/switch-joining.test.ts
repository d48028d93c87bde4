import { afterEach, describe, expect, it } from 'vitest';
import { Switching, SYNC } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

/** So slow that the first copy of a VM with so many blocks crosses it for some 13 s. */
const SLOW = { ...SYNC, mbps: 1 };
const BLOCKS = 400;

async function begin() {
  story = await Switching.start();
  const { vms, group } = await story.protect(2, SLOW);
  const plan = await story.plan([group]);
  const [late] = await story.acme.running(1, { siteId: 'site_a', name: 'late' });
  if (!late) throw new Error('no VM');
  await story.write([late], BLOCKS);
  const reply = await story.groups.call('PATCH', `/${group.id}`, { addVms: [late.id] });
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return { vms, group, plan, late };
}

describe('a VM is added to a synchronous group', () => {
  it('the others stay in step meanwhile, and it is said who is protected to which point', async () => {
    const { vms, group, late } = await begin();
    const seen = await story.test.until(async () => {
      const now = await story.groups.get(group.id);
      return now.legs[0]?.lacks && now;
    });
    expect(seen).toMatchObject({ state: 'protected', outdated: [{ vmId: late.id }] });
    expect(seen.legs[0]).toMatchObject({ state: 'synced', rpo: 'met', lagSeconds: 0, lacks: [late.id] });
    expect(await story.write([...vms, late])).toBe(0);
    await story.test.settle();
    const after = await story.groups.get(group.id);
    expect([after.legs[0]?.state, after.legs[0]?.lacks, after.outdated]).toEqual(['synced', undefined, undefined]);
  });

  it('and once its first copy is there, a failover brings it along with all that it wrote', async () => {
    const { vms, plan, late } = await begin();
    await story.test.settle();
    await story.write([...vms, late]);
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report).toMatchObject({ state: 'success', lostWrites: { count: 0, known: 'exact' } });
    expect(await story.missing()).toEqual([]);
  });

  it('a failover in the middle loses nothing of the others; the one that was not there entirely is not started', async () => {
    const { vms, group, plan, late } = await begin();
    await story.test.until(async () => (await story.groups.get(group.id)).legs[0]?.lacks);
    await story.write(vms, 2);
    const [fault] = await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report).toMatchObject({ state: 'partial', lostWrites: { count: 0, known: 'exact' } });
    expect(report.groups[0]).toMatchObject({ without: [late.id] });
    const behind = report.vms.find((vm) => vm.id === late.id);
    expect(behind).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('first copy was not complete') });
    expect((await story.missing()).filter((w) => w.vmId !== late.id)).toEqual([]);
    expect(await story.write(vms)).toBe(0);
    expect((await story.groups.get(group.id)).vms).toEqual(vms.map((vm) => vm.id));

    await story.test.client.must('DELETE', `/v1/sim/faults/${fault}`, story.test.operator);
    await story.test.advance(120);
    await story.test.settle();
    expect(await story.done(plan, 'failover')).toMatchObject({ state: 'success' });
    expect(await story.done(plan, 'reprotect')).toMatchObject({ state: 'success' });
    await story.groups.until(group.id, 'protected');
    // High availability could not start it while its disks belonged to a copy; now it can be stopped and started.
    await story.acme.action(late.id, 'stop');
    await story.test.settle();
    expect((await story.acme.action(late.id, 'start')).status).toBe(202);
    await story.test.settle();
    const { vms: all } = await story.belief();
    expect(all.find((vm) => vm.id === late.id)).toMatchObject({ siteId: 'site_a', state: 'running' });
    expect(all.find((vm) => vm.id === late.id)?.protection).toBeUndefined();
    // What it had is all there, at home, and it goes on.
    expect(await story.missing()).toEqual([]);
    expect(await story.write([late, ...vms])).toBe(0);
  });
});
