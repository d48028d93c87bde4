import { afterEach, describe, expect, it } from 'vitest';
import type { MigrationOrder, SwitchResult } from '../../../shared/hypervisor/port.ts';
import { GiveUp, type StepDeps, TryAgain } from '../../../workflows/engine/step-table.ts';
import { Moved } from '../../../workflows/vm/records.ts';
import {
  aroundStep,
  aroundUndo,
  beforeCommits,
  breakStep,
  errorOf,
  Gate,
  holdStep,
  meeting,
  withPort,
} from '../../support/interleave.ts';
import { Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());
const sound = async () => expect(await stage.test.violations()).toEqual([]);

describe('a migration that is given up cannot come back', () => {
  it('a switch-over that is still being written when the copy is cancelled moves nothing', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const gate = new Gate();
    let late: Promise<SwitchResult[]> | undefined;
    aroundStep('migrate-vm', 'switchOver', async () => {
      const order = await stage.moveOrder(vm.id);
      late = stage.agents(beforeCommits(stage.store, gate.pass)).switchOver(order.siteId, [order]);
      await gate.reached;
      throw new GiveUp('injected', 'given up by the test');
    });
    expect((await stage.migrated(vm)).state).toBe('failed');
    gate.open();
    expect((await late)?.[0]?.outcome).not.toBe('switched');
    expect(await stage.believed(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId });
    expect(await stage.runs(vm.id)).toMatchObject([{ hostId: vm.hostId, epoch: vm.epoch }]);
    await sound();
  });

  it('an order to begin that arrives after it was called off is refused, and does not hinder the next migration', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const [first, second] = await stage.others(vm.hostId);
    const orders: [string, MigrationOrder[]][] = [];
    aroundStep('migrate-vm', 'begin', (run, deps) =>
      run(
        withPort(deps, {
          beginMigrations(siteId, order) {
            orders.push([siteId, order]);
            return deps.port.beginMigrations(siteId, order);
          },
        }),
      ),
    );
    const switchOver = breakStep('migrate-vm', 'switchOver');
    expect((await stage.migrated(vm, first)).state).toBe('failed');
    const [siteId, order] = orders[0] as [string, MigrationOrder[]];
    expect(await stage.agents(stage.store).beginMigrations(siteId, order)).toMatchObject([{ outcome: 'refused' }]);
    switchOver.mend();
    expect((await stage.migrated(vm, second)).state).toBe('success');
    expect((await stage.believed(vm.id)).hostId).toBe(second);
    await sound();
  });

  it('an unwinding that is slow leaves the migration alone that began after it', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const [first, second] = await stage.others(vm.hostId);
    const gate = new Gate();
    let late: Promise<unknown> | undefined;
    aroundUndo('migrate-vm', 'switchOver', async (run, deps) => {
      // One invocation has read the VM and writes much later; the state machine runs another one.
      late ??= errorOf(run({ ...deps, store: beforeCommits(deps.store, gate.pass) }));
      await gate.reached;
      await run();
    });
    const switchOver = breakStep('migrate-vm', 'switchOver');
    await stage.migrated(vm, first);
    switchOver.mend();
    const next = await stage.migrate(vm, second);
    await stage.test.advance(5);
    gate.open();
    expect(await late).toBeInstanceOf(Moved);
    expect((await stage.end(next.id)).state).toBe('success');
    expect(await stage.runs(vm.id)).toMatchObject([{ hostId: second }]);
    await sound();
  });

  it('its tenant reads why, but not of hosts and what is free on them', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    aroundStep('migrate-vm', 'begin', (run, deps) =>
      run(
        withPort(deps, {
          beginMigrations: async (_site, orders) =>
            orders.map((o) => ({
              ...o,
              outcome: 'refused' as const,
              reason: `host ${o.to} has no room: 4 vcpus needed, 2 free`,
            })),
        }),
      ),
    );
    const { error } = await stage.migrated(vm);
    const seen = await stage.test.client.must<{ reason: string }>('GET', `/v1/vms/${vm.id}`, stage.acme.token);
    for (const words of [error?.message, seen.reason]) {
      expect(words).toContain('has no room');
      expect(words).not.toMatch(/host_|\d/);
    }
  });
});

describe('steps that run late or twice', () => {
  it('two that begin the same migration at once count it once', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const both = meeting(2);
    let first = true;
    aroundStep('migrate-vm', 'begin', async (run, deps) => {
      if (!first) return run();
      first = false;
      const racing = { ...deps, store: beforeCommits(deps.store, both) };
      const [result] = await Promise.all([run(racing), run(racing)]);
      return result;
    });
    expect((await stage.migrated(vm)).state).toBe('success');
    await sound();
  });

  it('a target that fails and is recovered while the arrival is being written gets no VM back', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    let finish: { run: (deps?: StepDeps) => Promise<unknown>; deps: StepDeps } | undefined;
    let held = true;
    aroundStep('migrate-vm', 'finish', async (run, deps) => {
      finish = { run, deps };
      if (held) throw new TryAgain('held by the test');
      return run();
    });
    const { id } = await stage.migrate(vm);
    const target = await stage.arrived(vm);
    const { run, deps } = await stage.test.until(async () => finish);
    const gate = new Gate();
    const late = errorOf(run({ ...deps, store: beforeCommits(deps.store, gate.pass) }));
    await gate.reached;
    await stage.test.fault('host-power-loss', target);
    await stage.recovered(target);
    gate.open();
    expect(await late).toBeInstanceOf(TryAgain);
    held = false;
    await stage.end(id);
    await stage.test.until(async () => (await stage.believed(vm.id)).state === 'running');
    const runs = await stage.runs(vm.id);
    expect(runs.length).toBe(1);
    expect(runs[0]?.hostId).not.toBe(target);
    await sound();
  });

  it('a copy does not switch over to a host that was fenced by the word of its agent', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const [target] = await stage.others(vm.hostId);
    // The target restarts while its site cannot be asked, so nobody notices.
    const cut = await stage.test.fault('call-timeout', 'site_a');
    const off = await stage.test.fault('host-power-loss', target);
    await stage.test.advance(5);
    await stage.heal(off);
    await stage.test.advance(70);
    await stage.heal(cut);
    const switchOver = holdStep('migrate-vm', 'switchOver');
    const reconciliation = holdStep('reconcile-host', 'reconcile');
    await stage.migrate(vm, target);
    await stage.test.until(async () => (await stage.host(target)).state === 'fenced', 60);
    switchOver.letGo();
    for (let i = 0; i < 20; i++) {
      await stage.test.advance(1);
      await sound();
    }
    reconciliation.letGo();
    await stage.test.settle();
    expect(await stage.runs(vm.id)).toMatchObject([{ hostId: vm.hostId, epoch: vm.epoch }]);
    await sound();
  });
});

it('a guest keeps the CPU features that it was started with, and may return to the host that it came from (SCH-6)', async () => {
  stage = await Stage.open([
    { name: 'old', cpuGeneration: 'Merom' },
    { name: 'new', cpuGeneration: 'Ivy Bridge' },
  ]);
  const hosts = await stage.hosts();
  const [old, young] = ['Merom', 'Ivy Bridge'].map((g) => hosts.find((h) => h.cpuGeneration === g)?.id);
  const vms = await stage.acme.running(4, { vcpus: 1, memoryMiB: 1024 });
  const vm = vms.find((v) => v.hostId === old);
  if (!vm) throw new Error('none was started on the old host');
  expect((await stage.migrated(vm, young)).state).toBe('success');
  expect((await stage.believed(vm.id)).generation).toBe('Merom');
  expect((await stage.migrated(vm, old)).state).toBe('success');
});
