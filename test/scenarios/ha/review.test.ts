import { afterEach, describe, expect, it } from 'vitest';
import { PortTimeout, type StartResult } from '../../../shared/hypervisor/port.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { aroundStep, holdStep, laggingIndexes, withPort } from '../../support/interleave.ts';
import { type Placed, Stage } from '../../support/stage.ts';
import { Ward } from './ward.ts';

let stage: Stage;
afterEach(() => stage.stop());

const state = (id: string) => stage.believed(id).then((vm) => vm.state);

describe('what cannot be read is no sign of death (HA-7)', () => {
  it('the lease of a host that is heard again does not run out because its site is out of reach when it would have', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const cuts = [];
    for (const kind of ['bmc-unreachable', 'management-partition', 'storage-partition'])
      cuts.push(await stage.test.fault(kind, vm.hostId));
    await stage.test.until(async () => (await stage.host(vm.hostId)).state === 'fencing');
    await stage.test.advance(25);
    // It is well again long before its watchdog, but from now on nobody can ask its site.
    for (const cut of cuts.slice(1)) await stage.heal(cut);
    const silence = await stage.test.fault('call-timeout', 'site_a');
    await stage.test.advance(180);
    expect(await stage.runs(vm.id)).toMatchObject([{ hostId: vm.hostId }]);
    expect((await stage.host(vm.hostId)).state).not.toBe('fenced');
    expect((await stage.test.violations()).filter((v) => /INV-[12]:/.test(v))).toEqual([]);
    await stage.heal(silence);
    for (let i = 0; i < 40; i++) {
      await stage.test.advance(3);
      expect((await stage.runs(vm.id)).length).toBeLessThanOrEqual(1);
    }
    await stage.test.settle();
    expect(await state(vm.id)).toBe('running');
    expect(await stage.test.violations()).toEqual([]);
  });
});

describe('a pass that is killed after it has written what it means to do', () => {
  /** Kills the function before the first wave of the plan that is the n-th of all. */
  const killedBeforeWave = (n: number) => {
    let plans = 0;
    let killed = false;
    aroundStep('ha-recovery', 'plan', async (run, deps) => {
      plans++;
      if (plans !== n || killed) return run();
      const store = new Proxy(deps.store, {
        get(target, asked) {
          const member = Reflect.get(target, asked, target) as unknown;
          if (asked !== 'commit') return typeof member === 'function' ? member.bind(target) : member;
          return (tx: { actions: { key?: { pk: string } }[] }) => {
            if (JSON.stringify(tx).includes('#VM"')) {
              killed = true;
              throw Object.assign(new Error('killed by the test'), { name: 'TryAgain' });
            }
            return deps.store.commit(tx as never);
          };
        },
      });
      return run({ ...deps, store });
    });
    return () => killed;
  };

  it('a VM whose start failed is planned again, not forgotten', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const killed = killedBeforeWave(2);
    // The guest crashes while it boots on its new host.
    let crashed = false;
    aroundStep('ha-recovery', 'start', async (run) => {
      const done = await run();
      if (!crashed)
        await stage.test.client.must('POST', '/v1/sim/faults', stage.test.operator, {
          kind: 'guest-crash',
          target: vm.id,
        });
      crashed = true;
      return done;
    });
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.advance(200);
    expect(killed()).toBe(true);
    await stage.test.settle();
    expect(await stage.test.violations()).toEqual([]);
    expect(await state(vm.id)).toBe('running');
  });

  it('a VM that waited and is not wanted any more is brought to rest, not forgotten', async () => {
    stage = await Stage.open({ count: 1 });
    const vm = await stage.vm();
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.until(async () => (await stage.believed(vm.id)).reason?.includes('can take it'));
    await stage.test.settle(30).catch(() => {});
    const killed = killedBeforeWave(1);
    await stage.changeVm(vm.id, { ha: { enabled: false } });
    await stage.test.advance(120);
    expect(killed()).toBe(true);
    await stage.test.settle();
    expect(await stage.test.violations()).toEqual([]);
    expect(await state(vm.id)).toBe('stopped');
  });
});

it('a recovery of a guest that comes late lets go of a VM that the recovery of its host has brought back since', async () => {
  const ward = await Ward.open();
  stage = ward.stage;
  const vm = await ward.vm('reboot');
  const held = holdStep('recover-guest', 'stop');
  await ward.crash(vm);
  await ward.until(async () => (await ward.recoveries())[0], 60);
  await ward.test.fault('host-power-loss', vm.hostId);
  await ward.until(async () => (await stage.believed(vm.id)).state === 'running');
  held.letGo();
  await ward.rests(vm, 'running');
  expect((await stage.acme.action(vm.id, 'stop')).status).toBe(202);
  await ward.sound();
});

it('a list of VMs by their state shows each as it is believed to be, also just after its recovery', async () => {
  stage = await Stage.open();
  const vm = await stage.vm();
  await stage.test.fault('host-power-loss', vm.hostId);
  await stage.test.until(
    async () => (await state(vm.id)) === 'running' && (await stage.believed(vm.id)).epoch > vm.epoch,
  );
  const list = async (wanted: string) => {
    const path = `/v1/vdcs/${stage.acme.vdcId}/vms?state=${wanted}`;
    return (await stage.test.client.must<{ items: { id: string; state: string }[] }>('GET', path, stage.acme.token))
      .items;
  };
  expect(await list('faultResuming')).toEqual([]);
  expect(await list('running')).toMatchObject([{ id: vm.id, state: 'running' }]);
});

it('VMs of hosts that are fenced do not wait for the lease of the others, also when the pass was killed in between', async () => {
  stage = await Stage.open({ count: 5 });
  const vms = await stage.acme.running(8, { vcpus: 1, memoryMiB: 1024 });
  const [dead, cut] = [...new Set(vms.map((v) => v.hostId as string))] as [string, string];
  let killed = false;
  aroundStep('ha-recovery', 'fence', async (run, deps) => {
    if (killed) return run();
    const store = new Proxy(deps.store, {
      get(target, asked) {
        const member = Reflect.get(target, asked, target) as unknown;
        if (asked !== 'commit') return typeof member === 'function' ? member.bind(target) : member;
        return async (tx: never) => {
          await deps.store.commit(tx);
          killed = true;
          throw Object.assign(new Error('killed by the test'), { name: 'TryAgain' });
        };
      },
    });
    return run({ ...deps, store });
  });
  for (const kind of ['bmc-unreachable', 'management-partition', 'storage-partition'])
    await stage.test.fault(kind, cut);
  await stage.test.fault('host-power-loss', dead);
  await stage.test.until(async () => killed);
  const ofDead = vms.filter((v) => v.hostId === dead);
  const at = stage.test.clock.now();
  await stage.test.until(
    async () =>
      (await Promise.all(ofDead.map((v) => state(v.id)))).every((s) => s === 'running') &&
      (await Promise.all(ofDead.map((v) => stage.believed(v.id)))).every((v) => v.hostId !== dead),
  );
  expect((stage.test.clock.now() - at) / 1000).toBeLessThanOrEqual(60);
  await stage.test.settle();
  expect((await readBelief(stage.store)).incidents.filter((i) => i.state === 'open')).toEqual([]);
});

describe('a host that its own agent has fenced goes on to live (HA-7, HA-8)', () => {
  /** The host loses its storage for so long that its agent stops all it runs; the fence stands, and the storage is back. */
  async function fencedByAgent(hostId: string): Promise<void> {
    const lost = await stage.test.fault('storage-partition', hostId);
    await stage.test.until(async () => (await stage.host(hostId)).state === 'fenced');
    await stage.heal(lost);
  }

  it('an order to start a VM there that comes after the fence is refused', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const stop = (await stage.acme.action(vm.id, 'stop')).body.id;
    await stage.end(stop);
    let late: (() => Promise<StartResult[]>) | undefined;
    aroundStep('start-vm', 'startVms', (run, deps) =>
      run(
        withPort(deps, {
          startVms: async (siteId, orders) => {
            late ??= () => deps.port.startVms(siteId, orders);
            throw new PortTimeout(siteId, 'startVms');
          },
        }),
      ),
    );
    await stage.acme.action(vm.id, 'start');
    await stage.test.until(async () => late);
    const { hostId, epoch } = await stage.believed(vm.id);
    const held = holdStep('ha-recovery', 'start');
    await fencedByAgent(String(hostId));
    await stage.test.until(async () => (await stage.believed(vm.id)).epoch > epoch);
    expect(await late?.()).not.toMatchObject([{ outcome: 'started' }]);
    expect(await stage.runs(vm.id)).toEqual([]);
    held.letGo();
    await stage.test.settle();
    expect(await stage.runs(vm.id)).toMatchObject([{ epoch: epoch + 1 }]);
    expect(await stage.test.violations()).toEqual([]);
  });

  it('a VM that a migration brings there after the fence is left alone, and never started a second time', async () => {
    stage = await Stage.open();
    const vm = await stage.vm();
    const [to] = await stage.others(vm.hostId);
    let arrives = false;
    // Its turn has come, and the first order is lost on the way.
    aroundStep('migrate-vm', 'begin', (run, deps) =>
      run(
        withPort(deps, {
          beginMigrations: (siteId, orders) => {
            if (arrives) return deps.port.beginMigrations(siteId, orders);
            throw new PortTimeout(siteId, 'beginMigrations');
          },
        }),
      ),
    );
    const operation = await stage.migrate(vm, to);
    // A pass of the target's recovery is under way all the time.
    const held = holdStep('ha-recovery', 'report');
    await fencedByAgent(to);
    arrives = true;
    for (let i = 0; i < 20; i++) {
      await stage.test.advance(3);
      const alive = await stage.runs(vm.id);
      expect(alive).toHaveLength(1);
      const fenced = (await stage.hosts()).filter((h) => h.state === 'fenced').map((h) => h.id);
      expect(fenced).not.toContain(alive[0]?.hostId);
    }
    held.letGo();
    await stage.end(operation.id);
    await stage.test.settle();
    expect(await stage.runs(vm.id)).toHaveLength(1);
    expect(await stage.test.violations()).toEqual([]);
  });
});

it('a tenant reads why a VM of it was given up, and not on which hosts that was', async () => {
  stage = await Stage.open();
  await stage.changeCluster({ ha: { localRestarts: 0, relocations: 0 } });
  const vm = await stage.vm();
  let crashed = false;
  aroundStep('ha-recovery', 'start', async (run) => {
    const done = await run();
    if (!crashed) await stage.test.fault('guest-crash', vm.id);
    crashed = true;
    return done;
  });
  await stage.test.fault('host-power-loss', vm.hostId);
  await stage.test.until(async () => (await state(vm.id)) === 'unknown');
  const path = `/v1/vms/${vm.id}`;
  const { reason } = await stage.test.client.must<{ reason: string }>('GET', path, stage.acme.token);
  expect(reason).toMatch(/its start failed on 1 hosts/);
  expect(reason).not.toMatch(/host_/);
  await stage.test.settle();
});

it('VMs of one tenant that start one after the other do not hold up what is said of the VMs of others', async () => {
  stage = await Stage.open();
  const vm = await stage.vm();
  const chain = [];
  for (let i = 0; i < 6; i++) {
    const dependsOn = chain.length > 0 ? [(chain.at(-1) as Placed).id] : [];
    const shape = { vcpus: 1, memoryMiB: 1024, ha: { enabled: true, dependsOn } };
    const [next] = await stage.acme.running(1, shape);
    chain.push(next as Placed);
  }
  for (const one of chain.filter((c) => c.hostId !== vm.hostId)) await stage.migrated(one, vm.hostId);
  await stage.test.fault('host-power-loss', vm.hostId);
  const at = stage.test.clock.now();
  await stage.test.until(
    async () => (await stage.believed(vm.id)).epoch > vm.epoch && (await state(vm.id)) === 'running',
  );
  expect((stage.test.clock.now() - at) / SECOND).toBeLessThanOrEqual(80);
});

it('a VM whose new host fails is recovered, also if the recovery of that host does not find it by the index', async () => {
  stage = await Stage.open();
  const vm = await stage.vm();
  const first = new Set<unknown>();
  aroundStep('ha-recovery', 'plan', (run, deps, { incidentId }) => {
    if (first.size === 0) first.add(incidentId);
    return first.has(incidentId) ? run() : run({ ...deps, store: laggingIndexes(deps.store) });
  });
  await stage.test.fault('host-power-loss', vm.hostId);
  await stage.test.until(async () => (await stage.runs(vm.id)).some((p) => p.hostId !== vm.hostId));
  await stage.test.fault('host-power-loss', String((await stage.believed(vm.id)).hostId));
  await stage.test.until(async () => (await state(vm.id)) === 'running' && (await stage.runs(vm.id)).length === 1);
  await stage.test.advance(60);
  await stage.test.settle();
  expect((await readBelief(stage.store)).alarms.filter((a) => a.object === vm.id && a.state === 'active')).toEqual([]);
  expect(await stage.test.violations()).toEqual([]);
});
