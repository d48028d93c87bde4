import { afterEach, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import { type Placed, Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());

const HA = { enabled: true, failBack: true };

/** Its host loses power, and it is recovered elsewhere. */
async function lost(vm: Placed): Promise<Placed> {
  const fault = await stage.test.fault('host-power-loss', vm.hostId);
  const moved = await runsAwayFrom(vm.id, vm.hostId);
  await stage.heal(fault);
  return moved;
}
const runsAwayFrom = (id: string, hostId: string) =>
  stage.test.until(async () => {
    const now = await stage.acme.vm(id);
    return now.state === 'running' && now.hostId !== hostId && (now as Placed);
  });
const powerOn = (hostId: string) =>
  stage.test.client.must('POST', `/v1/system/hosts/${hostId}/power-on`, stage.test.operator);
const serves = (hostId: string) => stage.test.until(async () => (await stage.host(hostId)).state === 'online');
const isBack = (vm: Placed, seconds = 600) =>
  stage.test.until(async () => {
    await oneCopyEach();
    const now = await stage.believed(vm.id);
    return now.hostId === vm.hostId && now.state === 'running' && now.claim === undefined && now;
  }, seconds);
async function oneCopyEach(): Promise<void> {
  const ids = (await stage.test.world()).processes.filter((p) => p.state === 'running').map((p) => p.vmId);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
}
const moves = async (vm: { id: string }) =>
  (await readBelief(stage.store)).operations.filter((o) => o.kind === 'migrate-vm' && o.target === vm.id);
const quota = () => stage.test.client.must('GET', `/v1/vdcs/${stage.acme.vdcId}`, stage.acme.token);
const sound = async () => {
  await stage.test.settle();
  expect(await stage.test.violations()).toEqual([]);
};

describe('a VM that wants to go back to its host', () => {
  it('is moved back while it runs when that host serves again: its data whole, its quota charged once', async () => {
    stage = await Stage.open();
    const vm = await stage.vm({ ha: HA });
    const charged = await quota();
    const away = await lost(vm);
    await stage.acme.write(vm.id, 6, 'written meanwhile');
    expect(await stage.believed(vm.id)).toMatchObject({ failBackTo: vm.hostId });
    await powerOn(vm.hostId);
    const back = await isBack(vm);
    expect(back.epoch).toBe(away.epoch + 1);
    expect(back.failBackTo).toBeUndefined();
    expect(await stage.runs(vm.id)).toMatchObject([{ hostId: vm.hostId, state: 'running' }]);
    expect(await stage.acme.read(vm.id, 6)).toBe('written meanwhile');
    expect(await quota()).toMatchObject({ usage: (charged as { usage: object }).usage });
    await stage.test.advance(130);
    expect(await moves(vm)).toMatchObject([{ state: 'success' }]);
    expect((await stage.host(vm.hostId)).failsBack, 'nobody is waited for any more').toBeUndefined();
    await sound();
  });

  it('stays where it is when it does not want that', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const away = await lost(vm);
    await powerOn(vm.hostId);
    await serves(vm.hostId);
    await stage.test.advance(130);
    expect(await stage.acme.vm(vm.id)).toMatchObject({ hostId: away.hostId, epoch: away.epoch });
    await sound();
  });

  it('waits until the cluster is armed again', async () => {
    stage = await Stage.open();
    const vm = await stage.vm({ ha: HA });
    await lost(vm);
    const cluster = '/v1/system/clusters/cl_a-c1';
    await stage.test.client.must('POST', `${cluster}/ha-disarm`, stage.test.operator, { reason: 'new switches' });
    await powerOn(vm.hostId);
    await serves(vm.hostId);
    await stage.test.advance(180);
    expect(await moves(vm)).toEqual([]);
    await stage.test.client.must('POST', `${cluster}/ha-arm`, stage.test.operator, {});
    await isBack(vm);
    await sound();
  });

  it('stays while there is no room, which is said once and is no alarm; it goes back when there is some', async () => {
    stage = await Stage.open({ count: 2, memoryGiB: 14 });
    const vm = await stage.vm({ ha: HA, memoryMiB: 8192 });
    await lost(vm);
    await powerOn(vm.hostId);
    await serves(vm.hostId);
    // Before the probe looks, others take the room.
    const [filler] = await stage.acme.running(1, { name: 'filler', vcpus: 1, memoryMiB: 8192 });
    if (filler?.hostId !== vm.hostId) throw new Error('the filler is elsewhere');
    await stage.test.advance(200);
    const notes = (await readBelief(stage.store)).incidents
      .flatMap((i) => i.timeline)
      .filter((line) => line.what.startsWith('fail-back'));
    expect(notes).toMatchObject([{ detail: expect.stringMatching(/^1 stay: .*MiB free, the VM needs 8192/) }]);
    const { alarms } = await readBelief(stage.store);
    expect(alarms.filter((a) => a.state === 'active')).toEqual([]);
    await stage.acme.remove(filler.id);
    await isBack(vm);
    await sound();
  });

  it('whose owner moves it elsewhere meanwhile, is left there', async () => {
    stage = await Stage.open();
    const vm = await stage.vm({ ha: HA });
    const away = await lost(vm);
    const third = (await stage.others(vm.hostId)).find((id) => id !== away.hostId) as string;
    expect(await stage.migrated(away, third)).toMatchObject({ state: 'success' });
    expect((await stage.believed(vm.id)).failBackTo).toBeUndefined();
    await powerOn(vm.hostId);
    await serves(vm.hostId);
    await stage.test.advance(180);
    expect(await stage.acme.vm(vm.id)).toMatchObject({ hostId: third });
    await sound();
  });

  it('whose host dies again while it is on its way, runs on where it is, once; and goes back when that serves', async () => {
    stage = await Stage.open();
    const vm = await stage.slowMover({ ha: HA });
    await stage.acme.write(vm.id, 2, 'kept');
    await lost(vm);
    await powerOn(vm.hostId);
    await stage.test.until(async () => (await stage.believed(vm.id)).migration?.begun);
    const fault = await stage.test.fault('host-power-loss', vm.hostId);
    await stage.recovered(vm.hostId);
    await stage.test.settle();
    expect(await stage.runs(vm.id)).toHaveLength(1);
    expect(await stage.believed(vm.id)).toMatchObject({ state: 'running', failBackTo: vm.hostId });
    await stage.heal(fault);
    await powerOn(vm.hostId);
    await isBack(vm, 1200);
    expect(await stage.acme.read(vm.id, 2)).toBe('kept');
    await sound();
  });

  it('whose present host dies on the way, is recovered like any other', async () => {
    stage = await Stage.open();
    const vm = await stage.slowMover({ ha: HA });
    await stage.acme.write(vm.id, 2, 'kept');
    const away = await lost(vm);
    await powerOn(vm.hostId);
    await stage.test.until(async () => (await stage.believed(vm.id)).migration?.begun);
    await stage.test.fault('host-power-loss', away.hostId);
    await runsAwayFrom(vm.id, away.hostId);
    await isBack(vm, 1200);
    expect(await stage.acme.read(vm.id, 2)).toBe('kept');
    await sound();
  });
});

it('VMs of a host go back some at a time, each once', async () => {
  stage = await Stage.open({ count: 2 });
  const vms = await stage.acme.running(24, { vcpus: 1, memoryMiB: 512, ha: HA, nic: false });
  const hostId = vms[0]?.hostId as string;
  const own = vms.filter((vm) => vm.hostId === hostId);
  expect(own.length).toBeGreaterThan(8);
  const fault = await stage.test.fault('host-power-loss', hostId);
  await stage.test.until(async () => {
    const now = (await readBelief(stage.store)).vms;
    return own.every((vm) => now.some((v) => v.id === vm.id && v.state === 'running' && v.hostId !== hostId));
  });
  await stage.heal(fault);
  await powerOn(hostId);
  let most = 0;
  await stage.test.until(async () => {
    await oneCopyEach();
    const now = (await readBelief(stage.store)).vms.filter((v) => own.some((vm) => vm.id === v.id));
    most = Math.max(most, now.filter((v) => v.migration?.seat.hostId === hostId).length);
    return now.every((v) => v.hostId === hostId && v.state === 'running');
  }, 1800);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(8);
  await sound();
});
