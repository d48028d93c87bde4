import { afterEach, describe, expect, it } from 'vitest';
import { BLOCKS_PER_GIB } from '../../../shared/kernel/units.ts';
import { World } from '../../../shared/world/world.ts';
import { ASYNC, Switching, SYNC } from '../../support/switching.ts';
import type { VmView } from '../../support/tenant.ts';

let story: Switching;
afterEach(() => story.end());

/** The last block of a disk of 30 GiB: a disk of 20 has no such block. */
const LAST = 30 * BLOCKS_PER_GIB - 1;
const sizes = async (vm: VmView): Promise<Record<string, number>> =>
  Object.fromEntries((await new World(story.test.cloud.store).volumesOf(vm.id)).map((v) => [v.siteId, v.sizeGiB]));
const free = async (siteId: string) =>
  (await story.belief()).datastores.find((d) => d.siteId === siteId)?.freeGiB as number;
const left = async () => (await story.belief()).vdcs[0]?.left.storageGiB as number;
const mend = ({ id }: { id: string }) => story.test.client.must('DELETE', `/v1/sim/faults/${id}`, story.test.operator);
async function grown(vm: VmView): Promise<void> {
  expect((await story.acme.grow(vm.id, 30)).status).toBe(202);
  await story.test.settle();
}

describe('a disk of a protected VM is made larger', () => {
  it.each([SYNC, ASYNC])('with its copy; after a failover the new part is there: %j', async (replication) => {
    story = await Switching.start();
    const { vms, group } = await story.protect(1, replication);
    const [vm] = vms as [VmView];
    const plan = await story.plan([group]);
    const room = await free('site_b');
    await grown(vm);
    expect(await sizes(vm)).toEqual({ site_a: 30, site_b: 30 });
    expect(await free('site_b')).toBe(room - 10);
    expect(await story.groups.get(group.id)).toMatchObject({ state: 'protected' });
    expect((await story.groups.get(group.id)).outdated).toBeUndefined();
    await story.acme.write(vm.id, LAST, 'in the new part');
    await story.test.advance(700);
    await story.burn('site_a');
    expect(await story.done(plan, 'failover')).toMatchObject({ state: 'success', lostWrites: { count: 0 } });
    expect(await story.acme.read(vm.id, LAST)).toBe('in the new part');
    await story.acme.write(vm.id, LAST - 1, 'goes on at b');
  });

  it('at three centres: each copy of it grows before it does', async () => {
    story = await Switching.start('three-centres');
    const third = { ...SYNC, topology: 'cascade', thirdSiteId: 'site_c', rpoMinutes: 15 };
    const { vms } = await story.protect(1, third);
    await grown(vms[0] as VmView);
    expect(await sizes(vms[0] as VmView)).toEqual({ site_a: 30, site_b: 30, site_c: 30 });
  });

  it('or refused in the same decision where the recovery site has no room for the copy, with the figures', async () => {
    const hosts = { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 };
    const site = (name: string, capacityGiB: number) => ({
      name,
      clusters: [{ name: 'c1', hosts }],
      datastores: [{ name: 'san', capacityGiB }],
    });
    const link = { from: 'a', to: 'b', latencyMs: 1, mbps: 10_000, mode: 'sync' };
    story = await Switching.start({ sites: [site('a', 500), site('b', 25)], links: [link] });
    const { vms } = await story.protect(1);
    const before = await story.belief();
    const { status, body } = await story.acme.grow(vms[0]?.id as string, 30);
    expect([status, body.code]).toEqual([507, 'no-capacity']);
    expect(body.rooms).toEqual([{ siteId: 'site_b', neededGiB: 10, freeGiB: 5 }]);
    expect(body.detail).toContain(
      '10 GiB more at site_b, for the copy there, and its datastore has 5 GiB left (DR-17)',
    );
    expect(await story.belief()).toEqual(before);
  });

  it('is refused while a plan moves the VM, and when it was moved it grows where it is', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(1);
    const [vm] = vms as [VmView];
    const plan = await story.plan([group]);
    expect((await story.act(plan, 'migrate')).status).toBe(202);
    expect((await story.acme.grow(vm.id, 30)).body).toMatchObject({ code: 'operation-in-progress' });
    await story.test.settle();
    await grown(vm);
    await story.acme.write(vm.id, LAST, 'at b');
    expect(await story.done(plan, 'reprotect')).toMatchObject({ state: 'success' });
    expect(await story.done(plan, 'failback')).toMatchObject({ state: 'success', lostWrites: { count: 0 } });
    expect(await story.acme.read(vm.id, LAST)).toBe('at b');
  });
});

describe('its recovery site is not to be reached', () => {
  it.each([SYNC, ASYNC])(
    'it waits until that is known, grows alone, and is outdated until the policy is executed: %j',
    async (replication) => {
      story = await Switching.start();
      const { vms, group } = await story.protect(1, replication);
      const [vm] = vms as [VmView];
      const plan = await story.plan([group]);
      const room = await free('site_b');
      const fault = await story.test.fault('site-loss', 'site_b');
      expect((await story.acme.grow(vm.id, 30)).status).toBe(202);
      expect(await sizes(vm)).toEqual({ site_a: 20, site_b: 20 });
      await story.groups.until(group.id, 'error');
      await story.test.settle();
      expect(await sizes(vm)).toEqual({ site_a: 30, site_b: 20 });
      expect(await free('site_b')).toBe(room);
      await story.acme.write(vm.id, LAST, 'at a alone');
      await mend(fault);
      await story.test.advance(600);
      const late = await story.groups.get(group.id);
      expect(late).toMatchObject({ state: 'error', legs: [{ state: 'suspended' }] });
      expect(late.outdated).toMatchObject([
        { vmId: vm.id, reason: expect.stringContaining('the copy at site_b has 20') },
      ]);
      expect((await story.groups.action(group.id, 'execute')).status).toBe(202);
      await story.groups.until(group.id, 'protected', 1_200);
      await story.test.settle();
      expect((await story.groups.get(group.id)).outdated).toBeUndefined();
      expect([await sizes(vm), await free('site_b')]).toEqual([{ site_a: 30, site_b: 30 }, room - 10]);
      await story.burn('site_a');
      expect(await story.done(plan, 'failover')).toMatchObject({ lostWrites: { count: 0 } });
      expect(await story.acme.read(vm.id, LAST)).toBe('at a alone');
    },
  );

  it('and it is failed over meanwhile: the disk has the size of its copy, and what it took more is given back', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(1);
    const [vm] = vms as [VmView];
    const plan = await story.plan([group]);
    const quota = await left();
    await story.acme.write(vm.id, 1, 'before');
    const fault = await story.test.fault('link-cut', 'link_a-b');
    await story.groups.until(group.id, 'error');
    const lost = await story.test.fault('site-loss', 'site_b');
    await grown(vm);
    expect(await left()).toBe(quota - 10);
    await mend(lost);
    await mend(fault);
    await story.burn('site_a');
    expect(await story.done(plan, 'failover')).toMatchObject({ state: 'success' });
    expect((await story.belief()).vms[0]?.disks).toMatchObject([{ sizeGiB: 20 }]);
    expect(await left()).toBe(quota);
    expect(await story.acme.read(vm.id, 1)).toBe('before');
  });

  it('since it burnt and the VM runs at the other site: it grows there, and the old one when it is protected again', async () => {
    story = await Switching.start();
    const { vms, group } = await story.protect(1);
    const [vm] = vms as [VmView];
    const plan = await story.plan([group]);
    const fault = await story.test.fault('site-loss', 'site_a');
    await story.done(plan, 'failover');
    await grown(vm);
    expect(await sizes(vm)).toEqual({ site_a: 20, site_b: 30 });
    await story.acme.write(vm.id, LAST, 'at b');
    await mend(fault);
    await story.test.advance(120);
    await story.test.settle();
    expect(await story.done(plan, 'reprotect')).toMatchObject({ state: 'success' });
    expect(await sizes(vm)).toEqual({ site_a: 30, site_b: 30 });
    expect((await story.belief()).vms[0]?.protection?.outdated).toBeUndefined();
    expect(await story.done(plan, 'failback')).toMatchObject({ state: 'success', lostWrites: { count: 0 } });
    expect(await story.acme.read(vm.id, LAST)).toBe('at b');
  });
});

describe('a disk of a protected VM is moved', () => {
  it('to another shared datastore and stays protected; to storage that is not replicated it does not get', async () => {
    const hosts = { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 };
    const store = (name: string, kind = 'shared') => ({ name, capacityGiB: 500, kind });
    const site = (name: string, datastores: object[]) => ({ name, clusters: [{ name: 'c1', hosts }], datastores });
    const link = { from: 'a', to: 'b', latencyMs: 1, mbps: 10_000, mode: 'sync' };
    const sites = [
      site('a', [store('san'), store('nas'), store('nvme', 'virtualised-local')]),
      site('b', [store('san')]),
    ];
    story = await Switching.start({ sites, links: [link] });
    const { client, operator } = story.test;
    const { vms, group } = await story.protect(1);
    const [vm] = vms as [VmView];
    const plan = await story.plan([group]);
    const { vms: believed, datastores } = await story.belief();
    const here = believed[0]?.disks[0]?.datastoreId;
    const at = (kind: string) => datastores.find((d) => d.siteId === 'site_a' && d.kind === kind && d.id !== here)?.id;
    const move = (datastoreId: string | undefined) =>
      client.call('POST', `/v1/system/vms/${vm.id}/disks/migrate`, {
        token: operator,
        body: { disks: [{ name: 'root', datastoreId }] },
      });
    expect(await move(at('virtualised-local'))).toMatchObject({ status: 409, body: { rule: 'STO-1' } });
    expect((await move(at('shared'))).status).toBe(202);
    await story.test.settle();
    expect((await story.belief()).vms[0]?.disks[0]?.datastoreId).toBe(at('shared'));
    expect((await story.groups.get(group.id)).outdated).toBeUndefined();
    await grown(vm);
    await story.acme.write(vm.id, LAST, 'on the other datastore');
    await story.burn('site_a');
    expect(await story.done(plan, 'failover')).toMatchObject({ state: 'success', lostWrites: { count: 0 } });
    expect(await story.acme.read(vm.id, LAST)).toBe('on the other datastore');
  });
});

describe('what cannot be protected is said at once', () => {
  it('a disk that is not persistent, a management VM and another release at the other site, each with its reason', async () => {
    const hosts = { count: 2, cores: 16, mhz: 2400, memoryGiB: 64 };
    const site = (name: string, hypervisorVersion: string) => ({
      name,
      hypervisorVersion,
      clusters: [{ name: 'c1', hosts }],
      datastores: [{ name: 'san', capacityGiB: 500 }],
    });
    const link = { from: 'a', to: 'b', latencyMs: 1, mbps: 10_000, mode: 'sync' };
    story = await Switching.start({ sites: [site('a', '8.6.0'), site('b', '6.5.1')], links: [link] });
    const { client, operator } = story.test;
    const { token, id } = story.acme;
    const vdc = await client.must<{ id: string; management: boolean }>(
      'POST',
      `/v1/system/tenants/${id}/vdcs`,
      operator,
      {
        name: 'own',
        sites: ['site_a', 'site_b'],
        quota: { vcpus: 8, memoryMiB: 16_384, storageGiB: 100, vms: 2 },
        management: true,
      },
    );
    expect(vdc.management).toBe(true);
    const body = story.acme.body({ name: 'vrm', siteId: 'site_a' });
    const vm = await client.must<VmView>('POST', `/v1/vdcs/${vdc.id}/vms`, token, {
      ...body,
      vpcId: undefined,
      nics: [],
      disks: [
        { name: 'root', sizeGiB: 10, boot: true },
        { name: 'scratch', sizeGiB: 5, persistent: false },
      ],
    });
    await story.test.settle();
    const asked = await story.groups.call<{ eligible: boolean; reasons: Why[]; items: { reasons: Why[] }[] }>(
      'POST',
      '/eligibility',
      { vms: [vm.id], replication: SYNC },
    );
    interface Why {
      rule: string;
      reason: string;
    }
    expect(asked.body.reasons.map((r) => r.reason)).toEqual(['site_b runs fusioncompute 6.5.1, and site_a runs 8.6.0']);
    expect(asked.body.items[0]?.reasons.map((r) => r.reason)).toEqual([
      'its disk scratch is not persistent: what is written there is gone with each start',
      "it is a VM of the cloud's own management, which every site has for itself",
      'it has no NIC: nobody could reach it at the other site',
    ]);
    expect((await story.groups.create([vm], SYNC, { vdcId: vdc.id })).body.code).toBe('feature-unavailable');
    const sites = await client.must<{ items: { hypervisorVersion: string }[] }>('GET', '/v1/system/sites', operator);
    expect(sites.items.map((s) => s.hypervisorVersion).sort()).toEqual(['6.5.1', '8.6.0']);
  });
});
