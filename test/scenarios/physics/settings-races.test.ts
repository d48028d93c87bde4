import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigureResult, HostSettings } from '../../../shared/hypervisor/port.ts';
import type { OperationKind } from '../../../shared/model/operation.ts';
import { TryAgain } from '../../../workflows/engine/step-table.ts';
import { aroundStep, beforeCommits, errorOf, Gate, holdStep, once, withPort } from '../../support/interleave.ts';
import { type Placed, Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());
const sound = async () => expect(await stage.test.violations()).toEqual([]);

describe('QoS of a VM that is under way (QOS-2, QOS-7)', () => {
  const work: [string, OperationKind, string, (vm: Placed) => Promise<unknown>][] = [
    ['migration', 'migrate-vm', 'finish', (vm) => stage.migrate(vm)],
    ['deletion', 'delete-vm', 'finish', (vm) => stage.acme.remove(vm.id)],
    ['recovery', 'ha-recovery', 'plan', (vm) => stage.test.fault('host-power-loss', vm.hostId)],
  ];
  it.each(work)(
    'a reservation that changes while a %s is being written is counted once',
    async (_, kind, step, begin) => {
      stage = await Stage.open();
      const vm = await stage.vm();
      await stage.changeVm(vm.id, { cpu: { reservationMhz: 1000 } });
      await stage.test.settle();
      let changed = false;
      const change = once(async () => {
        await stage.changeVm(vm.id, { cpu: { reservationMhz: 500 } });
        changed = true;
      });
      aroundStep(kind, step, (run, deps) => run({ ...deps, store: beforeCommits(deps.store, change) }));
      await begin(vm);
      await stage.test.until(async () => changed);
      await stage.test.settle();
      await sound();
    },
  );

  it('a limit that changes after the switch-over is told to the host where the VM is', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const finish = holdStep('migrate-vm', 'finish');
    await stage.migrate(vm);
    const target = await stage.arrived(vm);
    await stage.changeVm(vm.id, { cpu: { limitMhz: 1234 } });
    await stage.test.advance(5);
    finish.letGo();
    await stage.test.settle();
    expect((await stage.process(target, vm.id)).machine?.cpu.limitMhz).toBe(1234);
  });

  it('a limit that is told while the switch-over is being written goes along', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    let told: ConfigureResult | undefined;
    aroundStep('migrate-vm', 'switchOver', async (_, deps) => {
      const { siteId, ...order } = await stage.moveOrder(vm.id);
      const tell = once(async () => {
        const { machine } = await stage.process(vm.hostId, vm.id);
        if (!machine) throw new Error('the VM does not run at its source');
        const changed = { ...machine, cpu: { ...machine.cpu, limitMhz: 1234 } };
        const version = (await stage.believed(vm.id)).version + 1;
        [told] = await deps.port.reconfigureVms(siteId, [{ ...order, version, machine: changed }]);
      });
      const [result] = await stage.agents(beforeCommits(stage.store, tell)).switchOver(siteId, [order]);
      if (result?.outcome !== 'switched') throw new TryAgain(String(result?.outcome));
      return {};
    });
    expect((await stage.migrated(vm)).state).toBe('success');
    expect(told?.outcome).toBe('done');
    const { hostId } = await stage.believed(vm.id);
    expect((await stage.process(String(hostId), vm.id)).machine?.cpu.limitMhz).toBe(1234);
  });
});

describe('settings of a cluster', () => {
  it.each([
    ['vCPUs', {}, { vcpuRatioPercent: 200 }, { vcpus: 28, memoryMiB: 1024 }],
    ['memory', { memoryGiB: 16 }, { overcommit: { enabled: true, ratioPercent: 150 } }, { memoryMiB: 10_000 }],
  ])(
    'that promise more %s than there are hold from the moment that the estate is loaded',
    async (_, host, cluster, shape) => {
      stage = await Stage.open({ count: 1, ...host }, cluster);
      for (const name of ['first', 'second']) expect((await stage.vm({ name, ...shape })).state).toBe('running');
      await sound();
    },
  );

  it('reach a host that could not be asked, once it answers again', async () => {
    stage = await Stage.open({ count: 2 });
    const host = await stage.anyHost();
    const lost = await stage.test.fault('agent-lost', host);
    await stage.test.until(async () => {
      const { state, claim } = await stage.host(host);
      return state === 'suspect' && !claim;
    });
    await stage.changeCluster({ overcommit: { enabled: true, ratioPercent: 150, sharing: 'off' } });
    await stage.test.settle();
    await stage.heal(lost);
    await stage.test.until(async () => (await stage.host(host)).state === 'online');
    await stage.test.settle();
    expect((await stage.told(host))?.overcommit).toMatchObject({ enabled: true, ratioPercent: 150 });
  });

  it('that are written late do not undo what was set since', async () => {
    stage = await Stage.open({ count: 1 });
    const host = await stage.anyHost();
    const gate = new Gate();
    let late: Promise<unknown> | undefined;
    aroundStep('configure', 'apply', async (run, deps) => {
      if (late) return run();
      late = errorOf(run({ ...deps, store: beforeCommits(deps.store, gate.pass) }));
      await gate.reached;
      return {};
    });
    await stage.changeCluster({ vcpuRatioPercent: 200 });
    await stage.test.rest();
    await stage.changeCluster({ vcpuRatioPercent: 100 });
    await stage.test.settle();
    gate.open();
    expect(await late).toBeInstanceOf(TryAgain);
    expect((await stage.host(host)).overcommitVcpus ?? 0).toBe(0);
    expect((await stage.told(host))?.vcpuRatioPercent).toBe(100);
    await sound();
  });

  it('that are told late do not undo what was told since, within one change too', async () => {
    stage = await Stage.open({ count: 1 });
    const host = await stage.anyHost();
    const orders: [string, HostSettings[]][] = [];
    aroundStep('configure', 'apply', (run, deps) =>
      run(
        withPort(deps, {
          configureHosts(siteId, settings) {
            orders.push([siteId, settings]);
            return deps.port.configureHosts(siteId, settings);
          },
        }),
      ),
    );
    await stage.changeCluster({ overcommit: { enabled: true, ratioPercent: 150, sharing: 'host' } });
    await stage.test.settle();
    orders.length = 0;
    await stage.changeCluster({ overcommit: { enabled: true, ratioPercent: 120, sharing: 'off' } });
    await stage.test.settle();
    const [siteId, settings] = orders[0] as [string, HostSettings[]];
    expect(await stage.agents(stage.store).configureHosts(siteId, settings)).toMatchObject([{ outcome: 'newer' }]);
    expect((await stage.told(host))?.overcommit).toMatchObject({ ratioPercent: 120, sharing: 'off' });
  });

  it('two changes that VMs have made impossible meanwhile both fail, and the VMs run on', async () => {
    stage = await Stage.open({ count: 1, memoryGiB: 16 }, { overcommit: { enabled: true, ratioPercent: 150 } });
    const apply = holdStep('configure', 'apply');
    const changes = [
      await stage.changeCluster({ overcommit: { ratioPercent: 100 } }),
      await stage.changeCluster({ overcommit: { alarmPercent: 110 } }),
    ];
    const vms = [];
    for (const name of ['first', 'second']) vms.push((await stage.acme.create({ name, memoryMiB: 8000 })).body.id);
    await stage.test.advance(60);
    apply.letGo();
    for (const id of changes) expect((await stage.systemEnd(id)).state).toBe('failed');
    for (const id of vms) expect((await stage.acme.vm(id)).state).toBe('running');
    await sound();
  });
});
