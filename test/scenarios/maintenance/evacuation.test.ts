import { afterEach, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import { Ward } from './ward.ts';

let ward: Ward;
afterEach(() => ward.test.stop());

describe('maintenance of a host (ELA-6, ELA-7, MIG-10)', () => {
  it('moves every VM as the dry run said; each runs at every instant and loses no byte; then the host is empty', async () => {
    ward = await Ward.open();
    const { hostId, there } = Ward.fullest(await ward.busy(6));
    const [stopped] = await ward.acme.running(1, { name: 'resting' });
    await ward.acme.action(stopped?.id as string, 'stop');
    await ward.test.settle();
    const before = await ward.host(hostId);
    const plan = await ward.plan(hostId);
    expect(plan.possible).toBe(true);
    expect(plan.vms.map((v) => v.vmId).sort()).toEqual(there.map((v) => v.id).sort());
    expect(await ward.host(hostId)).toEqual(before);
    const { status, body } = await ward.call(hostId, 'maintenance-enter');
    expect(status).toBe(202);
    await ward.watch(ward.ended(body.id));
    expect((await ward.operation(body.id)).state).toBe('success');
    const after = await ward.host(hostId);
    expect(after).toMatchObject({ state: 'maintenance', free: before.capacity });
    expect([after.claim, after.draining]).toEqual([undefined, undefined]);
    for (const { vmId, toHostId } of plan.vms) expect((await ward.acme.vm(vmId)).hostId).toBe(toHostId);
    expect(await ward.acme.vm(stopped?.id as string)).toMatchObject({ state: 'stopped', hostId: null });
    expect((await ward.test.world()).processes.filter((p) => p.hostId === hostId)).toEqual([]);
    expect(ward.writes).toBeGreaterThan(50);
    await ward.nothingIsLost();
  });

  it('ends on request: the host is reconciled and takes VMs again', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(1));
    await ward.call(hostId, 'maintenance-enter');
    await ward.test.settle();
    expect((await ward.call(hostId, 'maintenance-enter')).body.code).toBe('illegal-transition');
    const { status } = await ward.call(hostId, 'maintenance-exit');
    expect(status).toBe(202);
    await ward.test.settle();
    expect((await ward.host(hostId)).state).toBe('online');
    expect((await ward.call(hostId, 'maintenance-exit')).body.code).toBe('illegal-transition');
    const made = await ward.acme.running(6);
    expect(await ward.placesOf(made)).toContain(hostId);
    await ward.nothingIsLost();
  });

  it('is accepted once: who asks again is told which operation empties the host', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(3));
    const replies = await Promise.all([
      ward.call(hostId, 'maintenance-enter'),
      ward.call(hostId, 'expand', { memoryGiB: 128 }),
    ]);
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409]);
    expect(replies.find((r) => r.status === 409)?.body.code).toBe('operation-in-progress');
    await ward.nothingIsLost();
  });

  it('two hosts at once: nothing moves from the one to the other, and the third carries all', async () => {
    ward = await Ward.open();
    const vms = await ward.busy(6);
    const [a, b] = [...new Set(vms.map((v) => v.hostId))] as [string, string];
    const ops = [await ward.call(a, 'maintenance-enter'), await ward.call(b, 'maintenance-enter')];
    expect(ops.map((o) => o.status)).toEqual([202, 202]);
    await ward.watch(async () => (await Promise.all(ops.map((o) => ward.ended(o.body.id)()))).every(Boolean));
    expect((await ward.host(a)).state).toBe('maintenance');
    expect((await ward.host(b)).state).toBe('maintenance');
    expect(new Set(await ward.placesOf(vms)).size).toBe(1);
    await ward.nothingIsLost();
  });

  it('no VM that is created meanwhile lands on the host, nor one that is started', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(1, { memoryMiB: 4096 }));
    const resting = (await ward.acme.create({ name: 'resting', memoryMiB: 512, start: false })).body.id;
    await ward.test.settle();
    const { body } = await ward.call(hostId, 'maintenance-enter');
    expect((await ward.acme.action(resting, 'start')).status).toBe(202);
    const made: string[] = [];
    // What lands there would be moved off again: the place that it is given at first counts.
    const places = [(await ward.acme.vm(resting)).hostId];
    await ward.watch(async () => {
      if (made.length < 12) {
        const { id } = (await ward.acme.create({ name: `new-${made.length}`, memoryMiB: 4096 })).body;
        made.push(id);
        places.push((await ward.acme.vm(id)).hostId);
        expect((await ward.host(hostId)).draining).toBe(body.id);
      }
      return (await ward.ended(body.id)()) && made.length === 12;
    });
    expect(places).not.toContain(hostId);
    await ward.test.settle();
    for (const id of [resting, ...made]) {
      const vm = await ward.acme.vm(id);
      expect(vm.state).toBe('running');
      expect(vm.hostId).not.toBe(hostId);
    }
    expect((await ward.host(hostId)).state).toBe('maintenance');
    await ward.nothingIsLost();
  });

  it('a VM that was created just before is moved as soon as it runs', async () => {
    ward = await Ward.open();
    const created = await ward.acme.create({ count: 6, name: 'young' } as object);
    const { id } = (created.body.items ?? [created.body])[0] as { id: string };
    await ward.test.advance(2);
    const hostId = (await ward.acme.vm(id)).hostId as string;
    const { status, body } = await ward.call(hostId, 'maintenance-enter');
    expect(status).toBe(202);
    await ward.watch(ward.ended(body.id));
    expect((await ward.host(hostId)).state).toBe('maintenance');
    expect(await ward.acme.vm(id)).toMatchObject({ state: 'running' });
    await ward.nothingIsLost();
  });
});

describe('what forbids it is said at once, and nothing is changed:', () => {
  const refused = async (hostId: string, what = 'maintenance-enter', body: object = {}) => {
    const before = await readBelief(ward.test.cloud.store);
    const reply = await ward.call<{ detail: string; errors: { message: string; fix?: string }[] }>(hostId, what, body);
    const after = await readBelief(ward.test.cloud.store);
    expect(after.hosts).toEqual(before.hosts);
    expect(after.vms).toEqual(before.vms);
    expect(after.operations).toHaveLength(before.operations.length);
    return reply;
  };

  it('a passthrough device, with the name of the VM, the rule and a remedy (IO-4)', async () => {
    ward = await Ward.open({ devices: [{ kind: 'nic', functions: 4 }] });
    const shape = {
      ...ward.acme.body({ name: 'fast' }),
      nics: [{ networkId: ward.acme.networkId, io: 'passthrough' }],
      ha: { enabled: false },
    };
    const made = await ward.test.client.must<{ id: string }>(
      'POST',
      `/v1/vdcs/${ward.acme.vdcId}/vms`,
      ward.acme.token,
      shape,
    );
    await ward.test.settle();
    const hostId = (await ward.acme.vm(made.id)).hostId as string;
    const reply = await refused(hostId);
    expect([reply.status, reply.body.code]).toEqual([409, 'feature-unavailable']);
    expect(reply.body.errors[0]?.message).toMatch(/fast: passthrough device.*IO-4/);
    expect(reply.body.errors[0]?.fix).toMatch(/remove the device/);
    expect((await refused(hostId, 'expand', { memoryGiB: 128 })).body.code).toBe('feature-unavailable');
    const plan = await ward.plan(hostId);
    expect(plan).toMatchObject({ possible: false, vms: [{ vmId: made.id, reasons: [{ rule: 'IO-4' }] }] });
  });

  it('no room for some: each is named, and the others say where they would go (ELA-7)', async () => {
    ward = await Ward.open();
    const vms = await ward.acme.running(6, { memoryMiB: 24_576 });
    const { hostId, there } = Ward.fullest(vms as never);
    expect(there).toHaveLength(2);
    const reply = await refused(hostId);
    expect([reply.status, reply.body.code]).toEqual([507, 'no-capacity']);
    expect(reply.body.errors).toHaveLength(2);
    expect(reply.body.errors[0]?.message).toMatch(/memory rules out 2/);
    expect((await ward.plan(hostId)).vms.map((v) => v.reasons?.[0]?.rule)).toEqual(['ELA-6', 'ELA-6']);
  });

  it('a host that is not online, one that nobody has, and hardware that shrinks', async () => {
    ward = await Ward.open();
    const [id] = (await ward.test.world()).hosts.map((h) => h.id) as [string];
    expect((await refused('host_nobody')).status).toBe(404);
    for (const body of [{ memoryGiB: 32 }, { sockets: 1 }, { memoryGiB: 64 }, {}])
      expect((await refused(id, 'expand', body)).body.code).toBe('invalid-request');
    await ward.test.fault('host-power-loss', id);
    await ward.test.until(async () => (await ward.host(id)).state === 'fenced');
    await ward.test.settle();
    expect((await refused(id)).body.code).toBe('illegal-transition');
  });
});

describe('a fault while a host is emptied', () => {
  it('the host itself dies: high availability takes its VMs over, the operation fails, nothing is lost', async () => {
    ward = await Ward.open();
    const { hostId, there } = Ward.fullest(await ward.busy(6));
    const { body } = await ward.call(hostId, 'maintenance-enter');
    await ward.watch(
      async () => (await ward.host(hostId)).free.migrations !== (await ward.host(hostId)).capacity.migrations,
    );
    await ward.test.advance(3);
    await ward.test.fault('host-power-loss', hostId);
    const down = there.map((v) => v.id);
    await ward.watch(ward.ended(body.id), { down });
    const { state, error } = await ward.operation(body.id);
    expect(state).toBe('failed');
    expect(error?.message).toMatch(/failed while it was emptied/);
    await ward.watch(
      async () => (await Promise.all(down.map((id) => ward.acme.vm(id)))).every((v) => v.state === 'running'),
      { down },
    );
    expect((await ward.host(hostId)).draining).toBeUndefined();
    expect(await ward.placesOf(there)).not.toContain(hostId);
    await ward.nothingIsLost();
  });

  it('a target dies: what was on its way there stays, is planned anew and goes to the host that is left', async () => {
    ward = await Ward.open();
    const { hostId, there } = Ward.fullest(await ward.busy(4));
    const target = (await ward.plan(hostId)).vms[0]?.toHostId as string;
    const others = (await readBelief(ward.test.cloud.store)).vms.filter((v) => v.hostId === target).map((v) => v.id);
    const { body } = await ward.call(hostId, 'maintenance-enter');
    await ward.watch(
      async () => (await ward.host(hostId)).free.migrations !== (await ward.host(hostId)).capacity.migrations,
    );
    await ward.test.advance(3);
    await ward.test.fault('host-power-loss', target);
    await ward.watch(ward.ended(body.id), { down: others, seconds: 1500 });
    expect((await ward.operation(body.id)).state).toBe('success');
    expect((await ward.host(hostId)).state).toBe('maintenance');
    for (const id of await ward.placesOf(there)) expect([hostId, target]).not.toContain(id);
    await ward.nothingIsLost();
  });

  it('a guest writes too fast to be moved, and is slowed down the second time (MIG-4)', async () => {
    ward = await Ward.open();
    const { hostId, there } = Ward.fullest(await ward.busy(1));
    await ward.load(there[0]?.id as string, { cpu: 0.9, dirtyMiBps: 500, touchedMiB: 2048, activeMiB: 2048 });
    const { body } = await ward.call(hostId, 'maintenance-enter');
    await ward.watch(ward.ended(body.id), { seconds: 1500 });
    expect((await ward.operation(body.id)).state).toBe('success');
    await ward.nothingIsLost();
  });

  it('the site goes silent for a while: the work goes on where it stood', async () => {
    ward = await Ward.open();
    const { hostId } = Ward.fullest(await ward.busy(4));
    const { body } = await ward.call(hostId, 'maintenance-enter');
    await ward.test.advance(5);
    await ward.test.fault('answer-lost', 'site_a', { for: 40 });
    await ward.watch(ward.ended(body.id), { seconds: 1500 });
    expect((await ward.operation(body.id)).state).toBe('success');
    await ward.nothingIsLost();
  });

  it('the last room is taken meanwhile: the host serves on, and every VM that stays is named', async () => {
    ward = await Ward.open();
    const { hostId, there } = Ward.fullest(await ward.busy(4, { memoryMiB: 20_480 }));
    const target = (await ward.plan(hostId)).vms[0]?.toHostId as string;
    const { body } = await ward.call(hostId, 'maintenance-enter');
    await ward.test.advance(3);
    await ward.test.fault('host-power-loss', target);
    const down = (await readBelief(ward.test.cloud.store)).vms.filter((v) => v.hostId === target).map((v) => v.id);
    await ward.watch(ward.ended(body.id), { down, seconds: 1500 });
    const { state, error } = await ward.operation(body.id);
    expect(state).toBe('failed');
    expect(error?.message).toMatch(
      /1 VMs cannot leave the host: vm-\d \(vm_\w+\): no other host of its cluster can take it/,
    );
    const host = await ward.host(hostId);
    expect([host.state, host.draining]).toEqual(['online', undefined]);
    expect(await ward.placesOf(there)).toContain(hostId);
    // The VM that found no room while the host was emptied finds it there now.
    await ward.watch(
      async () => (await Promise.all(down.map((id) => ward.acme.vm(id)))).every((v) => v.state === 'running'),
      { down },
    );
    await ward.nothingIsLost();
  });
});
