import { afterEach, describe, expect, it } from 'vitest';
import { keys } from '../../../shared/store/keys.ts';
import { TryAgain } from '../../../workflows/engine/step-table.ts';
import {
  afterFirstCommit,
  aroundStep,
  beforeCommits,
  holdStep,
  laggingIndexes,
  once,
  withPort,
} from '../../support/interleave.ts';
import { Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());
const sound = async () => expect(await stage.test.violations()).toEqual([]);
const runsAgain = (id: string) => stage.test.until(async () => (await stage.believed(id)).state === 'running', 900);

describe('the source fails while it is copied', () => {
  it('the room that was held at the target is there for the recovery', async () => {
    stage = await Stage.open({ count: 2 });
    const [host] = await stage.hosts();
    // No host has room for two of it.
    const vm = await stage.slowMover({ vcpus: Math.ceil(Number(host?.capacity.vcpus) / 2) + 1 });
    await stage.migrate(vm);
    await stage.test.advance(10);
    await stage.test.fault('host-power-loss', vm.hostId);
    await runsAgain(vm.id);
    await sound();
  });

  it('what was copied takes no room any more: hosts give all that their ledgers promise', async () => {
    stage = await Stage.open({ memoryGiB: 16 });
    const vm = await stage.slowMover({ memoryMiB: 8192 });
    const [target, third] = await stage.others(vm.hostId);
    const other = await stage.vm({ name: 'other' });
    if (other.hostId !== target) await stage.migrated(other, target);
    const { id } = await stage.migrate(vm, target);
    await stage.test.advance(10);
    await stage.test.fault('host-power-loss', vm.hostId);
    await runsAgain(vm.id);
    expect((await stage.believed(vm.id)).hostId).toBe(third);
    await stage.end(id);
    const free = (await stage.hosts()).filter((h) => h.state === 'online').map((h) => h.free.memoryMiB);
    for (const memoryMiB of free.sort((a, b) => b - a))
      expect((await stage.vm({ memoryMiB, name: `fills-${memoryMiB}` })).state).toBe('running');
    await sound();
  });

  it('a target that is fenced while the recovery is being written is not chosen', async () => {
    stage = await Stage.open({ count: 2 });
    const vm = await stage.slowMover();
    await stage.migrate(vm);
    await stage.test.advance(10);
    const target = await stage.host((await stage.migrationOf(vm.id)).seat.hostId);
    let written = false;
    const fence = once(async () => {
      await stage.store.update(keys.host(target.clusterId, target.id), { set: { state: 'fenced' } });
      written = true;
    });
    aroundStep('ha-recovery', 'plan', (run, deps) => run({ ...deps, store: beforeCommits(deps.store, fence) }));
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.until(async () => written, 120);
    expect((await stage.believed(vm.id)).hostId).not.toBe(target.id);
  });
});

describe('hosts fail after the switch-over, before the belief follows', () => {
  it('a VM that was lost at its target is told to the recovery, also when the function dies after it wrote that', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    let held = true;
    let deaths = 0;
    aroundStep('migrate-vm', 'finish', async (run, deps) => {
      if (held) throw new TryAgain('held by the test');
      const die = () => {
        if (++deaths === 1) throw new TryAgain('the function died');
      };
      return run({ ...deps, store: afterFirstCommit(deps.store, die) });
    });
    const { id } = await stage.migrate(vm);
    const target = await stage.arrived(vm);
    await stage.test.fault('host-power-loss', target);
    await stage.recovered(target);
    held = false;
    await stage.end(id);
    await runsAgain(vm.id);
    expect(deaths).toBeGreaterThan(0);
    await sound();
  });

  it('without HA, when both hosts have failed, the VM can be started again', async () => {
    stage = await Stage.open();
    const vm = await stage.vm({ ha: { enabled: false } });
    const finish = holdStep('migrate-vm', 'finish');
    const { id } = await stage.migrate(vm);
    for (const host of [await stage.arrived(vm), vm.hostId]) {
      await stage.test.fault('host-power-loss', host);
      await stage.recovered(host);
    }
    finish.letGo();
    await stage.end(id);
    await stage.test.settle();
    const start = await stage.acme.action(vm.id, 'start');
    expect(start.status).toBe(202);
    expect(await stage.end(start.body.id)).toMatchObject({ state: 'success' });
    await sound();
  });

  it('a guest that has crashed at the target has arrived there, and is not started a second time', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const finish = holdStep('migrate-vm', 'finish');
    await stage.migrate(vm);
    const target = await stage.arrived(vm);
    await stage.test.advance(2);
    await stage.test.fault('guest-crash', vm.id);
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.recovered(vm.hostId);
    finish.letGo();
    await stage.test.settle();
    expect(await stage.runs(vm.id)).toMatchObject([{ hostId: target, epoch: vm.epoch + 1 }]);
    await sound();
  });
});

it('a VM whose start was refused is planned again although the index by host does not show it yet', async () => {
  stage = await Stage.open();
  const vm = await stage.vm();
  let orders = 0;
  let lagged = 0;
  aroundStep('ha-recovery', 'start', (run, deps) =>
    run(
      withPort(deps, {
        startVms: async (siteId, wanted) =>
          orders++ === 0
            ? wanted.map(({ vmId, hostId }) => ({ vmId, hostId, outcome: 'refused', reason: 'by the test' }))
            : deps.port.startVms(siteId, wanted),
      }),
    ),
  );
  aroundStep('ha-recovery', 'plan', (run, deps) =>
    orders > 0 && lagged++ === 0 ? run({ ...deps, store: laggingIndexes(deps.store) }) : run(),
  );
  await stage.test.fault('host-power-loss', vm.hostId);
  await stage.recovered(vm.hostId);
  expect(lagged).toBeGreaterThan(0);
  await runsAgain(vm.id);
  expect((await stage.runs(vm.id)).length).toBe(1);
  await sound();
});
