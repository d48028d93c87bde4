import { afterEach, describe, expect, it } from 'vitest';
import { BLOCKS_PER_GIB } from '../../shared/kernel/units.ts';
import type { HostHardware } from '../../shared/model/inventory.ts';
import type { OperationKind } from '../../shared/model/operation.ts';
import { OPERATION_KINDS } from '../../shared/model/operation.ts';
import { readBelief } from '../../shared/store/belief.ts';
import { World } from '../../shared/world/world.ts';
import { TestCloud } from '../support/cloud.ts';
import { type Harm, harm, harmsOf, survives, WRITES, wordsOf } from '../support/harness.ts';
import { TestGroups } from '../support/protection.ts';
import { ownVdc, vmwareVm } from '../support/rainbow.ts';
import { TestTenant, type VmView } from '../support/tenant.ts';
import { TWIN, twinGroup, twinOf, twinVm } from '../support/twin.ts';
import { PLAN_STORIES } from './plan-stories.ts';

/**
 * The generic harness: each step twice, a failure at each step, every undo twice, a crash after each step. After each run
 * the workflow's promise is checked, and every invariant against the truth.
 */
/** Small, as it is built anew for every run; large enough that a failed host's VMs find room. */
const estate = {
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: 3, cores: 16, mhz: 2400, memoryGiB: 64 } }],
      datastores: [
        { name: 'san', capacityGiB: 1000 },
        { name: 'nas', capacityGiB: 900 },
      ],
    },
  ],
};

interface Story {
  /** What must stand before; runs unharmed. */
  prepare(test: TestCloud, acme: TestTenant): Promise<VmView[]>;
  /** Lets the workflow begin. */
  begin(test: TestCloud, acme: TestTenant, vms: VmView[]): Promise<void>;
  /** The goal, when the workflow survives. */
  reached(test: TestCloud, acme: TestTenant, vms: VmView[]): Promise<void>;
  /** What unwinding promises. A step after which the work is done for good may have reached the goal all the same. */
  unwound(test: TestCloud, acme: TestTenant, vms: VmView[], step: string): Promise<void>;
}

const vmStates = async (test: TestCloud) => (await readBelief(test.cloud.store)).vms;
const hostState = async (test: TestCloud, id: string) =>
  (await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${id}`, test.operator)).state;
const one = (vms: VmView[]): VmView & { hostId: string } => {
  const vm = vms[0];
  if (!vm) throw new Error('the story has no VM');
  return vm as VmView & { hostId: string };
};

const STORIES: Record<OperationKind, Story> = {
  ...PLAN_STORIES,
  'provision-vm': {
    prepare: async () => [],
    begin: async (_, acme) => expect((await acme.create({ name: 'made', count: 3 })).status).toBe(201),
    reached: async (test) =>
      expect((await vmStates(test)).map((vm) => vm.state)).toEqual(['running', 'running', 'running']),
    async unwound(test, _acme, _vms, step) {
      // The end of the last step lets go of the VMs: what fails after it cannot take them back.
      const vms = await vmStates(test);
      if (step === 'confirm' && vms.length > 0)
        expect(vms.map((vm) => vm.state)).toEqual(['running', 'running', 'running']);
      else await nothing_is_left(test);
    },
  },
  'start-vm': {
    async prepare(_, acme) {
      const reply = await acme.create({ start: false });
      await acme.test.settle();
      return [await acme.vm(reply.body.id)];
    },
    begin: async (_, acme, vms) => expect((await acme.action(one(vms).id, 'start')).status).toBe(202),
    reached: async (_, acme, vms) => expect((await acme.vm(one(vms).id)).state).toBe('running'),
    async unwound(_, acme, vms, step) {
      const vm = await acme.vm(one(vms).id);
      if (step === 'confirm' && vm.state === 'running') return;
      expect(vm).toMatchObject({ state: 'stopped', hostId: null });
      expect(vm.reason).toMatch(/start failed/);
    },
  },
  'stop-vm': {
    prepare: (_, acme) => acme.running(1),
    begin: async (_, acme, vms) => expect((await acme.action(one(vms).id, 'stop')).status).toBe(202),
    reached: async (_, acme, vms) =>
      expect(await acme.vm(one(vms).id)).toMatchObject({ state: 'stopped', hostId: null }),
    async unwound(_, acme, vms) {
      expect(['running', 'stopped']).toContain((await acme.vm(one(vms).id)).state);
    },
  },
  'delete-vm': {
    prepare: (_, acme) => acme.running(1),
    begin: async (_, acme, vms) => expect((await acme.remove(one(vms).id)).status).toBe(202),
    reached: async (test) => expect(await vmStates(test)).toEqual([]),
    async unwound(test, acme, vms) {
      const [left] = await vmStates(test);
      if (!left) return;
      expect(left).toMatchObject({ state: 'deleting' });
      expect(left.reason).toMatch(/delete it again/);
      expect((await acme.remove(one(vms).id)).status).toBe(202);
    },
  },
  'ha-recovery': {
    prepare: (_, acme) => acme.running(3),
    async begin(test, _acme, vms) {
      await test.fault('host-power-loss', one(vms).hostId);
      await test.advance(15);
    },
    async reached(test, acme, vms) {
      for (const before of vms) expect((await acme.vm(before.id)).state).toBe('running');
      expect((await acme.vm(one(vms).id)).epoch).toBeGreaterThan(one(vms).epoch);
      expect(await hostState(test, one(vms).hostId)).toBe('fenced');
    },
    // A recovery is gone on with: once the harm is over, the next pass reaches the goal.
    unwound: async () => {},
  },
  'recover-guest': {
    async prepare(_, acme) {
      const [vm] = await acme.running(1, { ha: { enabled: true, faultProcess: 'ha' } });
      await acme.write((vm as VmView).id, 7, 'old bytes');
      return [vm as VmView];
    },
    async begin(test, _acme, vms) {
      await test.fault('guest-crash', one(vms).id);
      await test.advance(6);
    },
    async reached(test, acme, vms) {
      const vm = await acme.vm(one(vms).id);
      expect(vm).toMatchObject({ state: 'running', epoch: one(vms).epoch + 1 });
      expect(vm.hostId).not.toBe(one(vms).hostId);
      expect(await acme.read(vm.id, 7)).toBe('old bytes');
      const { incidents } = await readBelief(test.cloud.store);
      expect(incidents.map((i) => [i.kind, i.state, i.guest?.outcome])).toEqual([['guest', 'closed', 'recovered']]);
    },
    // Where its process stands it is gone on with; where it was stopped it is in error, and its owner starts it again.
    async unwound(test, acme, vms) {
      await test.advance(60);
      await test.settle();
      const vm = await acme.vm(one(vms).id);
      expect((await vmStates(test)).map((v) => [v.claim, v.guestFault])).toEqual([[undefined, undefined]]);
      if (vm.state === 'unknown') {
        expect(vm).toMatchObject({ hostId: null, reason: expect.stringMatching(/could not be restarted/) });
        for (const action of ['stop', 'start'] as const) {
          expect((await acme.action(vm.id, action)).status).toBe(202);
          await test.settle();
        }
      }
      expect((await acme.vm(vm.id)).state).toBe('running');
      expect(await acme.read(vm.id, 7)).toBe('old bytes');
    },
  },
  'reconcile-host': {
    async prepare(test, acme) {
      const vms = await acme.running(1);
      const { id } = await test.fault('management-partition', one(vms).hostId);
      const storage = await test.fault('storage-partition', one(vms).hostId);
      await test.until(async () => (await hostState(test, one(vms).hostId)) === 'fenced');
      await test.settle();
      for (const fault of [id, storage.id]) await test.client.must('DELETE', `/v1/sim/faults/${fault}`, test.operator);
      await test.client.must('POST', `/v1/system/hosts/${one(vms).hostId}/power-on`, test.operator);
      await test.settle();
      return vms;
    },
    begin: (test) => test.advance(70),
    reached: async (test, _, vms) => expect(await hostState(test, one(vms).hostId)).toBe('online'),
    unwound: async (test, _, vms) =>
      expect(['reconciling', 'online']).toContain(await hostState(test, one(vms).hostId)),
  },
  'power-on-host': {
    async prepare(test, acme) {
      const vms = await acme.running(1);
      const fault = await test.fault('host-power-loss', one(vms).hostId);
      await test.until(async () => (await hostState(test, one(vms).hostId)) === 'fenced');
      await test.settle();
      await test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, test.operator);
      return vms;
    },
    begin: async (test, _, vms) =>
      void (await test.client.must('POST', `/v1/system/hosts/${one(vms).hostId}/power-on`, test.operator)),
    async reached(test, _, vms) {
      await test.until(async () => (await hostState(test, one(vms).hostId)) === 'online', 200);
    },
    unwound: async (test, _, vms) =>
      expect(['fenced', 'online', 'reconciling']).toContain(await hostState(test, one(vms).hostId)),
  },
  'migrate-vm': {
    prepare: (_, acme) => acme.running(1),
    begin: async (_, acme, vms) => expect((await acme.action(one(vms).id, 'migrate')).status).toBe(202),
    async reached(_, acme, vms) {
      const vm = await acme.vm(one(vms).id);
      expect(vm).toMatchObject({ state: 'running', epoch: one(vms).epoch + 1 });
      expect(vm.hostId).not.toBe(one(vms).hostId);
    },
    // It runs at its source as if nothing had been, or at its target where it had switched over before the harm.
    async unwound(test, acme, vms) {
      const vm = await acme.vm(one(vms).id);
      expect(vm.state).toBe('running');
      const running = (await test.world()).processes.filter((p) => p.vmId === vm.id);
      expect(running).toEqual([expect.objectContaining({ hostId: vm.hostId, epoch: vm.epoch, state: 'running' })]);
      expect([one(vms).epoch, one(vms).epoch + 1]).toContain(vm.epoch);
      expect((await vmStates(test)).map((v) => [v.claim, v.migration])).toEqual([[undefined, undefined]]);
    },
  },
  'convert-vm': {
    async prepare(test, acme) {
      const vm = await vmwareVm(acme, await ownVdc(test, acme));
      await acme.write(vm.id, 7, 'old bytes');
      return [vm];
    },
    begin: async (_, acme, vms) => expect((await acme.action(one(vms).id, 'convert')).status).toBe(202),
    async reached(test, acme, vms) {
      expect(await acme.vm(one(vms).id)).toMatchObject({ state: 'running', siteId: 'site_a' });
      expect(await acme.read(one(vms).id, 7)).toBe('old bytes');
      expect((await test.world()).volumes.map((v) => v.siteId)).toEqual(['site_a']);
    },
    // It runs at its source with the same bytes, or at its target where it had been seen running before the harm.
    async unwound(test, acme, vms) {
      const vm = await acme.vm(one(vms).id);
      expect(vm).toMatchObject({ state: 'running', nics: one(vms).nics });
      expect(await acme.read(vm.id, 7)).toBe('old bytes');
      const running = (await test.world()).processes.filter((p) => p.vmId === vm.id);
      expect(running).toEqual([expect.objectContaining({ hostId: vm.hostId, epoch: vm.epoch, state: 'running' })]);
      expect((await test.world()).volumes.map((v) => v.siteId)).toEqual([vm.siteId]);
      expect((await vmStates(test)).map((v) => [v.claim, v.conversion])).toEqual([[undefined, undefined]]);
    },
  },
  'move-volumes': {
    async prepare(_, acme) {
      const vms = await acme.running(1);
      for (let i = 0; i < 5; i++) await acme.write(one(vms).id, i, `block ${i}`);
      return vms;
    },
    async begin(test, _acme, vms) {
      const body = { disks: [{ name: 'root', datastoreId: 'ds_a-nas' }] };
      await test.client.must('POST', `/v1/system/vms/${one(vms).id}/disks/migrate`, test.operator, body);
    },
    async reached(test, acme, vms) {
      expect((await vmStates(test))[0]?.disks[0]?.datastoreId).toBe('ds_a-nas');
      // The pause of the guest.
      await test.advance(1);
      for (let i = 0; i < 5; i++) expect(await acme.read(one(vms).id, i)).toBe(`block ${i}`);
    },
    // All of it is where it was, or where it went before the harm, and is believed there.
    async unwound(test, acme, vms) {
      const [vm] = await vmStates(test);
      expect([vm?.state, vm?.claim, vm?.storageMoves]).toEqual(['running', undefined, undefined]);
      const [volume] = await new World(test.cloud.store).volumesOf(one(vms).id);
      expect([volume?.datastoreId, volume?.move]).toEqual([vm?.disks[0]?.datastoreId, undefined]);
      await test.advance(1);
      for (let i = 0; i < 5; i++) expect(await acme.read(one(vms).id, i)).toBe(`block ${i}`);
    },
  },
  configure: {
    prepare: async () => [],
    async begin(test) {
      const body = { overcommit: { enabled: true, ratioPercent: 120 }, numa: { guest: true } };
      await test.client.must('PATCH', '/v1/system/clusters/cl_a-c1', test.operator, body);
    },
    async reached(test) {
      const { clusters, hosts } = await readBelief(test.cloud.store);
      expect(clusters[0]).toMatchObject({ overcommit: { enabled: true }, numa: { guest: true } });
      for (const host of hosts) {
        expect(host.overcommitMiB).toBe(Math.floor(host.capacity.memoryMiB * 0.2));
        expect(host.free.node0Vcpus).toBe(host.capacity.node0Vcpus);
      }
    },
    async unwound(test) {
      const { clusters, hosts } = await readBelief(test.cloud.store);
      const on = clusters[0]?.overcommit.enabled;
      for (const host of hosts) {
        expect((host.overcommitMiB ?? 0) > 0).toBe(on);
        expect(host.capacity.node0Vcpus !== undefined).toBe(clusters[0]?.numa.guest);
      }
    },
  },
  'evacuate-host': {
    prepare: (_, acme) => acme.running(1),
    begin: async (test, _, vms) =>
      void (await test.client.must('POST', `/v1/system/hosts/${one(vms).hostId}/maintenance-enter`, test.operator)),
    async reached(test, acme, vms) {
      expect(await hostState(test, one(vms).hostId)).toBe('maintenance');
      expect(await acme.vm(one(vms).id)).toMatchObject({ state: 'running', epoch: one(vms).epoch + 1 });
    },
    async unwound(test, acme, vms, step) {
      await servesAgain(test, one(vms).hostId, step === 'finish');
      expect((await acme.vm(one(vms).id)).state).toBe('running');
    },
  },
  'expand-host': {
    prepare: (_, acme) => acme.running(1),
    begin: async (test, _, vms) =>
      void (await test.client.must('POST', `/v1/system/hosts/${one(vms).hostId}/expand`, test.operator, {
        sockets: 4,
        memoryGiB: 128,
      })),
    async reached(test, acme, vms) {
      const host = (await readBelief(test.cloud.store)).hosts.find((h) => h.id === one(vms).hostId);
      expect(host).toMatchObject({ state: 'online', sockets: 4, memoryMiB: 131_072, power: 'on' });
      expect(host?.free).toEqual(host?.capacity);
      expect(await acme.vm(one(vms).id)).toMatchObject({ state: 'running', epoch: one(vms).epoch + 1 });
    },
    async unwound(test, acme, vms) {
      await servesAgain(test, one(vms).hostId, false);
      expect((await acme.vm(one(vms).id)).state).toBe('running');
      // What is believed of the host is what stands in the rack.
      const host = (await readBelief(test.cloud.store)).hosts.find((h) => h.id === one(vms).hostId);
      const { sockets, memoryMiB } = (await new World(test.cloud.store).host(one(vms).hostId)) as HostHardware;
      expect(host).toMatchObject({ sockets, memoryMiB });
    },
  },
  'protect-group': {
    prepare: async (test, acme) => [await twinVm(acme, await twinOf(test, acme))],
    async begin(test, acme, vms) {
      const { vdcId } = (await vmStates(test))[0] as { vdcId: string };
      const made = await new TestGroups(acme).create(vms, { mode: 'sync', targetSiteId: TWIN }, { vdcId });
      expect(made.status).toBe(201);
    },
    async reached(test) {
      const { groups, vms } = await readBelief(test.cloud.store);
      expect(groups).toMatchObject([{ state: 'protected', legs: [{ siteId: TWIN, mode: 'sync' }] }]);
      expect(groups[0]?.claim).toBeUndefined();
      expect(vms[0]?.protection?.replicas.map((r) => r.siteId)).toEqual([TWIN]);
    },
    // It is in error and holds what it held: its owner can dissolve it, or the watch takes it up again.
    async unwound(test, acme, _vms, step) {
      await test.advance(120);
      await test.settle();
      const { groups } = await readBelief(test.cloud.store);
      expect(groups.map((g) => [g.state, g.claim, step])).toEqual([['protected', undefined, step]]);
      expect((await new TestGroups(acme).call('DELETE', `/${groups[0]?.id}`)).status).toBe(202);
      await test.settle();
      await nothing_is_protected(test);
    },
  },
  'grow-disk': {
    prepare: async (test, acme) => [(await twinGroup(acme, await twinOf(test, acme))).vm],
    begin: async (_, acme, vms) => expect((await acme.grow(one(vms).id, 30)).status).toBe(202),
    reached: (test, acme, vms) => has_grown(test, acme, one(vms).id),
    // It says why, and keeps what it has taken; asked for once more it is gone on with.
    async unwound(test, acme, vms, step) {
      const [disk] = (await vmStates(test)).map((vm) => vm.disks[0]);
      if (step === 'finish' && disk?.resizing === undefined) return has_grown(test, acme, one(vms).id);
      expect(disk).toMatchObject({ sizeGiB: 30, resizing: { fromGiB: 20, reason: expect.stringMatching(/harness/) } });
      expect(await test.violations()).toEqual([]);
      expect((await acme.grow(one(vms).id, 30)).status).toBe(202);
      await test.settle();
      await has_grown(test, acme, one(vms).id);
    },
  },
  'unprotect-group': {
    prepare: async (test, acme) => [(await twinGroup(acme, await twinOf(test, acme))).vm],
    async begin(test, acme) {
      const [group] = (await readBelief(test.cloud.store)).groups;
      expect((await new TestGroups(acme).call('DELETE', `/${group?.id}`)).status).toBe(202);
    },
    reached: (test) => nothing_is_protected(test),
    async unwound(test, acme) {
      const [left] = (await readBelief(test.cloud.store)).groups;
      if (!left) return;
      expect(left).toMatchObject({ state: 'unprotected', reason: expect.stringMatching(/delete it again/) });
      expect((await new TestGroups(acme).call('DELETE', `/${left.id}`)).status).toBe(202);
      await test.settle();
      await nothing_is_protected(test);
    },
  },
};

/** The disk of 20 GiB has 30, its copy too, and its guest can write to the last block. */
async function has_grown(test: TestCloud, acme: TestTenant, vmId: string): Promise<void> {
  const [vm] = await vmStates(test);
  expect(vm?.disks).toMatchObject([{ sizeGiB: 30 }]);
  expect(vm?.disks[0]?.resizing).toBeUndefined();
  expect(vm?.protection?.replicas.flatMap((r) => r.volumes.map((v) => v.sizeGiB))).toEqual([30]);
  const volumes = await new World(test.cloud.store).volumesOf(vmId);
  expect(volumes.map((v) => v.sizeGiB)).toEqual([30, 30]);
  await acme.write(vmId, 30 * BLOCKS_PER_GIB - 1, 'the last block');
}

/** The VMs run as before, and nothing is left of their protection: no group, copy, room, part of a link, mark or alarm. */
async function nothing_is_protected(test: TestCloud): Promise<void> {
  const belief = await readBelief(test.cloud.store);
  expect(belief.groups).toEqual([]);
  expect(belief.vms.map((vm) => [vm.state, vm.protection])).toEqual(belief.vms.map(() => ['running', undefined]));
  expect(belief.links.map((l) => l.freeMbps)).toEqual(belief.links.map((l) => l.mbps));
  expect(belief.datastores.filter((d) => d.siteId === TWIN).map((d) => d.freeGiB)).toEqual([1000]);
  expect(belief.alarms.filter((a) => a.state === 'active')).toEqual([]);
  expect((await test.world()).volumes.filter((v) => v.siteId === TWIN)).toEqual([]);
  expect(await test.cloud.store.queryAll('SYS#PROTECTED')).toEqual([]);
}

/** A host that was to be emptied takes VMs again; unless the work was done, when it is in maintenance. */
async function servesAgain(test: TestCloud, hostId: string, orMaintenance: boolean): Promise<void> {
  await test.advance(30);
  await test.settle();
  const host = (await readBelief(test.cloud.store)).hosts.find((h) => h.id === hostId);
  expect(host?.draining).toBeUndefined();
  expect(host?.claim).toBeUndefined();
  expect(orMaintenance ? ['online', 'maintenance'] : ['online']).toContain(host?.state);
}

/** Nothing of the failed creation: no VM, process, volume, capacity, address or quota. */
async function nothing_is_left(test: TestCloud): Promise<void> {
  const belief = await readBelief(test.cloud.store);
  const world = await test.world();
  expect(belief.vms).toEqual([]);
  expect(belief.claims).toEqual([]);
  expect(world.processes).toEqual([]);
  expect(world.volumes).toEqual([]);
  for (const host of belief.hosts) expect([host.id, host.free.vcpus]).toEqual([host.id, host.capacity.vcpus]);
}
describe.each(OPERATION_KINDS)('%s', (kind) => {
  const story = STORIES[kind];
  let test: TestCloud;
  let harmed: ReturnType<typeof harm> | undefined;
  afterEach(async () => {
    harmed?.restore();
    harmed = undefined;
    await test.stop();
  });

  it.each(harmsOf(kind).map((h): [string, Harm] => [wordsOf(h), h]))('%s', async (_words, what) => {
    test = await TestCloud.start({ estate });
    const acme = await TestTenant.create(test);
    const vms = await story.prepare(test, acme);
    harmed = harm(kind, what);
    await story.begin(test, acme, vms);
    await test.settle();
    if (what.kind !== 'none')
      expect(harmed.hits(), 'the harm was never done: this run proves nothing').toBeGreaterThan(0);
    else expect(harmed.writes(), 'writes of an undisturbed run: each must have its crash').toBe(WRITES[kind]);
    harmed.restore();
    if (survives(what)) await story.reached(test, acme, vms);
    else {
      await story.unwound(test, acme, vms, 'step' in what ? what.step : '');
      if (kind === 'ha-recovery') {
        await test.advance(60);
        await test.settle();
        await story.reached(test, acme, vms);
      }
    }
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });
});
