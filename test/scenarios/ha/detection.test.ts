import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECOND } from '../../../shared/kernel/clock.ts';
import type { Condition } from '../../../shared/model/inventory.ts';
import { keys } from '../../../shared/store/keys.ts';
import { type Placed, Stage } from '../../support/stage.ts';

let stage: Stage;
let vm: Placed;
beforeEach(async () => {
  stage = await Stage.open();
  vm = await stage.vm();
});
afterEach(() => stage.stop());

const CLUSTER = 'cl_a-c1';
const get = <T>(path: string) => stage.test.client.must<T>('GET', path, stage.test.operator);
const seen = (id = vm.hostId) => get<{ state: string; condition?: Condition }>(`/v1/system/hosts/${id}`);
const alarms = async () =>
  (await get<{ items: { code: string; object: string }[] }>('/v1/system/alarms?state=active')).items;
const codes = async () => (await alarms()).map((a) => a.code);
const incident = async () => {
  type Line = { at: string; what: string; detail?: string };
  const { items } = await get<{ items: { state: string; timeline: Line[] }[] }>(
    `/v1/system/incidents?hostId=${vm.hostId}`,
  );
  return items[0];
};
const lineOf = async (what: string) => (await incident())?.timeline.find((l) => l.what === what);
const elapsed = (since: number) => (stage.test.clock.now() - since) / SECOND;
const powerOf = async (id = vm.hostId) => (await stage.test.world()).hosts.find((h) => h.id === id)?.power;
const set = async (ha: object) =>
  expect(await stage.systemEnd(await stage.changeCluster({ ha }))).toMatchObject({ state: 'success' });

/** Runs again on another host, with a higher epoch; at no step of the way does it run twice. */
const elsewhere = (seconds = 300) =>
  stage.test.until(async () => {
    expect((await stage.runs(vm.id)).length).toBeLessThanOrEqual(1);
    const now = await stage.acme.vm(vm.id);
    return now.state === 'running' && now.hostId !== vm.hostId && now.epoch > vm.epoch && now;
  }, seconds);
const untouched = async () =>
  expect(await stage.acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
const sound = async () => {
  await stage.test.settle();
  expect(await stage.test.violations()).toEqual([]);
};

describe('within 15 s is told apart, and the alarm says it', () => {
  it.each<[string, Condition, string, string[]]>([
    ['a host whose agent is lost', 'agentLost', 'host-agent-lost', ['agent-lost']],
    [
      'a host that is cut off from the management network',
      'partitioned',
      'host-management-lost',
      ['management-partition'],
    ],
    ['a host that is isolated', 'isolated', 'host-isolated', ['nic-down']],
    ['a host that has lost its storage', 'storageLost', 'host-storage-lost', ['storage-partition']],
  ])(
    '%s: it takes no newcomer, nothing is restarted, and all is well when it is',
    async (_what, condition, code, faults) => {
      const since = stage.test.clock.now();
      const struck = await Promise.all(faults.map((kind) => stage.test.fault(kind, vm.hostId)));
      await stage.test.until(async () => (await seen()).condition === condition, 15);
      expect(elapsed(since)).toBeLessThanOrEqual(15);
      await stage.test.advance(30);
      expect(await seen()).toMatchObject({ state: 'suspect', condition });
      expect(await alarms()).toMatchObject([{ code, object: vm.hostId }]);
      await untouched();
      for (const fault of struck) await stage.heal(fault);
      await stage.test.until(async () => (await seen()).state === 'online', 15);
      expect(await alarms()).toEqual([]);
      expect((await seen()).condition).toBe('alive');
      expect((await incident())?.state).toBe('falseAlarm');
      await untouched();
      await sound();
    },
  );

  it.each<[string, Condition, string, string[]]>([
    ['a host without power', 'dead', 'host-dead', ['host-power-loss']],
    ['a host that hangs', 'hung', 'host-hung', ['host-hang']],
    ['a host that is silent, with its power controller', 'lost', 'host-lost', ['bmc-unreachable', 'host-power-loss']],
  ])('%s: it is fenced and its VMs start elsewhere', async (_what, condition, code, faults) => {
    const since = stage.test.clock.now();
    for (const kind of faults) await stage.test.fault(kind, vm.hostId);
    await stage.test.until(async () => (await seen()).condition === condition, 15);
    expect(elapsed(since)).toBeLessThanOrEqual(15);
    // Where its power controller is out of reach the fence waits, and says so.
    const waits = condition === 'lost' ? [{ code: 'fence-waits', object: vm.hostId }] : [];
    expect(await alarms()).toMatchObject([...waits, { code, object: vm.hostId }]);
    await elsewhere();
    await sound();
  });

  it('a whole site that is lost: nothing is said of its hosts, and nothing is restarted on a guess', async () => {
    const since = stage.test.clock.now();
    await stage.test.fault('site-loss', 'site_a', { for: 60 });
    await stage.test.until(async () => (await alarms()).length > 0, 15);
    expect(elapsed(since)).toBeLessThanOrEqual(15);
    await stage.test.advance(30);
    expect(await alarms()).toMatchObject([{ code: 'site-unreachable', object: 'site_a' }]);
    expect((await seen()).state).toBe('online');
    // All its hosts come back without what they ran; nobody has to switch them on.
    await stage.test.until(async () => (await stage.acme.vm(vm.id)).epoch > vm.epoch, 600);
    await stage.test.until(async () => (await stage.acme.vm(vm.id)).state === 'running', 600);
    await stage.test.until(async () => (await alarms()).length === 0);
    await sound();
  });
});

describe('an isolated host', () => {
  it('that leaves its VMs on is waited for, however long it takes', async () => {
    await stage.test.fault('nic-down', vm.hostId);
    await stage.test.advance(600);
    await untouched();
    expect(await seen()).toMatchObject({ state: 'suspect', condition: 'isolated' });
    await sound();
  });

  it.each([
    ['powerOff', 30],
    ['shutDown', 60],
  ])(
    'with "%s" stops its VMs after %d s, says so, and they start elsewhere without its power being cut',
    async (isolationResponse, seconds) => {
      await set({ isolationResponse });
      const since = stage.test.clock.now();
      const fault = await stage.test.fault('nic-down', vm.hostId);
      await stage.test.advance(seconds - 1);
      await untouched();
      expect(await stage.runs(vm.id)).toHaveLength(1);
      await elsewhere();
      const fence = await lineOf('fence confirmed');
      expect(fence?.detail).toMatch(/says by its storage heartbeat that all it ran has ended/);
      const after = (Date.parse(fence?.at ?? '') - since) / SECOND;
      expect(after).toBeGreaterThanOrEqual(seconds);
      expect(after).toBeLessThanOrEqual(seconds + 10);
      expect(await powerOf()).toBe('on');
      await stage.heal(fault);
      await stage.test.until(async () => (await seen()).state === 'online');
      expect(await alarms()).toEqual([]);
      await sound();
    },
  );

  it('that sees others again before it stopped its VMs keeps them', async () => {
    await set({ isolationResponse: 'powerOff' });
    await stage.test.fault('nic-down', vm.hostId, { for: 25 });
    await stage.test.advance(120);
    await untouched();
    expect(await seen()).toMatchObject({ state: 'online', condition: 'alive' });
    await sound();
  });
});

describe('a host that loses its storage', () => {
  const write = (data: string) =>
    stage.test.client.call<{ code: string }>('PUT', `/v1/sim/vms/${vm.id}/disks/root/blocks/3`, {
      token: stage.test.operator,
      body: { data: Buffer.from(data).toString('base64') },
    });

  it('is asked to stop its VMs after 60 s, and they start elsewhere with every byte that was written before', async () => {
    await stage.acme.write(vm.id, 3, 'before');
    const since = stage.test.clock.now();
    const fault = await stage.test.fault('storage-partition', vm.hostId);
    await stage.test.advance(55);
    const refused = await write('during');
    expect(refused.status).toBe(409);
    expect(refused.body.code).toBe('storage-unreachable');
    await untouched();
    expect(await codes()).toEqual(['host-storage-lost']);
    await elsewhere();
    const fence = await lineOf('fence confirmed');
    expect(fence?.detail).toMatch(/its agent confirms that 1 processes are stopped/);
    expect((Date.parse(fence?.at ?? '') - since) / SECOND).toBeGreaterThanOrEqual(60);
    expect((Date.parse(fence?.at ?? '') - since) / SECOND).toBeLessThanOrEqual(70);
    expect(await powerOf()).toBe('on');
    expect(await stage.acme.read(vm.id, 3)).toBe('before');
    await stage.acme.write(vm.id, 3, 'after');
    expect(await stage.acme.read(vm.id, 3)).toBe('after');
    // It is well but for its storage: it does not come back without it.
    await stage.test.advance(120);
    expect(await seen()).toMatchObject({ state: 'fenced', condition: 'storageLost' });
    await stage.heal(fault);
    await stage.test.until(async () => (await seen()).state === 'online');
    expect(await alarms()).toEqual([]);
    await sound();
  });

  it('for less than a minute is waited for: its VM goes on where it was', async () => {
    await stage.acme.write(vm.id, 3, 'before');
    await stage.test.fault('storage-partition', vm.hostId, { for: 50 });
    await stage.test.advance(180);
    await untouched();
    expect(await stage.acme.read(vm.id, 3)).toBe('before');
    expect(await alarms()).toEqual([]);
    await sound();
  });

  it('in a cluster that only wants to hear of it keeps its VMs, and they write again when it is back', async () => {
    await set({ storageLoss: 'alarm' });
    const fault = await stage.test.fault('storage-partition', vm.hostId);
    await stage.test.advance(600);
    await untouched();
    expect(await codes()).toEqual(['host-storage-lost']);
    await stage.heal(fault);
    await stage.test.until(async () => (await seen()).state === 'online');
    await stage.acme.write(vm.id, 3, 'after');
    expect(await stage.acme.read(vm.id, 3)).toBe('after');
    await sound();
  });
});

describe('a host that comes and goes', () => {
  const flap = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await stage.test.fault('agent-lost', vm.hostId, { for: 20 });
      await stage.test.advance(60);
    }
  };

  it('twice is taken back each time', async () => {
    await flap(2);
    expect(await seen()).toMatchObject({ state: 'online', condition: 'alive' });
    await untouched();
  });

  it('three times within 10 minutes stays suspect until it was well for 5 minutes: its VM stays, no newcomer lands on it', async () => {
    await flap(3);
    expect(await seen()).toMatchObject({ state: 'suspect', condition: 'alive' });
    expect(await alarms()).toMatchObject([{ code: 'host-flapping', object: vm.hostId }]);
    const newcomers = await stage.acme.running(4, { vcpus: 1, memoryMiB: 1024 });
    expect(newcomers.map((n) => n.hostId)).not.toContain(vm.hostId);
    // Once more, while it is damped: the five minutes begin anew.
    await stage.test.advance(120);
    const since = stage.test.clock.now();
    await flap(1);
    await stage.test.until(async () => (await seen()).state === 'online', 400);
    expect(elapsed(since)).toBeGreaterThanOrEqual(20 + 300);
    expect(elapsed(since)).toBeLessThanOrEqual(20 + 300 + 15);
    expect(await alarms()).toEqual([]);
    await untouched();
    await sound();
  });

  it('and then dies is recovered from at once', async () => {
    await flap(3);
    expect((await seen()).state).toBe('suspect');
    const since = stage.test.clock.now();
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.until(async () => (await seen()).state === 'fenced', 15);
    expect(elapsed(since)).toBeLessThanOrEqual(15);
    expect(await codes()).toEqual(['host-dead']);
    await elsewhere(100);
    await sound();
  });
});

describe('the times of a cluster are changed', () => {
  const found = async () => {
    const since = stage.test.clock.now();
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.until(async () => (await seen()).state !== 'online', 60);
    return elapsed(since);
  };
  it.each([
    [4, 2, 11],
    [6, 4, 13],
    [30, 28, 37],
  ])('silent after %d s: a dead host is found between %d s and %d s', async (silentSeconds, least, most) => {
    await set({ silentSeconds });
    // A probe believes what it has read of clusters for a minute.
    await stage.test.advance(65);
    const seconds = await found();
    expect(seconds).toBeGreaterThanOrEqual(least);
    expect(seconds).toBeLessThanOrEqual(most);
  });

  const fencedAfter = async (since: number) => {
    await stage.test.until(async () => (await seen()).state === 'fenced', 400);
    return elapsed(since);
  };
  const silence = async () => {
    const since = stage.test.clock.now();
    for (const kind of ['bmc-unreachable', 'management-partition', 'storage-partition'])
      await stage.test.fault(kind, vm.hostId);
    return since;
  };

  it.each([
    [61, 60, 70],
    [180, 178, 190],
  ])(
    'a lease of %d s: a host that cannot be fenced otherwise is given up after %d s to %d s, and runs nothing then',
    async (leaseSeconds, least, most) => {
      await set({ leaseSeconds });
      // The lease that it had before is promised to a host that was heard before the change.
      await stage.test.advance(10);
      const since = await silence();
      const seconds = await fencedAfter(since);
      expect(seconds).toBeGreaterThanOrEqual(least);
      expect(seconds).toBeLessThanOrEqual(most);
      await elsewhere();
      await sound();
    },
  );

  it('a lease that is shortened runs on for a host that is silent already', async () => {
    const since = await silence();
    // Before anybody has asked how long it runs.
    await stage.test.advance(1);
    await stage.changeCluster({ ha: { leaseSeconds: 61 } });
    expect(await fencedAfter(since)).toBeGreaterThanOrEqual(118);
    await elsewhere();
    await sound();
  });

  it('a lease that is lengthened holds at once', async () => {
    const since = await silence();
    await stage.test.advance(20);
    await stage.changeCluster({ ha: { leaseSeconds: 240 } });
    expect(await fencedAfter(since)).toBeGreaterThanOrEqual(238);
    await elsewhere();
    await sound();
  });

  it('beyond what keeps the order is refused with the figure, and nothing changes', async () => {
    for (const [field, value, figure] of [
      ['silentSeconds', 60, '59'],
      ['leaseSeconds', 60, '61'],
    ] as const) {
      const reply = await stage.test.client.call('PATCH', `/v1/system/clusters/${CLUSTER}`, {
        token: stage.test.operator,
        body: { ha: { [field]: value } },
      });
      expect(reply.status).toBe(400);
      expect(JSON.stringify(reply.body)).toContain(figure);
    }
    expect((await get<{ ha: object }>(`/v1/system/clusters/${CLUSTER}`)).ha).toMatchObject({
      silentSeconds: 6,
      leaseSeconds: 120,
    });
  });
});

describe('HA of a cluster is disarmed', () => {
  const disarm = (until?: number) =>
    stage.store.update(keys.cluster(CLUSTER), {
      set: {
        disarmed: { since: stage.test.clock.now(), reason: 'works on the switches', ...(until ? { until } : {}) },
      },
      add: { version: 1 },
    });
  const arm = () => stage.store.update(keys.cluster(CLUSTER), { remove: ['disarmed'], add: { version: 1 } });
  const nothingDone = async () => {
    expect(await seen()).toMatchObject({ state: 'suspect', condition: 'dead' });
    expect(await stage.acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
    expect(await codes()).toEqual(['ha-disarmed', 'host-dead']);
  };

  it('a host that dies is seen and told of, and nothing is done; it is recovered from as soon as it is armed by hand', async () => {
    await disarm();
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.advance(300);
    await nothingDone();
    expect((await lineOf('nothing is restarted: HA of its cluster is disarmed'))?.at).toBeDefined();
    await arm();
    await stage.test.until(async () => (await seen()).state === 'fenced', 10);
    await elsewhere(100);
    expect(await codes()).toEqual(['host-dead']);
    await sound();
  });

  it('until an instant: what is dead then is recovered from at once', async () => {
    const until = stage.test.clock.now() + 200 * SECOND;
    await disarm(until);
    await stage.test.fault('host-power-loss', vm.hostId);
    await stage.test.until(async () => stage.test.clock.now() >= until - SECOND);
    await nothingDone();
    await stage.test.until(async () => (await seen()).state === 'fenced', 15);
    await elsewhere(100);
    expect(await codes()).toEqual(['host-dead']);
    await sound();
  });

  it('a host that comes back meanwhile was a false alarm', async () => {
    await disarm();
    await stage.test.fault('management-partition', vm.hostId, { for: 30 });
    await stage.test.advance(60);
    expect(await seen()).toMatchObject({ state: 'online', condition: 'alive' });
    expect(await codes()).toEqual(['ha-disarmed']);
    await arm();
    await stage.test.advance(10);
    expect(await alarms()).toEqual([]);
    await untouched();
  });
});
