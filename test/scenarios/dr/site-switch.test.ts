import { afterEach, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import { type Guarded, SiteSwitching } from '../../support/site-switching.ts';

let site: SiteSwitching;
afterEach(async () => {
  await site.test.settle(7_200);
  expect(await site.test.violations()).toEqual([]);
  await site.test.stop();
});

const states = async () =>
  (await readBelief(site.test.cloud.store)).vms.map((vm) => [vm.siteId, vm.state, vm.claim] as const);
const outcomes = (report: { items: { tenantId: string; outcome: string }[] }, all: Guarded[]) =>
  all.map(({ story }) => report.items.find((i) => i.tenantId === story.acme.id)?.outcome);

describe('a site burns, and one request fails over all of its plans', () => {
  it('of three tenants every VM runs at the other site, with every block that was acknowledged', async () => {
    site = await SiteSwitching.start();
    const all = [await site.tenant('acme'), await site.tenant('globex'), await site.tenant('initech', { vms: 3 })];
    for (const { story, vms } of all) await story.write(vms, 3);
    await site.test.fault('site-loss', 'site_a');
    const report = await site.done('failover');
    expect(report).toMatchObject({
      state: 'success',
      plans: 3,
      outcomes: { success: 3 },
      vms: { all: 7, ready: 7, failed: 0 },
      lostWrites: { count: 0, bytes: 0 },
      rpoSeconds: 0,
    });
    expect(await states()).toEqual(Array.from({ length: 7 }, () => ['site_b', 'running', undefined]));
    for (const { story } of all) expect(await story.missing()).toEqual([]);
    // The time counts from the one word, to the last VM of all plans.
    expect(report.rtoSeconds).toBe(Math.max(...report.items.map((i) => i.readySeconds as number)));
    expect(report.seconds).toBeGreaterThanOrEqual(report.rtoSeconds as number);
    expect(await site.operation(report.id)).toMatchObject({ state: 'success', result: { plans: 3 } });
  });
});
