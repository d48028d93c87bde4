import { afterEach, describe, expect, it } from 'vitest';
import type { BuiltinEstate } from '../../../shared/estate/builtin.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { type GroupView, TestGroups } from '../../support/protection.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
let groups: TestGroups;
afterEach(async () => {
  await test.settle();
  expect(await test.violations()).toEqual([]);
  await test.stop();
});

const sync = { mode: 'sync', targetSiteId: 'site_b' };
const async15 = { mode: 'async', targetSiteId: 'site_b', rpoMinutes: 15 };
const LINK = 'link_a-b';

async function begin(estate: BuiltinEstate = 'two-sites'): Promise<VmView> {
  test = await TestCloud.start({ estate, memory: memoryEngine() });
  acme = await TestTenant.create(test);
  groups = new TestGroups(acme);
  const [vm] = await acme.running(1, { siteId: 'site_a' });
  return vm as VmView;
}
/** A guest's write: 200, or 503 while it is held back. */
async function write(vm: VmView, index: number, text = `block ${index}`): Promise<number> {
  const path = `/v1/sim/vms/${vm.id}/disks/root/blocks/${index}`;
  const body = { data: Buffer.from(text).toString('base64') };
  return (await test.client.call('PUT', path, { token: test.operator, body })).status;
}
const cut = (target = LINK) => test.fault('link-cut', target);
const mend = ({ id }: { id: string }) => test.client.must('DELETE', `/v1/sim/faults/${id}`, test.operator);
const alarms = async () =>
  (await readBelief(test.cloud.store)).alarms
    .filter((a) => a.state === 'active')
    .map((a) => a.code)
    .sort();
const events = async (type: string) => {
  const path = '/v1/events?limit=1000';
  const { items } = await test.client.must<{ items: { type: string }[] }>('GET', path, acme.token);
  return items.filter((e) => e.type === type).length;
};

describe('the link of a synchronous group is cut', () => {
  it('guests are held back until the group may go on alone, which is noted; mended, both are together again', async () => {
    const vm = await begin();
    const group = await groups.protected([vm], sync);
    expect(await write(vm, 1)).toBe(200);
    const cutAt = test.clock.now();
    const fault = await cut();
    expect(await write(vm, 2)).toBe(503);
    await test.advance(25);
    expect(await write(vm, 2)).toBe(200);
    const takenAt = test.clock.now();
    const alone = await groups.until(group.id, 'error');
    // Noted between the cut and the first write that was taken alone.
    expect(Date.parse(alone.aloneSince as string)).toBeGreaterThan(cutAt);
    expect(Date.parse(alone.aloneSince as string)).toBeLessThanOrEqual(takenAt);
    expect(alone.legs[0]).toMatchObject({ linkUp: false, rpo: 'violated' });
    expect(await alarms()).toEqual(['group-error', 'sync-copy-behind']);
    expect(await events('group.went-alone')).toBe(1);
    await mend(fault);
    const again = await groups.until(group.id, 'protected');
    expect(again.legs[0]).toMatchObject({ state: 'synced', lagSeconds: 0, backlogBytes: 0 });
    await test.advance(40);
    expect((await groups.get(group.id)).aloneSince).toBeUndefined();
    expect(await alarms()).toEqual([]);
  });

  it('and by its policy they stay held back, so that nothing can be lost', async () => {
    const vm = await begin();
    const group = await groups.protected([vm], { ...sync, onLinkLoss: 'holdBack' });
    const fault = await cut();
    for (let i = 0; i < 6; i++) {
      await test.advance(20);
      expect(await write(vm, i)).toBe(503);
    }
    expect(await groups.get(group.id)).toMatchObject({ state: 'error' });
    expect((await groups.get(group.id)).aloneSince).toBeUndefined();
    await mend(fault);
    await groups.until(group.id, 'protected');
    expect(await write(vm, 1)).toBe(200);
  });

  it('a primary that hears neither its copy nor the control plane writes no more when its lease is over', async () => {
    const vm = await begin();
    await groups.protected([vm], async15);
    await cut();
    await test.advance(30);
    expect(await write(vm, 1)).toBe(200);
    // No probe runs: nobody renews the lease.
    test.clock.advanceTo(test.clock.now() + 61 * SECOND);
    expect(await write(vm, 2)).toBe(503);
    await test.advance(5);
    expect(await write(vm, 2)).toBe(200);
  });
});

describe('an asynchronous group falls behind', () => {
  it('first it is foreseen, then it is so; mended, both alarms are over', async () => {
    const vm = await begin();
    const group = await groups.protected([vm], async15);
    const fault = await cut();
    await groups.until(group.id, 'error');
    expect(await write(vm, 1)).toBe(200);
    await test.until(async () => (await alarms()).includes('rpo-violated'), 1_200);
    const behind = await groups.get(group.id);
    expect(behind.legs[0]?.rpo).toBe('violated');
    expect(behind.legs[0]?.lagSeconds).toBeGreaterThan(900);
    await mend(fault);
    await groups.until(group.id, 'protected');
    await test.until(async () => (await alarms()).length === 0, 1_200);
    expect((await groups.get(group.id)).legs[0]?.rpo).toBe('met');
  });

  it('when its transfers take longer than half of the RPO, it is foreseen before it is broken', async () => {
    const vm = await begin();
    const group = await groups.protected([vm], { ...async15, mbps: 1 });
    const seen: string[] = [];
    await test.fault('link-degraded', LINK);
    for (let i = 0; i < 3_000; i++) await write(vm, i, 'x'.repeat(4_096));
    for (let i = 0; i < 100; i++) {
      await test.advance(15);
      for (const code of await alarms()) if (!seen.includes(code)) seen.push(code);
    }
    expect(seen).toEqual(['rpo-at-risk', 'rpo-violated']);
    expect((await groups.get(group.id)).legs[0]).toMatchObject({ linkUp: true });
  });
});

describe('what is asked of sites that cannot do it', () => {
  it('a group that is made while the link is cut is in error, and protected when it is mended', async () => {
    const vm = await begin();
    const fault = await cut();
    const { body } = await groups.create([vm], async15);
    const group = await groups.until(body.id, 'error');
    expect(group.reason).toMatch(/link/);
    expect(await alarms()).toContain('group-error');
    await mend(fault);
    await groups.until(body.id, 'protected', 1_200);
    expect(await alarms()).not.toContain('group-error');
  });

  it('a group whose target is lost before it has its copies is taken up again when the site is back', async () => {
    const vm = await begin();
    const fault = await test.fault('site-loss', 'site_b');
    const { body } = await groups.create([vm], sync);
    await groups.until(body.id, 'error');
    const live: GroupView = await groups.get(body.id);
    expect(live.silentSites).toEqual(['site_b']);
    expect(live.afterLoss?.[0]).toMatchObject({ lost: ['site_a'] });
    expect(live.afterLoss?.[0]?.siteId).toBeUndefined();
    await mend(fault);
    await groups.until(body.id, 'protected', 1_200);
  });

  it('dissolved while a site stays silent, it says what was left there', async () => {
    const vm = await begin();
    const group = await groups.protected([vm], async15);
    await test.fault('site-loss', 'site_b');
    await test.advance(30);
    const { body } = await groups.call<{ id: string }>('DELETE', `/${group.id}`);
    await test.settle();
    const path = `/v1/operations/${body.id}`;
    const operation = await test.client.must<{ state: string; result: object }>('GET', path, acme.token);
    expect(operation).toMatchObject({ state: 'success', result: { leftBehindAt: ['site_b'] } });
    expect(await alarms()).toContain('copies-left-behind');
    expect(await write(vm, 1)).toBe(200);
  });
});

describe('a group is dissolved while the site that it is at is silent', () => {
  it('it is not: everything stays, its guests write when the site is back, and it is dissolved then', async () => {
    const vm = await begin();
    const group = await groups.protected([vm], async15);
    const fault = await test.fault('site-loss', 'site_a');
    await test.advance(30);
    const { body } = await groups.call<{ id: string }>('DELETE', `/${group.id}`);
    await test.settle();
    const path = `/v1/operations/${body.id}`;
    const operation = await test.client.must<{ state: string }>('GET', path, acme.token);
    expect(operation.state).toBe('failed');
    expect((await groups.get(group.id)).state).toBe('unprotected');
    await mend(fault);
    await test.advance(600);
    expect(await write(vm, 1)).toBe(200);
    expect((await groups.call('DELETE', `/${group.id}`)).status).toBe(202);
    await test.settle();
    expect((await groups.call('GET', `/${group.id}`)).status).toBe(404);
    expect(await write(vm, 2)).toBe(200);
    expect(await alarms()).not.toContain('copies-left-behind');
  });
});

describe('three centres as a star', () => {
  it('when the link to the far one is cut, the near one feeds it', async () => {
    const vm = await begin('three-centres');
    const spec = { ...sync, topology: 'star', thirdSiteId: 'site_c', rpoMinutes: 15 };
    const group = await groups.protected([vm], spec);
    const active = ({ legs }: GroupView) => legs.filter((l) => !l.standby).map((l) => `${l.from}>${l.siteId}`);
    expect(active(group)).toEqual(['site_a>site_b', 'site_a>site_c']);
    const fault = await cut('link_a-c');
    const rerouted = await test.until(async () => {
      const now = await groups.get(group.id);
      return now.state === 'protected' && active(now).includes('site_b>site_c') && now;
    });
    expect(active(rerouted)).toEqual(['site_a>site_b', 'site_b>site_c']);
    await test.settle();
    await write(vm, 1);
    await test.advance(900);
    expect((await groups.get(group.id)).legs.find((l) => l.from === 'site_b')).toMatchObject({ rpo: 'met' });
    // And when it is mended, the star goes back to its own leg, without a full copy.
    await mend(fault);
    const back = await test.until(async () => {
      const now = await groups.get(group.id);
      return now.state === 'protected' && active(now).includes('site_a>site_c') && now;
    }, 600);
    expect(active(back)).toEqual(['site_a>site_b', 'site_a>site_c']);
    await test.settle();
    await write(vm, 2);
    await test.advance(900);
    const far = (await groups.get(group.id)).legs.find((l) => l.siteId === 'site_c' && !l.standby);
    expect(far).toMatchObject({ rpo: 'met', state: 'behind' });
    expect(await alarms()).toEqual([]);
  });
});
