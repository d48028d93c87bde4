import { afterEach, describe, expect, it } from 'vitest';
import { keys } from '../../../shared/store/keys.ts';
import { holdStep } from '../../support/interleave.ts';
import { Ward } from './ward.ts';

let ward: Ward;
afterEach(() => ward.stage.stop());

/** Seconds of cloud time: 2 until the host says so, 5 until the probe looks. */
const DETECTED_S = 7;
const BOOTED_S = 35;

describe('a guest crashes', () => {
  it('notProcess: an alarm is raised, once, and nothing is restarted; it is cleared when the VM is stopped', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('notProcess');
    await ward.crash(vm);
    await ward.test.advance(120);
    expect(await ward.stage.acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
    expect(await ward.stage.runs(vm.id)).toMatchObject([{ state: 'crashed', epoch: vm.epoch }]);
    expect(await ward.alarms()).toEqual([`guest-crashed ${vm.id}`]);
    expect(await ward.recoveries()).toEqual([]);
    expect((await ward.stage.acme.action(vm.id, 'stop')).status).toBe(202);
    await ward.rests(vm, 'stopped');
    await ward.test.advance(6);
    expect(await ward.alarms()).toEqual([]);
    await ward.sound();
  });

  it('reboot: it runs again on its own host with a new epoch, the same disks and the same bytes', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.stage.acme.write(vm.id, 3, 'written before the crash');
    const ledgers = await freeOfHosts();
    await ward.crash(vm);
    const now = await ward.restarted(vm);
    expect(now).toMatchObject({ hostId: vm.hostId, epoch: vm.epoch + 1, nics: vm.nics });
    expect(await ward.stage.runs(vm.id)).toMatchObject([{ hostId: vm.hostId, epoch: vm.epoch + 1, state: 'running' }]);
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('written before the crash');
    expect(await freeOfHosts()).toEqual(ledgers);
    expect(await ward.alarms()).toEqual([]);
    await ward.sound();
  });

  it('the incident tells what happened and when, and how long the guest was away (HA-22)', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.crash(vm);
    const at = ward.test.clock.now();
    await ward.restarted(vm);
    const [incident] = await ward.incidents();
    expect(incident).toMatchObject({ state: 'closed', guest: { id: vm.id }, hostIds: [vm.hostId] });
    expect(incident?.timeline.map((l) => l.what)).toEqual([
      'guest crashed',
      'detected',
      'stopped',
      'placed',
      'started',
      'ready',
    ]);
    const times = incident?.timeline.map((l) => l.at) ?? [];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBe(at);
    expect((times[1] as number) - at).toBeLessThanOrEqual(DETECTED_S * 1000);
    const outcome = incident?.guest;
    expect(outcome).toMatchObject({ outcome: 'recovered', fromHost: vm.hostId, toHost: vm.hostId });
    expect(outcome?.rtoSeconds).toBeCloseTo(((times.at(-1) as number) - at) / 1000, 1);
    expect(outcome?.rtoSeconds).toBeLessThanOrEqual(DETECTED_S + BOOTED_S);
    const told = await ward.test.client.must('GET', `/v1/system/incidents/${incident?.id}`, ward.test.operator);
    expect(told).toMatchObject({ kind: 'guest', vmId: vm.id, vms: [{ id: vm.id, outcome: 'recovered' }] });
    await ward.sound();
  });

  it('ha: it runs on another host, as the fault may come from this one, with its bytes', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('ha');
    await ward.stage.acme.write(vm.id, 3, 'written before the crash');
    await ward.crash(vm);
    const now = await ward.restarted(vm);
    expect(now.hostId).not.toBe(vm.hostId);
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('written before the crash');
    expect((await ward.incidents())[0]?.guest).toMatchObject({ fromHost: vm.hostId, toHost: now.hostId });
    await ward.sound();
  });

  it('ha, and no other host has room: it runs on its own', async () => {
    ward = await Ward.open([{ name: 'large' }, { name: 'small', memoryGiB: 8 }]);
    const vm = await ward.vm('ha', { memoryMiB: 16_384 });
    await ward.crash(vm);
    expect((await ward.restarted(vm)).hostId).toBe(vm.hostId);
    await ward.sound();
  });

  it.each([
    [
      'the VM',
      async (id: string) => void (await ward.stage.changeVm(id, { ha: { enabled: false, faultProcess: 'ha' } })),
    ],
    ['its cluster', async () => void (await ward.stage.changeCluster({ ha: { enabled: false } }))],
  ])('HA is off for %s: an alarm, and no restart', async (_what, switchOff) => {
    ward = await Ward.open();
    const vm = await ward.vm('ha');
    await switchOff(vm.id);
    await ward.test.settle();
    await ward.crash(vm);
    await ward.test.advance(60);
    expect(await ward.alarms()).toEqual([`guest-crashed ${vm.id}`]);
    expect(await ward.recoveries()).toEqual([]);
    await ward.sound();
  });

  it('nothing is told of it by a host that is not heard: told, and acted on, when that answers again', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    const told = async () => {
      const beats = await ward.stage.agents(ward.stage.store).heartbeats('site_a');
      return beats.flatMap((b) => b.guests ?? []).map((g) => [g.vmId, g.epoch, g.state]);
    };
    const cut = await ward.test.fault('agent-lost', vm.hostId);
    await ward.crash(vm);
    await ward.test.advance(30);
    expect(await told()).toEqual([]);
    await ward.stage.heal(cut);
    expect(await told()).toEqual([[vm.id, vm.epoch, 'crashed']]);
    await ward.restarted(vm);
    expect(await told()).toEqual([]);
    await ward.sound();
  });

  it('its cluster is disarmed: an alarm; once it is armed again the guest is restarted and the alarm cleared', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    const cluster = keys.cluster('cl_a-c1');
    const disarmed = { since: ward.test.clock.now(), reason: 'work on the switches' };
    await ward.stage.store.update(cluster, { set: { disarmed } });
    await ward.crash(vm);
    await ward.test.advance(60);
    expect(await ward.alarms()).toContain(`guest-crashed ${vm.id}`);
    await ward.stage.store.update(cluster, { remove: ['disarmed'] });
    await ward.restarted(vm);
    await ward.test.advance(6);
    expect(await ward.alarms()).toEqual([]);
    await ward.sound();
  });
});

describe('a guest hangs', () => {
  it('and goes on by itself within the declared silence: nothing is done', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('ha');
    await ward.stage.acme.write(vm.id, 3, 'before');
    await ward.hang(vm, 29);
    await ward.test.advance(10);
    await expect(ward.stage.acme.read(vm.id, 3)).rejects.toThrow(/does not run/);
    await ward.test.advance(120);
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
    expect(await ward.recoveries()).toEqual([]);
    expect(await ward.alarms()).toEqual([]);
    expect((await ward.stage.acme.vm(vm.id)).epoch).toBe(vm.epoch);
    await ward.sound();
  });

  it('for longer: it is restarted, and its bytes are there', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.stage.acme.write(vm.id, 3, 'before');
    await ward.hang(vm);
    const at = ward.test.clock.now();
    expect((await ward.restarted(vm)).hostId).toBe(vm.hostId);
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
    const [incident] = await ward.incidents();
    expect(incident?.timeline[0]).toMatchObject({ at, what: 'guest hung' });
    expect((incident?.timeline[1]?.at as number) - at).toBeLessThanOrEqual((30 + DETECTED_S) * 1000);
    await ward.sound();
  });

  it('notProcess: an alarm, which is cleared when the guest goes on by itself', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('notProcess');
    await ward.hang(vm, 60);
    await ward.test.advance(50);
    expect(await ward.alarms()).toEqual([`guest-hung ${vm.id}`]);
    await ward.test.advance(20);
    expect(await ward.alarms()).toEqual([]);
    expect((await ward.stage.acme.vm(vm.id)).epoch).toBe(vm.epoch);
    await ward.sound();
  });

  it('without a driver: the hang is not seen, as it has no heartbeat; a crash is, as the VMM sees it', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot', { guest: { os: 'linux', pvDriver: false } });
    await ward.hang(vm, 120);
    await ward.test.advance(180);
    expect(await ward.recoveries()).toEqual([]);
    await ward.crash(vm);
    await ward.restarted(vm);
    await ward.sound();
  });

  it('as its host is out of reach, and goes on by itself meanwhile: it is not restarted', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.hang(vm, 60);
    const stop = holdStep('recover-guest', 'stop');
    await ward.until(async () => (await ward.recoveries()).length > 0, 60);
    const cut = await ward.test.fault('management-partition', vm.hostId);
    stop.letGo();
    await ward.test.advance(60);
    expect((await ward.stage.believed(vm.id)).state).toBe('faultResuming');
    await ward.stage.heal(cut);
    await ward.rests(vm, 'running');
    expect((await ward.stage.acme.vm(vm.id)).epoch).toBe(vm.epoch);
    expect(await ward.incidents()).toMatchObject([{ state: 'falseAlarm' }]);
    await ward.sound();
  });
});

describe('limits', () => {
  it('no more restarts than the cluster allows in its window: then an alarm, and a restart once the window has moved on', async () => {
    ward = await Ward.open({}, { ha: { guestRestarts: 2, guestWindowMinutes: 4 } });
    let vm = await ward.vm('reboot');
    const begun = ward.test.clock.now();
    for (let i = 0; i < 2; i++) {
      await ward.crash(vm);
      vm = await ward.restarted(vm);
    }
    await ward.crash(vm);
    await ward.test.advance(60);
    expect(await ward.alarms()).toEqual([`guest-restarts-exhausted ${vm.id}`]);
    expect((await ward.stage.acme.vm(vm.id)).epoch).toBe(vm.epoch);
    const now = await ward.restarted(vm);
    expect(ward.test.clock.now() - begun).toBeGreaterThanOrEqual(240_000);
    expect(ward.test.clock.now() - begun).toBeLessThan(300_000);
    expect(now.epoch).toBe(vm.epoch + 1);
    await ward.test.advance(6);
    expect(await ward.alarms()).toEqual([]);
    await ward.sound();
  });

  it('it crashes again as it boots: it is started once more on its host, and each start counts', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.crash(vm);
    await ward.boots(vm);
    await ward.crash(vm);
    expect(await ward.restarted(vm)).toMatchObject({ hostId: vm.hostId, epoch: vm.epoch + 2 });
    expect((await ward.stage.believed(vm.id)).guestRestarts).toHaveLength(2);
    expect((await ward.incidents())[0]?.timeline.map((l) => l.what)).toContain('start failed');
    await ward.sound();
  });

  it('it crashes at every boot: it is in error with reason and alarm, without a process; stop and start bring it back', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.stage.acme.write(vm.id, 3, 'before');
    await ward.crash(vm);
    for (let i = 1; i <= 2; i++) {
      await ward.until(async () => (await ward.stage.runs(vm.id)).some((p) => p.epoch === vm.epoch + i));
      await ward.crash(vm);
    }
    await ward.rests(vm, 'unknown');
    const lost = await ward.stage.acme.vm(vm.id);
    expect(lost).toMatchObject({ hostId: null, reason: expect.stringMatching(/2 starts failed; 1 further starts/) });
    expect(await ward.stage.runs(vm.id)).toEqual([]);
    expect(await ward.alarms()).toEqual([`vm-recovery-failed ${vm.id}`]);
    expect(await ward.recoveries()).toMatchObject([{ state: 'failed', error: { code: 'recovery-failed' } }]);
    expect((await ward.incidents())[0]?.guest).toMatchObject({ outcome: 'error' });
    expect(await ward.test.violations()).toEqual([]);
    await ward.test.advance(180);
    expect(await ward.recoveries()).toHaveLength(1);
    for (const action of ['stop', 'start'] as const) {
      expect((await ward.stage.acme.action(vm.id, action)).status).toBe(202);
      await ward.test.settle();
    }
    await ward.test.advance(65);
    expect(await ward.alarms()).toEqual([]);
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
    await ward.sound();
  });

  it('ha: after the further starts on one host it is moved to hosts that were not tried yet (HA-17)', async () => {
    ward = await Ward.open({}, { ha: { guestRestarts: 10 } });
    const vm = await ward.vm('ha');
    await ward.crash(vm);
    const places: string[] = [];
    for (let i = 1; i <= 4; i++) {
      const epoch = vm.epoch + i;
      const run = await ward.until(async () => (await ward.stage.runs(vm.id)).find((p) => p.epoch === epoch));
      places.push(run.hostId);
      await ward.crash(vm);
    }
    const end = await ward.restarted({ id: vm.id, epoch: vm.epoch + 4 });
    const [first, second] = [places[0], places[2]];
    expect(places).toEqual([first, first, second, second]);
    // Its own host comes last: the fault was seen there.
    expect(new Set([vm.hostId, first, second]).size).toBe(3);
    expect(end.hostId).toBe(vm.hostId);
    await ward.sound();
  });
});

async function freeOfHosts() {
  return Object.fromEntries((await ward.stage.hosts()).map((h) => [h.id, h.free]));
}
