import { afterEach, describe, expect, it } from 'vitest';
import { Switching, SYNC } from '../../support/switching.ts';

let story: Switching;
afterEach(() => story.end());

async function begin(topology: 'cascade' | 'parallel' | 'star') {
  story = await Switching.start('three-centres');
  const { vms, group } = await story.protect(1, { ...SYNC, topology, thirdSiteId: 'site_c', rpoMinutes: 5 });
  const plan = await story.plan([group]);
  await story.write(vms, 3);
  await story.test.advance(400);
  return { vms, group, plan };
}
const active = async (id: string) =>
  (await story.groups.get(id)).legs.filter((l) => !l.standby).map((l) => `${l.from}>${l.siteId} ${l.mode}`);
const back = async (fault: string | undefined) => {
  await story.test.client.must('DELETE', `/v1/sim/faults/${fault}`, story.test.operator);
  await story.test.advance(120);
  await story.test.settle();
};

/** I8: A is lost, B takes over, and C goes on being fed; A returns and B resynchronises it, and all is as it was planned. */
describe.each([
  ['cascade', ['site_b>site_a sync', 'site_b>site_c async']],
  ['parallel', ['site_b>site_a sync', 'site_a>site_c async']],
  ['star', ['site_b>site_a sync', 'site_b>site_c async']],
] as const)('I8: three centres as a %s, and A is lost', (topology, reprotected) => {
  it('B takes over and feeds C at once; when A is back it is resynchronised, and nothing that was acknowledged is lost', async () => {
    const { vms, group, plan } = await begin(topology);
    const [fault] = await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report).toMatchObject({ state: 'success', lostWrites: { count: 0 } });
    expect(await active(group.id)).toEqual(['site_b>site_c async']);
    await story.write(vms, 2);
    await story.test.advance(700);
    const seen = await story.groups.get(group.id);
    expect(seen.legs[0]).toMatchObject({ rpo: 'met', state: 'behind' });
    // While A is away, C is what the group would go on at.
    expect(seen.afterLoss).toContainEqual(expect.objectContaining({ lost: ['site_b'], siteId: 'site_c' }));

    await back(fault);
    expect(await story.done(plan, 'reprotect')).toMatchObject({ state: 'success' });
    await story.groups.until(group.id, 'protected');
    expect(await active(group.id)).toEqual(reprotected);
    await story.write(vms, 2);
    await story.test.advance(700);
    for (const leg of (await story.groups.get(group.id)).legs.filter((l) => !l.standby))
      expect(leg).toMatchObject({ rpo: 'met' });
    expect(await story.missing()).toEqual([]);
  });
});
