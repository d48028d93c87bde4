import { afterEach, describe, expect, it } from 'vitest';
import type { Cost } from '../../../shared/store/store.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { TestGroups } from '../../support/protection.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

/** What a probe reads besides, of two sites: clusters, hosts, incidents and what is kept for failures. Measured. */
const OTHER_READS_PER_MINUTE = 7.5;
/** What the watch may cost of the tables, while all is well. */
const IDLE_READS_PER_MINUTE = 1;
const LEASE_WRITES_PER_MINUTE = 3;

let test: TestCloud;
let costs: Cost[];
let groups: TestGroups;
afterEach(() => test.stop());

async function begin(): Promise<VmView> {
  costs = [];
  const onCost = (cost: Cost, who: string) => {
    if (who === 'probe') costs.push(cost);
  };
  test = await TestCloud.start({ estate: 'two-sites', memory: memoryEngine(), onCost });
  const acme = await TestTenant.create(test);
  groups = new TestGroups(acme);
  const [vm] = await acme.running(1, { siteId: 'site_a' });
  return vm as VmView;
}
/** Requests of the probe in ten minutes, per minute. */
async function perMinute() {
  costs.length = 0;
  await test.advance(600);
  const requests = (kind: Cost['request']) =>
    new Set(costs.filter((c) => c.request === kind).map((c) => c.id)).size / 10;
  return { reads: requests('read'), writes: requests('write') };
}

describe('what the watch costs', () => {
  it('without any group: one look a minute whether there are some, and no write', async () => {
    await begin();
    const before = await perMinute();
    expect(before.writes).toBe(0);
    expect(before.reads).toBeLessThanOrEqual(OTHER_READS_PER_MINUTE + IDLE_READS_PER_MINUTE);
  });

  it('with a group that is well: its record and lease every 15 s, and one write of the lease in 20 s to 30 s', async () => {
    const vm = await begin();
    const without = await perMinute();
    await groups.protected([vm], { mode: 'sync', targetSiteId: 'site_b' });
    await test.advance(60);
    const { reads, writes } = await perMinute();
    expect(writes).toBeLessThanOrEqual(LEASE_WRITES_PER_MINUTE);
    expect(writes).toBeGreaterThan(0);
    expect(reads - without.reads).toBeLessThanOrEqual(14);
  });
});
