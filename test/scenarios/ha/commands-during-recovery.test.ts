import { afterEach, describe, expect, it } from 'vitest';
import { Call } from '../../../functions/http/call.ts';
import { stopVm } from '../../../functions/tenant-api/vms/actions.ts';
import type { ApiOperation } from '../../../shared/contract/operation.ts';
import { CONTRACT } from '../../../shared/contract/table.ts';
import { pause, SECOND } from '../../../shared/kernel/clock.ts';
import { makeIds } from '../../../shared/kernel/ids.ts';
import { silent } from '../../../shared/kernel/log.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import { TestCloud } from '../../support/cloud.ts';
import { aroundStep, beforeCommits, breakStep, once } from '../../support/interleave.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
afterEach(() => test.stop());

/** Hosts that take three VMs of 4 GiB each. */
const estate = (hosts: number) => ({
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: hosts, cores: 16, mhz: 2400, memoryGiB: 14 } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    },
  ],
});

interface Case {
  id: string;
  /** The host that failed, and its fault. */
  from: string;
  fault: string;
  /** A VM that makes room when it is deleted. */
  neighbour: string | undefined;
}
type Stage = 'waiting' | 'being started';

async function begin(hosts: number, vms: number): Promise<VmView[]> {
  test = await TestCloud.start({ estate: estate(hosts) });
  acme = await TestTenant.create(test);
  return acme.running(vms);
}

/** A VM whose host has failed. None waits for room but this one. */
async function recovering(stage: Stage): Promise<Case> {
  const vms = await begin(stage === 'waiting' ? 2 : 3, stage === 'waiting' ? 4 : 1);
  let vm = vms[0] as VmView;
  if (stage === 'waiting') {
    // Three on the one host, one alone on the other: it is alone in losing its host, and finds no room.
    const count = (hostId: string | null) => vms.filter((v) => v.hostId === hostId).length;
    while (!vms.some((v) => count(v.hostId) === 1)) {
      const crowded = vms.find((v) => count(v.hostId) === 2) as VmView;
      const other = vms.find((v) => v.hostId !== crowded.hostId)?.hostId as string;
      const path = `/v1/system/vms/${crowded.id}/migrate`;
      await test.client.must('POST', path, test.operator, { hostId: other });
      await test.settle();
      crowded.hostId = (await acme.vm(crowded.id)).hostId;
    }
    vm = vms.find((v) => count(v.hostId) === 1) as VmView;
  }
  const from = vm.hostId as string;
  const { id: fault } = await test.fault('host-power-loss', from);
  await test.until(async () => {
    const now = await acme.vm(vm.id);
    if (now.state !== 'faultResuming') return false;
    return stage === 'waiting' ? now.hostId === null && now.reason : now.hostId !== null;
  });
  return { id: vm.id, from, fault, neighbour: vms.find((v) => v.id !== vm.id)?.id };
}

interface Reply {
  id: string;
  state: string;
  note?: string;
  code?: string;
  detail?: string;
  operationId?: string;
  retryAfterSeconds?: number;
  result?: object;
}
const operation = (id: string) => test.client.must<Reply>('GET', `/v1/operations/${id}`, acme.token);
const command = (id: string, what: 'stop' | 'start' | 'migrate' | 'delete') =>
  test.client.call<Reply>(
    what === 'delete' ? 'DELETE' : 'POST',
    `/v1/vms/${id}${what === 'delete' ? '' : `/${what}`}`,
    {
      token: acme.token,
    },
  );
const switchHaOff = (id: string) => test.client.must('PATCH', `/v1/vms/${id}`, acme.token, { ha: { enabled: false } });
const processesOf = async (id: string) => (await test.world()).processes.filter((p) => p.vmId === id);
const alarmsOf = async (id: string) => {
  type Alarms = { items: { code: string; object: string }[] };
  const { items } = await test.client.must<Alarms>('GET', '/v1/system/alarms?state=active', test.operator);
  return items.filter((a) => a.object === id).map((a) => a.code);
};
const incidentsOf = async (hostId: string) => {
  type Incident = { state: string; vms: { id: string; outcome: string; reason?: string }[] };
  const path = '/v1/system/incidents';
  const list = await test.client.must<{ items: { id: string }[] }>('GET', `${path}?hostId=${hostId}`, test.operator);
  return Promise.all(list.items.map(({ id }) => test.client.must<Incident>('GET', `${path}/${id}`, test.operator)));
};
/** Some cycles of the recovery later everything is at rest, and belief and truth agree. */
async function comesToRest({ from, id }: Case): Promise<void> {
  await test.advance(60);
  await test.settle();
  for (const incident of await incidentsOf(from)) expect(incident.state).toBe('closed');
  expect(await alarmsOf(id)).toEqual([]);
  expect(await test.violations()).toEqual([]);
}
async function isGone({ id }: Case): Promise<void> {
  expect((await test.client.call('GET', `/v1/vms/${id}`, { token: acme.token })).status).toBe(404);
  expect(await processesOf(id)).toEqual([]);
  expect((await test.world()).volumes.filter((v) => v.vmId === id)).toEqual([]);
}
async function isStopped({ id }: Case): Promise<void> {
  expect(await acme.vm(id)).toMatchObject({ state: 'stopped', hostId: null });
  expect(await processesOf(id)).toEqual([]);
  expect((await test.world()).volumes.filter((v) => v.vmId === id)).toHaveLength(1);
}
const makeRoom = async ({ neighbour }: Case) => {
  expect((await command(neighbour as string, 'delete')).status).toBe(202);
};
const comesBack = async ({ from, fault }: Case) => {
  await test.client.must('DELETE', `/v1/sim/faults/${fault}`, test.operator);
  await test.until(async () => {
    const path = `/v1/system/hosts/${from}/power-on`;
    return (await test.client.call('POST', path, { token: test.operator })).status === 202;
  });
};

describe('a stop (HA-20)', () => {
  it('of a VM that waits for room takes effect at once, the answer says so, and no room brings it back', async () => {
    const c = await recovering('waiting');
    expect(await alarmsOf(c.id)).toEqual(['vm-waits']);
    const reply = await command(c.id, 'stop');
    expect(reply.status).toBe(202);
    expect(reply.body.note).toMatch(/waits to be started on another one; it has no process, so it is stopped now/);
    await test.rest();
    await isStopped(c);
    expect(await operation(reply.body.id)).toMatchObject({ state: 'success', note: reply.body.note });
    await makeRoom(c);
    await comesToRest(c);
    await isStopped(c);
    expect((await incidentsOf(c.from))[0]?.vms).toMatchObject([{ id: c.id, outcome: 'stopped' }]);
  });

  it('of a VM that is being started is recorded, the answer says so, and it is stopped after the recovery', async () => {
    const c = await recovering('being started');
    const reply = await command(c.id, 'stop');
    expect(reply.status).toBe(202);
    expect(reply.body.note).toMatch(/being started on another one; it is stopped as soon as the recovery is through/);
    await test.rest();
    expect(await acme.vm(c.id)).toMatchObject({ state: 'faultResuming' });
    expect(await operation(reply.body.id)).toMatchObject({ state: 'running' });
    await test.until(async () => (await acme.vm(c.id)).state === 'stopped', 120);
    await comesToRest(c);
    await isStopped(c);
    expect(await operation(reply.body.id)).toMatchObject({ state: 'success' });
  });

  it('is kept when the new host fails as well: the VM is not started a third time', async () => {
    const c = await recovering('being started');
    const { hostId, epoch } = await acme.vm(c.id);
    const reply = await command(c.id, 'stop');
    await test.fault('host-power-loss', hostId as string);
    await test.until(async () => (await acme.vm(c.id)).state === 'stopped', 200);
    await comesToRest(c);
    await isStopped(c);
    expect((await acme.vm(c.id)).epoch).toBe(epoch);
    expect(await operation(reply.body.id)).toMatchObject({ state: 'success' });
  });

  it('leaves a VM that can be started again', async () => {
    const c = await recovering('waiting');
    await command(c.id, 'stop');
    await test.rest();
    await makeRoom(c);
    await test.settle();
    expect((await command(c.id, 'start')).status).toBe(202);
    await comesToRest(c);
    expect(await acme.vm(c.id)).toMatchObject({ state: 'running' });
    expect(await processesOf(c.id)).toHaveLength(1);
  });
});

describe('a deletion (HA-14)', () => {
  it('of a VM that waits for room takes volumes and quota with it at once, and its incident is closed', async () => {
    const c = await recovering('waiting');
    const vdc = () =>
      test.client.must<{ usage: { vms: number; storageGiB: number } }>('GET', `/v1/vdcs/${acme.vdcId}`, acme.token);
    const before = (await vdc()).usage;
    const reply = await command(c.id, 'delete');
    expect(reply.status).toBe(202);
    await test.rest();
    await isGone(c);
    expect(await operation(reply.body.id)).toMatchObject({ state: 'success' });
    expect((await vdc()).usage).toMatchObject({ vms: before.vms - 1, storageGiB: before.storageGiB - 20 });
    await comesToRest(c);
    expect((await incidentsOf(c.from))[0]?.vms).toMatchObject([{ outcome: 'handedOver', reason: 'it was deleted' }]);
  });

  it('of a VM that is being started ends its process before its volumes go', async () => {
    const c = await recovering('being started');
    const reply = await command(c.id, 'delete');
    expect(reply.status).toBe(202);
    await comesToRest(c);
    await isGone(c);
    expect(await operation(reply.body.id)).toMatchObject({ state: 'success' });
  });

  it('goes on when the new host fails as well', async () => {
    const c = await recovering('being started');
    const { hostId } = await acme.vm(c.id);
    await test.fault('host-power-loss', hostId as string);
    expect((await command(c.id, 'delete')).status).toBe(202);
    await test.until(async () => (await command(c.id, 'stop')).status === 404, 300);
    await comesToRest(c);
    await isGone(c);
  });
});

describe('HA of a VM is switched off', () => {
  it('while it waits: it is stopped in the next cycle, with the reason, and its alarm is over (HA-14)', async () => {
    const c = await recovering('waiting');
    await switchHaOff(c.id);
    await test.until(async () => (await acme.vm(c.id)).state === 'stopped', 30);
    expect((await acme.vm(c.id)).reason).toBe('HA was switched off for it while it waited');
    await makeRoom(c);
    await comesToRest(c);
    await isStopped(c);
  });

  it('while it is being started: it runs, since it had its place already', async () => {
    const c = await recovering('being started');
    await switchHaOff(c.id);
    await comesToRest(c);
    expect(await acme.vm(c.id)).toMatchObject({ state: 'running' });
    expect(await processesOf(c.id)).toHaveLength(1);
  });

  it('of a first start that was promised: it goes on to be carried out as soon as there is room', async () => {
    const vms = await begin(2, 5);
    const made = await acme.create({ name: 'late', ha: { enabled: false } });
    await test.advance(10);
    const from = (await acme.vm(made.body.id)).hostId as string;
    await test.fault('host-power-loss', from);
    await test.until(async () => (await acme.vm(made.body.id)).reason !== undefined);
    await test.advance(45);
    expect(await acme.vm(made.body.id)).toMatchObject({ state: 'faultResuming', hostId: null });
    for (const vm of vms.filter((v) => v.hostId !== from)) await command(vm.id, 'delete');
    await test.until(async () => (await acme.vm(made.body.id)).state === 'running', 200);
    expect(await test.violations()).toEqual([]);
  });
});

it('a start whose host fails, and for which no room is found, is given up: the VM is stopped and held by nobody', async () => {
  await begin(2, 5);
  const made = await acme.create({ name: 'late', start: false });
  await test.settle();
  const { id } = made.body;
  const started = await command(id, 'start');
  await test.advance(10);
  const from = (await acme.vm(id)).hostId as string;
  await test.fault('host-power-loss', from);
  await test.until(async () => {
    const now = await acme.vm(id);
    return now.state === 'faultResuming' && now.hostId === null && now.reason;
  });
  // Its patience is over.
  breakStep('start-vm', 'confirm');
  await test.until(async () => (await operation(started.body.id)).state === 'failed', 120);
  expect(await acme.vm(id)).toMatchObject({ state: 'stopped', hostId: null });
  expect((await acme.vm(id)).reason).toMatch(/the start failed/);
  await test.advance(60);
  await test.settle();
  expect(await processesOf(id)).toEqual([]);
  expect(await test.violations()).toEqual([]);
  expect((await command(id, 'delete')).status).toBe(202);
});

describe.each(['waiting', 'being started'] as const)('a VM that is %s', (stage) => {
  it.each([
    ['migrate', /recovery chooses its host anyway; ask again when it runs/],
    ['start', /it is started without being asked for/],
  ] as const)('is not given to %s: the answer says why, and when to ask again', async (what, words) => {
    const c = await recovering(stage);
    const before = await acme.vm(c.id);
    const reply = await command(c.id, what);
    expect([reply.status, reply.body.code]).toEqual([409, 'operation-in-progress']);
    expect(reply.body.detail).toMatch(words);
    expect(reply.body.detail).toMatch(stage === 'waiting' ? /waits to be started/ : /is being started/);
    expect(reply.body.retryAfterSeconds).toBe(20);
    expect(await acme.vm(c.id)).toEqual(before);
  });

  it.each([
    ['stop', 'stop'],
    ['delete', 'delete'],
    ['stop', 'delete'],
  ] as const)('is asked for %s and %s at once: one is taken, the other is told by whom it is held', async (a, b) => {
    const c = await recovering(stage);
    const replies = await Promise.all([command(c.id, a), command(c.id, b)]);
    const taken = replies.filter((r) => r.status === 202);
    expect(taken).toHaveLength(1);
    const [other] = replies.filter((r) => r.status !== 202);
    // A deletion may have ended before the other was looked at.
    if (other?.status !== 404)
      expect(other?.body).toMatchObject({ code: 'operation-in-progress', operationId: taken[0]?.body.id });
    await comesToRest(c);
    expect(await operation(taken[0]?.body.id as string)).toMatchObject({ state: 'success' });
    if (replies.indexOf(taken[0] as never) === 0 ? a === 'stop' : b === 'stop') await isStopped(c);
    else await isGone(c);
  });

  it.each(['stop', 'delete'] as const)(
    'and its host comes back as it is asked for %s: nothing is left there',
    async (what) => {
      const c = await recovering(stage);
      await comesBack(c);
      const reply = await command(c.id, what);
      expect(reply.status, JSON.stringify(reply.body)).toBe(202);
      await test.advance(120);
      await comesToRest(c);
      if (what === 'stop') await isStopped(c);
      else await isGone(c);
      expect(await operation(reply.body.id)).toMatchObject({ state: 'success' });
    },
  );
});

describe('between reading and writing', () => {
  it.each(['stop', 'delete'] as const)(
    'a recovery that finds room is overtaken by a %s: nothing is started',
    async (what) => {
      const c = await recovering('waiting');
      const { epoch } = await acme.vm(c.id);
      let overtaken = false;
      const act = once(async () => {
        overtaken = true;
        expect((await command(c.id, what)).status).toBe(202);
      });
      aroundStep('ha-recovery', 'plan', (run, deps) => run({ ...deps, store: beforeCommits(deps.store, act) }));
      await makeRoom(c);
      await test.until(async () => overtaken, 60);
      await comesToRest(c);
      if (what === 'stop') {
        await isStopped(c);
        expect((await acme.vm(c.id)).epoch).toBe(epoch);
      } else await isGone(c);
    },
  );

  it('a stop that the end of the recovery overtakes is carried out: the VM that runs now is stopped', async () => {
    const c = await recovering('being started');
    const runs = once(() => test.until(async () => (await acme.vm(c.id)).state === 'running', 120).then(() => {}));
    const { clock, cloud } = test;
    const random = seededRandom(7);
    const call = new Call<undefined>({
      operationId: 'stopVm',
      operation: CONTRACT.stopVm as ApiOperation,
      caller: { actor: 'ann', roles: ['tenant-admin'], tenantId: acme.id },
      requestId: 'raced',
      params: { vmId: c.id },
      query: {},
      body: undefined,
      deps: { store: beforeCommits(cloud.store, runs), clock, ids: makeIds(clock, random), random, log: silent, pause },
    });
    const answer = await stopVm(call);
    expect(answer.status).toBe(202);
    await comesToRest(c);
    await isStopped(c);
  });

  it('the wave of a recovery that a stop overtakes leaves no VM running against its owner’s wish', async () => {
    const c = await recovering('being started');
    const act = once(async () => {
      expect((await command(c.id, 'stop')).status).toBe(202);
    });
    aroundStep('ha-recovery', 'confirm', (run, deps) => run({ ...deps, store: beforeCommits(deps.store, act) }));
    const began = test.clock.now();
    await test.until(async () => (await acme.vm(c.id)).state === 'stopped', 200);
    expect((test.clock.now() - began) / SECOND).toBeLessThan(120);
    await comesToRest(c);
    await isStopped(c);
  });
});
