import { afterEach, describe, expect, it } from 'vitest';
import type { BuiltinEstate } from '../../../shared/estate/builtin.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { meetBeforeCommit } from '../../support/interleave.ts';
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
const volumesAt = async (siteId: string) => (await test.world()).volumes.filter((v) => v.siteId === siteId);
const free = async (siteId: string) =>
  (await belief()).datastores.filter((d) => d.siteId === siteId).map((d) => d.freeGiB);
const freeMbps = async () => (await belief()).links.map((l) => l.freeMbps);

describe('a group is protected', () => {
  it.each([sync, async15])('once its first copy is complete: %j', async (replication) => {
    const [vm] = (await begin()) as [VmView];
    await acme.write(vm.id, 1, 'before');
    const made = await groups.create([vm], replication);
    expect([made.status, made.body.state]).toEqual([201, 'initialSync']);
    expect(made.headers.get('operation-location')).toBe(`/v1/operations/${made.body.operationId}`);
    const group = await groups.until(made.body.id, 'protected', 1_200);
    const leg = { from: 'site_a', siteId: 'site_b', mode: replication.mode, rpo: 'met', linkUp: true };
    expect(group.legs).toMatchObject([leg]);
    expect(group.silentSites).toBeUndefined();
    expect(group.afterLoss).toMatchObject([
      { lost: ['site_a'], siteId: 'site_b' },
      { lost: ['site_b'], siteId: 'site_a', lossSeconds: 0 },
    ]);
  });

  it('with room for its copies and a part of the link, and no quota charged; ended, all of it is given back', async () => {
    const vms = await begin(3);
    const before = { datastores: await free('site_b'), links: await freeMbps(), vdcs: (await belief()).vdcs };
    const group = await groups.protected(vms, { ...sync, mbps: 250 });
    expect(await free('site_b')).toEqual([(before.datastores[0] as number) - 60]);
    expect(await freeMbps()).toEqual([(before.links[0] as number) - 250]);
    expect((await belief()).vdcs.map((v) => v.left)).toEqual(before.vdcs.map((v) => v.left));
    expect((await volumesAt('site_b')).map((v) => v.vmId).sort()).toEqual(vms.map((v) => v.id).sort());
    expect((await groups.call('DELETE', `/${group.id}`)).status).toBe(202);
    await test.settle();
    expect((await groups.call('GET', `/${group.id}`)).status).toBe(404);
    expect(await free('site_b')).toEqual(before.datastores);
    expect(await freeMbps()).toEqual(before.links);
    expect(await volumesAt('site_b')).toEqual([]);
    expect((await belief()).vms.map((vm) => vm.protection)).toEqual([undefined, undefined, undefined]);
  });

  it('and as a dry run it says what would be, and nothing is held', async () => {
    const [vm] = (await begin()) as [VmView];
    const links = await freeMbps();
    const { status, body } = await groups.create([vm], sync, {}, '?dryRun=true');
    expect([status, body]).toMatchObject([200, { dryRun: true, wouldAnswer: { state: 'initialSync' } }]);
    expect(await freeMbps()).toEqual(links);
    expect((await belief()).groups).toEqual([]);
  });

  it('at three centres, and who is protected after which loss is shown', async () => {
    const [vm] = (await begin(1, 'three-centres')) as [VmView];
    const spec = { ...sync, topology: 'cascade', thirdSiteId: 'site_c', rpoMinutes: 15 };
    const group = await groups.protected([vm], spec);
    expect(group.legs).toMatchObject([
      { from: 'site_a', siteId: 'site_b', mode: 'sync', rpo: 'met', lagSeconds: 0 },
      { from: 'site_b', siteId: 'site_c', mode: 'async', rpo: 'met' },
    ]);
    const far = group.legs[1]?.lagSeconds as number;
    expect(group.afterLoss).toMatchObject([
      { lost: ['site_a'], siteId: 'site_b', lossSeconds: 0 },
      { lost: ['site_b'], siteId: 'site_a', lossSeconds: 0 },
      { lost: ['site_c'], siteId: 'site_a', lossSeconds: 0 },
      { lost: ['site_a', 'site_b'], siteId: 'site_c', lossSeconds: far },
    ]);
  });
});

describe('members', () => {
  it('are added and removed while the group is protected: room and copies follow', async () => {
    const [one, two] = (await begin(2)) as [VmView, VmView];
    const group = await groups.protected([one], async15);
    const room = (await free('site_b'))[0] as number;
    const added = await groups.call('PATCH', `/${group.id}`, { addVms: [two.id] });
    expect([added.status, added.body.vms]).toEqual([200, [one.id, two.id]]);
    expect((await groups.get(group.id)).outdated).toEqual([{ vmId: two.id, reason: 'its first copy is under way' }]);
    await test.settle();
    expect((await groups.get(group.id)).outdated).toBeUndefined();
    expect(await free('site_b')).toEqual([room - 20]);
    const removed = await groups.call('PATCH', `/${group.id}`, { removeVms: [one.id] });
    expect([removed.status, removed.body.vms]).toEqual([200, [two.id]]);
    await test.settle();
    expect(await free('site_b')).toEqual([room]);
    expect((await volumesAt('site_b')).map((v) => v.vmId)).toEqual([two.id]);
    expect((await groups.protected([one], sync)).state).toBe('protected');
  });

  it('cannot all be removed, and who is not one cannot be', async () => {
    const [one, two] = (await begin(2)) as [VmView, VmView];
    const group = await groups.protected([one], sync);
    const none = await groups.call('PATCH', `/${group.id}`, { removeVms: [one.id] });
    expect([none.status, none.body.errors?.[0]?.fix]).toEqual([400, 'delete the group']);
    const other = await groups.call('PATCH', `/${group.id}`, { removeVms: [two.id] });
    expect([other.status, other.body.errors?.[0]?.location]).toEqual([400, 'body.removeVms.0']);
    expect((await groups.get(group.id)).version).toBe(group.version);
  });

  it('are not deleted: the refusal names the group', async () => {
    const [vm] = (await begin()) as [VmView];
    const group = await groups.protected([vm], sync);
    const refused = await acme.remove(vm.id);
    expect([refused.status, refused.body.code]).toEqual([409, 'in-use']);
    expect(refused.body).toMatchObject({ groupId: group.id });
    expect((await acme.vm(vm.id)).state).toBe('running');
  });

  it('of two groups that take the same VM at once exactly one gets it', async () => {
    const [vm, other] = (await begin(2)) as [VmView, VmView];
    const { met } = meetBeforeCommit(2);
    const replies = await Promise.all([groups.create([vm, other], sync), groups.create([other, vm], async15)]);
    expect([met(), ...replies.map((r) => r.status).sort()]).toEqual([true, 201, 409]);
    await test.settle();
    const { groups: all, vms } = await belief();
    expect(all).toHaveLength(1);
    expect(vms.map((v) => v.protection?.groupId)).toEqual([all[0]?.id, all[0]?.id]);
  });

  it('a VM that is deleted at once is deleted or protected, never both', async () => {
    const [vm] = (await begin()) as [VmView];
    const { met } = meetBeforeCommit(2);
    const [made, deleted] = await Promise.all([groups.create([vm], sync), acme.remove(vm.id)]);
    expect(met()).toBe(true);
    expect([made.status, deleted.status].filter((s) => s < 300)).toHaveLength(1);
    await test.settle();
    const { groups: all, vms } = await belief();
    expect(vms.length).toBe(all.length);
  });

  it('the last room on a link is taken by one group', async () => {
    const vms = await begin(2);
    const [one, two] = vms as [VmView, VmView];
    const { met } = meetBeforeCommit(2);
    const replies = await Promise.all([
      groups.create([one], { ...sync, mbps: 6_000 }),
      groups.create([two], { ...sync, mbps: 6_000 }),
    ]);
    expect([met(), ...replies.map((r) => r.status).sort()]).toEqual([true, 201, 507]);
    const refused = replies.find((r) => r.status === 507);
    expect(refused?.body).toMatchObject({
      code: 'no-capacity',
      group: [{ rule: 'DR-22', freeMbps: 4_000, mbps: 6_000 }],
    });
  });
});

describe('what cannot be protected is refused with all reasons at once', () => {
  it('no NIC, another site, a member already', async () => {
    const [vm] = (await begin()) as [VmView];
    await groups.protected([vm], sync);
    const [bare] = (await acme.running(1, { name: 'bare', nic: false, siteId: 'site_a' })) as [VmView];
    const [far] = (await acme.running(1, { name: 'far', siteId: 'site_b' })) as [VmView];
    const vms = [bare, vm, far];
    const { status, body } = await groups.create(vms, sync);
    expect([status, body.code]).toEqual([409, 'feature-unavailable']);
    expect(body.errors?.map((e) => [e.location, e.message])).toEqual([
      ['body.vms.0', expect.stringMatching(/has no NIC.*DR-16/)],
      ['body.vms.1', expect.stringMatching(/is protected by group pg_.* already/)],
      ['body.vms.2', expect.stringMatching(/stands at site_b/)],
    ]);
    const told = await groups.call('POST', '/eligibility', { vms: vms.map((v) => v.id), replication: sync });
    expect(told.body).toMatchObject({
      eligible: false,
      items: vms.map((v) => ({ vmId: v.id, eligible: false })),
    });
  });

  it('a site that is not in the VDC, and one that is where they are', async () => {
    const [vm] = (await begin()) as [VmView];
    const unknown = await groups.create([vm], { ...sync, targetSiteId: 'site_x' });
    expect([unknown.status, unknown.body.errors?.[0]?.message]).toEqual([409, "the VDC has no site 'site_x' (DR-16)"]);
    const same = await groups.create([vm], { ...sync, targetSiteId: 'site_a' });
    expect([same.status, same.body.code]).toEqual([409, 'feature-unavailable']);
  });

  it('synchronous replication over a link that is too long, with its latency', async () => {
    const [vm] = (await begin(1, 'three-centres')) as [VmView];
    const { status, body } = await groups.create([vm], { mode: 'sync', targetSiteId: 'site_c' });
    expect([status, body]).toMatchObject([409, { group: [{ rule: 'DR-4', latencyMs: 12, latencyMaxMs: 5 }] }]);
  });

  it('an RPO that the windows leave no time for, with the figures', async () => {
    const [vm] = (await begin()) as [VmView];
    const windows = [{ fromHour: 22, toHour: 4 }];
    const { status, body } = await groups.create([vm], { ...async15, windows });
    const figures = { rule: 'DR-5', rpoMinutes: 15, pauseMinutes: 1080, allowedMinutes: 7.5 };
    expect([status, body]).toMatchObject([409, { group: [figures] }]);
  });

  it('an RPO that the link cannot give for what the guests write, with the figures', async () => {
    const [vm] = (await begin()) as [VmView];
    const path = `/v1/sim/vms/${vm.id}/workload`;
    await test.client.must('POST', path, test.operator, { cpu: 0.2, writeIops: 2_000 });
    await test.advance(10);
    const { status, body } = await groups.create([vm], { ...async15, mbps: 10 });
    expect([status, body]).toMatchObject([507, { group: [{ rule: 'DR-22', linkMBps: 1.25, allowedSeconds: 450 }] }]);
    expect((await groups.create([vm], { ...async15, mbps: 200 })).status).toBe(201);
  });

  it("another tenant's VM, by the words for one that is not there", async () => {
    await begin();
    const globex = await TestTenant.create(test, 'globex');
    const [foreign] = (await globex.running(1)) as [VmView];
    const { status, body } = await groups.create([foreign], sync);
    expect([status, body.errors?.[0]?.message]).toEqual([400, `there is no VM '${foreign.id}'`]);
  });
});

describe('suspended', () => {
  it('nothing is sent; resumed, what was written meanwhile arrives before it counts as protected', async () => {
    const [vm] = (await begin()) as [VmView];
    const group = await groups.protected([vm], async15);
    expect((await groups.action(group.id, 'suspend')).status).toBe(202);
    await test.settle();
    expect(await groups.get(group.id)).toMatchObject({ state: 'suspended', legs: [{ state: 'suspended' }] });
    await acme.write(vm.id, 4, 'meanwhile');
    await test.advance(1_200);
    expect((await groups.get(group.id)).legs[0]).toMatchObject({ rpo: 'violated' });
    expect((await groups.action(group.id, 'resume')).status).toBe(202);
    const again = await groups.until(group.id, 'protected');
    expect(again.legs[0]).toMatchObject({ state: 'behind', backlogBytes: 0, rpo: 'met' });
    await test.settle();
  });

  it('it cannot be resumed when it was not', async () => {
    const [vm] = (await begin()) as [VmView];
    const group = await groups.protected([vm], sync);
    const { status, body } = await groups.action(group.id, 'resume');
    expect([status, body.code]).toEqual([409, 'illegal-transition']);
  });
});

describe('whoever insists on a version', () => {
  it('is refused when the group has changed', async () => {
    const [vm] = (await begin()) as [VmView];
    const group = await groups.protected([vm], sync);
    const stale = { 'if-match': `"${group.version - 1}"` };
    expect((await groups.call('PATCH', `/${group.id}`, { name: 'late' }, stale)).status).toBe(412);
    const mine = { 'if-match': `"${group.version}"` };
    expect((await groups.call('PATCH', `/${group.id}`, { name: 'mine' }, mine)).body.name).toBe('mine');
  });
});
