import { afterEach, describe, expect, it } from 'vitest';
import type { BuiltinEstate } from '../../../shared/estate/builtin.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { TestGroups } from '../../support/protection.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
let groups: TestGroups;
afterEach(async () => {
  await test.settle();
  expect(await test.violations()).toEqual([]);
  await test.stop();
});

async function begin(count = 1, estate: BuiltinEstate | object = 'two-sites'): Promise<VmView[]> {
  test = await TestCloud.start({ estate, memory: memoryEngine() });
  acme = await TestTenant.create(test);
  groups = new TestGroups(acme);
  return acme.running(count, { siteId: 'site_a' });
}

const sync = { mode: 'sync', targetSiteId: 'site_b' };
const async15 = { mode: 'async', targetSiteId: 'site_b', rpoMinutes: 15 };
const belief = () => readBelief(test.cloud.store);
const alarms = async () => (await belief()).alarms.filter((a) => a.state === 'active').map((a) => a.code);

describe('a group is protected', () => {
  it.each([sync, async15])('once its first copy is complete: %j', async (replication) => {
    const [vm] = (await begin()) as [VmView];
    const made = await groups.create([vm], replication);
    expect([made.status, made.body.state]).toEqual([201, 'initialSync']);
    expect(made.headers.get('operation-location')).toBe(`/v1/operations/${made.body.operationId}`);
    const group = await groups.until(made.body.id, 'protected', 1_200);
    expect(group.legs).toMatchObject([
      { from: 'site_a', siteId: 'site_b', mode: replication.mode, rpo: 'met', linkUp: true },
    ]);
    expect(group.silentSites).toBeUndefined();
  });
});
