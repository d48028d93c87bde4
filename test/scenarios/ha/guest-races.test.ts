import { afterEach, describe, expect, it } from 'vitest';
import { Probe } from '../../../functions/probe/probe.ts';
import { makeIds } from '../../../shared/kernel/ids.ts';
import { silent } from '../../../shared/kernel/log.ts';
import { randomFrom } from '../../../shared/kernel/random.ts';
import { beforeCommits, breakStep, holdStep, meeting } from '../../support/interleave.ts';
import { Ward } from './ward.ts';

let ward: Ward;
afterEach(() => ward.stage.stop());

const detected = () => ward.until(async () => (await ward.recoveries())[0], 60);

describe('the host of the guest fails in the middle of its recovery', () => {
  it.each(['stop', 'place', 'start', 'confirm', 'report'])(
    'before %s: it runs once, and both recoveries end',
    async (step) => {
      ward = await Ward.open();
      const vm = await ward.vm('reboot');
      await ward.stage.acme.write(vm.id, 3, 'before');
      const held = holdStep('recover-guest', step);
      await ward.crash(vm);
      await detected();
      await ward.until(async () => (await ward.recoveries())[0]?.steps.some((s) => s.name === step));
      await ward.test.fault('host-power-loss', vm.hostId);
      await ward.test.advance(8);
      held.letGo();
      await ward.stage.recovered(vm.hostId);
      const now = await ward.restarted(vm);
      expect(now.hostId).not.toBe(vm.hostId);
      expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
      await ward.sound();
    },
  );

  it.each(['start', 'confirm'])('ha: the host that it was moved to fails before %s', async (step) => {
    ward = await Ward.open();
    const vm = await ward.vm('ha');
    await ward.stage.acme.write(vm.id, 3, 'before');
    const held = holdStep('recover-guest', step);
    await ward.crash(vm);
    await ward.until(async () => (await ward.stage.believed(vm.id)).epoch > vm.epoch);
    const target = String((await ward.stage.believed(vm.id)).hostId);
    await ward.test.fault('host-power-loss', target);
    await ward.stage.recovered(target);
    held.letGo();
    const now = await ward.restarted({ id: vm.id, epoch: vm.epoch + 1 });
    expect(now.hostId).not.toBe(target);
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
    expect((await ward.incidents())[0]?.timeline.at(-1)?.what).toBe('taken over');
    await ward.sound();
  });

  it.each(['stop', 'place', 'start', 'confirm'])(
    'the recovery of its host has just started it elsewhere: %s lets go of it, and touches nothing',
    async (step) => {
      ward = await Ward.open();
      const vm = await ward.vm('reboot');
      const held = holdStep('recover-guest', step);
      await ward.crash(vm);
      await ward.until(async () => (await ward.recoveries())[0]?.steps.some((s) => s.name === step));
      const { epoch } = await ward.stage.believed(vm.id);
      await ward.test.fault('host-power-loss', vm.hostId);
      await ward.until(async () => (await ward.stage.runs(vm.id)).some((p) => p.hostId !== vm.hostId));
      held.letGo();
      expect(await ward.restarted({ id: vm.id, epoch })).toMatchObject({ epoch: epoch + 1 });
      expect(await ward.stage.runs(vm.id)).toMatchObject([{ epoch: epoch + 1, state: 'running' }]);
      expect((await ward.incidents())[0]?.timeline.at(-1)?.what).toBe('taken over');
      await ward.sound();
    },
  );

  it('its host fails just after the crash, before anybody has looked: that is the business of the host alone', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('ha');
    await ward.crash(vm);
    await ward.test.fault('host-power-loss', vm.hostId);
    await ward.restarted(vm);
    expect(await ward.recoveries()).toEqual([]);
    await ward.sound();
  });
});

describe('a VM with a passthrough device (IO-4)', () => {
  const card = [{ kind: 'disk', functions: 1 }];
  const open = async () => {
    ward = await Ward.open({ devices: card });
  };
  const vmWith = async (faultProcess: string) => {
    const { acme } = ward.stage;
    const ha = { enabled: false, faultProcess };
    const disks = [{ name: 'root', sizeGiB: 20, boot: true, io: 'passthrough' }];
    const body = { ...acme.body({ vcpus: 1, memoryMiB: 1024 }), disks, ha };
    const made = await ward.test.client.must<{ id: string }>('POST', `/v1/vdcs/${acme.vdcId}/vms`, acme.token, body);
    await ward.test.settle();
    const { id, hostId, epoch } = await acme.vm(made.id);
    return { id, hostId: String(hostId), epoch };
  };

  it.each(['reboot', 'ha'])('%s: it is restarted in place, and never moved', async (faultProcess) => {
    await open();
    const vm = await vmWith(faultProcess);
    await ward.crash(vm);
    expect((await ward.restarted(vm)).hostId).toBe(vm.hostId);
    await ward.sound();
  });

  it('its host fails in the middle: it has no HA, and is not started elsewhere', async () => {
    await open();
    const vm = await vmWith('reboot');
    const held = holdStep('recover-guest', 'start');
    await ward.crash(vm);
    await ward.until(async () => (await ward.stage.believed(vm.id)).epoch > vm.epoch);
    await ward.test.fault('host-power-loss', vm.hostId);
    await ward.stage.recovered(vm.hostId);
    held.letGo();
    await ward.rests(vm, 'stopped');
    expect((await ward.stage.believed(vm.id)).reason).toMatch(/IO-4/);
    await ward.sound();
  });
});

describe('somebody else wants the VM', () => {
  it('its owner has it stopped before the crash is found: it is stopped, and nobody restarts it', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    const held = holdStep('stop-vm', 'stopVms');
    await ward.crash(vm);
    expect((await ward.stage.acme.action(vm.id, 'stop')).status).toBe(202);
    await ward.test.advance(20);
    held.letGo();
    await ward.rests(vm, 'stopped');
    await ward.test.advance(20);
    expect(await ward.recoveries()).toEqual([]);
    expect(await ward.stage.runs(vm.id)).toEqual([]);
    await ward.sound();
  });

  it.each(['stop', 'delete'] as const)(
    '%s during its recovery: refused, naming the operation to wait for; then it is done',
    async (wish) => {
      ward = await Ward.open();
      const { acme } = ward.stage;
      const vm = await ward.vm('reboot');
      const ask = () => (wish === 'stop' ? acme.action(vm.id, 'stop') : acme.remove(vm.id));
      await ward.crash(vm);
      const recovery = await detected();
      expect(await ask()).toMatchObject({
        status: 409,
        body: { code: 'operation-in-progress', operationId: recovery.id },
      });
      expect(await ward.stage.end(recovery.id)).toMatchObject({ state: 'success' });
      expect((await ask()).status).toBe(202);
      await ward.test.settle();
      expect(await ward.stage.runs(vm.id)).toEqual([]);
      await ward.sound();
    },
  );

  it('stop and the look of the probe at once: one of the two has it, and it ends well', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.crash(vm);
    ward.test.clock.advanceTo(ward.test.clock.now() + 2_000);
    const [asked] = await Promise.all([ward.stage.acme.action(vm.id, 'stop'), ward.test.cloud.probe.run()]);
    const begun = (await ward.recoveries()).length;
    expect([202, 409]).toContain(asked.status);
    expect(begun).toBe(asked.status === 409 ? 1 : 0);
    await ward.rests(vm, begun === 1 ? 'running' : 'stopped');
    await ward.sound();
  });

  it('several probes at once: one recovery, one incident, one restart', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    await ward.crash(vm);
    ward.test.clock.advanceTo(ward.test.clock.now() + 2_000);
    const { clock } = ward.test;
    const all = meeting(3);
    const store = beforeCommits(ward.stage.store, all);
    const probes = [1, 2, 3].map((n) => {
      const random = randomFrom(() => n / 7);
      const runtime = { store, clock, ids: makeIds(clock, random), random, log: silent, pause: async () => {} };
      return new Probe(runtime, ward.stage.agents(store));
    });
    await Promise.all(probes.map((probe) => probe.run()));
    expect(await ward.restarted(vm)).toMatchObject({ epoch: vm.epoch + 1 });
    expect(await ward.recoveries()).toHaveLength(1);
    expect(await ward.incidents()).toHaveLength(1);
    expect((await ward.stage.believed(vm.id)).guestRestarts).toHaveLength(1);
    await ward.sound();
  });

  it('it is being migrated: the migration gives up at its switch-over, and the guest is restarted', async () => {
    ward = await Ward.open();
    const vm = await ward.stage.slowMover({ ha: { enabled: true, faultProcess: 'reboot' } });
    await ward.stage.acme.write(vm.id, 3, 'before');
    const { id } = await ward.stage.migrate(vm);
    await ward.until(async () => (await ward.stage.migrationOf(vm.id)).begun);
    await ward.crash(vm);
    expect(await ward.stage.end(id)).toMatchObject({ state: 'failed' });
    const now = await ward.restarted(vm);
    // The epoch that the migration was promised is never given again.
    expect(now).toMatchObject({ hostId: vm.hostId, epoch: vm.epoch + 2 });
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
    await ward.sound();
  });

  it('it hangs while it is migrated: the hang comes along, and is dealt with where it has arrived', async () => {
    ward = await Ward.open();
    const vm = await ward.stage.slowMover({ ha: { enabled: true, faultProcess: 'reboot' } });
    const { id } = await ward.stage.migrate(vm);
    await ward.until(async () => (await ward.stage.migrationOf(vm.id)).begun);
    await ward.hang(vm);
    expect(await ward.stage.end(id)).toMatchObject({ state: 'success' });
    const arrived = await ward.stage.acme.vm(vm.id);
    expect(arrived.hostId).not.toBe(vm.hostId);
    expect(await ward.stage.runs(vm.id)).toMatchObject([{ state: 'hung' }]);
    const now = await ward.restarted(arrived);
    expect(now.hostId).toBe(arrived.hostId);
    await ward.sound();
  });
});

describe('the way to the site is bad', () => {
  it.each(['answer-lost', 'duplicate-call', 'call-timeout'])('%s: it is restarted, once', async (way) => {
    ward = await Ward.open();
    const vm = await ward.vm('ha');
    await ward.stage.acme.write(vm.id, 3, 'before');
    const held = holdStep('recover-guest', 'stop');
    await ward.crash(vm);
    await detected();
    await ward.test.fault(way, 'site_a', { for: 25 });
    held.letGo();
    expect(await ward.restarted(vm)).toMatchObject({ epoch: vm.epoch + 1 });
    expect(await ward.stage.acme.read(vm.id, 3)).toBe('before');
    await ward.sound();
  });

  it('its agent cannot be asked for longer than the steps are tried: the recovery waits, and goes on with it afterwards', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    const held = holdStep('recover-guest', 'stop');
    await ward.crash(vm);
    await detected();
    const cut = await ward.test.fault('agent-lost', vm.hostId);
    held.letGo();
    await ward.test.advance(700);
    expect(await ward.stage.believed(vm.id)).toMatchObject({ state: 'faultResuming', hostId: vm.hostId });
    await ward.stage.heal(cut);
    expect(await ward.restarted(vm, 900)).toMatchObject({ hostId: vm.hostId });
    await ward.sound();
  });

  it('a step breaks for good again and again: it is tried as often as the limit of restarts allows, then an alarm', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    const broken = breakStep('recover-guest', 'stop');
    await ward.crash(vm);
    await ward.until(async () => (await ward.alarms()).length > 0);
    expect(await ward.alarms()).toEqual([`guest-restarts-exhausted ${vm.id}`]);
    expect((await ward.recoveries()).map((o) => o.state)).toEqual(['failed', 'failed', 'failed']);
    expect(await ward.stage.runs(vm.id)).toMatchObject([{ state: 'crashed', epoch: vm.epoch }]);
    broken.mend();
    await ward.sound();
  });
});
