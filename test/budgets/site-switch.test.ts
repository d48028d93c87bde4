import { afterEach, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import { readBelief } from '../../shared/store/belief.ts';
import { SiteSwitching } from '../support/site-switching.ts';
import { Switching, SYNC } from '../support/switching.ts';
import { TestTenant } from '../support/tenant.ts';

const TENANTS = 5;
const PLANS_EACH = 20;
const PLANS = TENANTS * PLANS_EACH;
/** Of the switch itself; those of each plan have budgets of their own. A pass looks at all plans at once. */
const MAX_TRANSITIONS = 25;
/** Of the switch itself, beside what its plans write. */
const MAX_SECONDS = 300;

let site: SiteSwitching;
afterEach(() => site?.test.stop());

it(`one request fails over ${PLANS} plans of ${TENANTS} tenants with at most ${MAX_TRANSITIONS} transitions of its own`, async () => {
  const stage = (name: string) => ({
    name,
    clusters: [{ name: 'c1', hosts: { count: 10, cores: 64, mhz: 2400, memoryGiB: 128 } }],
    datastores: [{ name: 'san', capacityGiB: 20_000 }],
  });
  const links = [{ from: 'a', to: 'b', latencyMs: 2, mbps: 10_000, mode: 'sync' }];
  site = await SiteSwitching.start({ sites: [stage('a'), stage('b')], links });
  const { test } = site;
  for (let t = 0; t < TENANTS; t++) {
    const story = new Switching(test, await TestTenant.create(test, `t${t}`));
    const shape = { vcpus: 1, memoryMiB: 512, sizeGiB: 1, siteId: 'site_a', name: `v${t}` };
    const vms = await story.acme.running(PLANS_EACH, shape);
    for (const [n, vm] of vms.entries()) {
      const made = await story.groups.create([vm], { ...SYNC, mbps: 50 }, { name: `g${t}-${n}` });
      if (made.status !== 201) throw new Error(`${made.status} ${JSON.stringify(made.body)}`);
    }
    await test.settle();
    const { groups } = await readBelief(test.cloud.store);
    for (const group of groups.filter((g) => g.tenantId === story.acme.id))
      await story.plan([group], { name: `p-${group.name}` });
  }
  await test.fault('site-loss', 'site_a');
  const begun = test.clock.now();
  const report = await site.done('failover');
  const transitions = test.cloud.engine.transitions.get(report.id) ?? 0;
  const took = (test.clock.now() - begun) / SECOND;
  console.log(
    `failover of a site with ${PLANS} plans: ${transitions} transitions, last VM ready after ${report.rtoSeconds} s, ended after ${took} s of cloud time`,
  );
  expect(report).toMatchObject({ state: 'success', plans: PLANS, outcomes: { success: PLANS }, vms: { ready: PLANS } });
  expect(transitions).toBeLessThanOrEqual(MAX_TRANSITIONS);
  expect(took).toBeLessThanOrEqual(MAX_SECONDS);
  expect(await test.violations()).toEqual([]);
}, 600_000);
