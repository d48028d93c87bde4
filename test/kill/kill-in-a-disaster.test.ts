import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pause } from '../../shared/kernel/clock.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { RealCloud } from '../support/process.ts';

/** Random moments of switches to another site and of the way back; each round has two. */
const ROUNDS = Math.min(6, Math.ceil(Number(process.env.STRATA_KILLS ?? 3) / 2));
const SEED = Number(process.env.STRATA_SEED ?? 20_26);
/** A failover takes some 140 s of cloud time, a reprotection some 20 s: at this speed 2.3 and 0.4 s. */
const SPEED = 60;
const FAILOVER_MS = 2_300;
const REPROTECT_MS = 400;

const random = seededRandom(SEED);
const folder = mkdtempSync(join(tmpdir(), 'strata-kill-dr-'));
const args = ['--estate', 'two-sites', '--speed', String(SPEED)];
const cloud = new RealCloud(folder, 21_000 + ((process.pid + 7_000) % 20_000), args);
let operator: string;
let tenant: string;

interface Vm {
  id: string;
  name: string;
  state: string;
  siteId: string;
  hostId: string;
  epoch: number;
}
interface Group {
  id: string;
  state: string;
  primarySiteId: string;
  former?: { divergent?: { count: number; discarded: boolean } };
}

beforeAll(async () => {
  await cloud.start();
  operator = await cloud.token(['system-admin']);
  tenant = await cloud.token(['tenant-admin'], 'demo');
});
afterAll(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function must<T>(method: string, path: string, token: string, body?: unknown): Promise<T> {
  const reply = await cloud.call<T>(method, path, token, body);
  if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body;
}
const group = (id: string) => must<Group>('GET', `/v1/protected-groups/${id}`, tenant);
const vmsNow = async (ids: readonly string[]) =>
  Promise.all(ids.map((id) => must<Vm>('GET', `/v1/system/vms/${id}`, operator)));
const block = (id: string, index: number) => `/v1/sim/vms/${id}/disks/root/blocks/${index}`;
const write = (id: string, index: number, text: string) =>
  must('PUT', block(id, index), operator, { data: Buffer.from(text).toString('base64') });
const read = async (id: string, index: number) =>
  Buffer.from((await must<{ data: string }>('GET', block(id, index), operator)).data, 'base64').toString();

async function killAndReturn(withinMs: number): Promise<void> {
  await pause(random.below(withinMs));
  await cloud.kill();
  expect(await cloud.leftovers(), 'programs left behind').toEqual([]);
  await cloud.start();
}

/** One action of the plan, with a kill somewhere in it, to its end. */
async function actionKilled(planId: string, action: string, body: object, withinMs: number): Promise<void> {
  const { id } = await must<{ id: string }>('POST', `/v1/recovery-plans/${planId}/${action}`, tenant, body);
  await killAndReturn(withinMs);
  const ended = await cloud.until(async () => {
    const operation = await must<{ state: string; error?: unknown }>('GET', `/v1/operations/${id}`, tenant);
    return ['success', 'failed'].includes(operation.state) && operation;
  }, `the end of ${action}`);
  expect(ended, action).toMatchObject({ state: 'success' });
}

async function everythingHolds(ids: readonly string[], siteId: string): Promise<void> {
  const vms = await vmsNow(ids);
  expect(vms.map((vm) => [vm.name, vm.state, vm.siteId])).toEqual(vms.map((vm) => [vm.name, 'running', siteId]));
  const audit = await must<{ invariants: { violations: string[] }[] }>('GET', '/v1/system/audit', operator);
  expect(audit.invariants.flatMap((i) => i.violations)).toEqual([]);
  const world = await must<{
    processes: { vmId: string; hostId: string; epoch: number }[];
    copies: { groupId: string; siteId: string; writes: boolean }[];
  }>('GET', '/v1/sim/world', operator);
  const seen = world.processes.map((p) => `${p.vmId} ${p.hostId} ${p.epoch}`).sort();
  expect(seen).toEqual(vms.map((vm) => `${vm.id} ${vm.hostId} ${vm.epoch}`).sort());
  for (const copies of Map.groupBy(world.copies, (c) => c.groupId).values())
    expect(copies.filter((c) => c.writes).map((c) => c.siteId)).toEqual([siteId]);
}

it(`killed in ${ROUNDS} failovers and as many ways back (seed ${SEED}): each ends well, the synchronous group loses nothing, one site writes`, async () => {
  const sites = (await must<{ items: { id: string }[] }>('GET', '/v1/system/sites', operator)).items.map((s) => s.id);
  let [here, there] = sites as [string, string];
  const vdc = (await must<{ items: { id: string }[] }>('GET', '/v1/vdcs', tenant)).items[0]?.id;
  const vpc = await must<{ id: string }>('POST', `/v1/vdcs/${vdc}/vpcs`, tenant, { name: 'private' });
  const inner = { name: 'inner', type: 'internal', cidr: '10.1.0.0/24' };
  const network = await must<{ id: string }>('POST', `/v1/vpcs/${vpc.id}/networks`, tenant, inner);
  const make = (name: string) =>
    must<Vm>('POST', `/v1/vdcs/${vdc}/vms`, tenant, {
      name,
      cpu: { vcpus: 1 },
      memory: { sizeMiB: 1024 },
      guest: { os: 'linux' },
      vpcId: vpc.id,
      disks: [{ name: 'root', sizeGiB: 5 }],
      nics: [{ networkId: network.id }],
      placement: { siteId: here },
    });
  const vms = await Promise.all(['s-1', 's-2', 'a-1', 'a-2'].map(make));
  const ids = vms.map((vm) => vm.id);
  await cloud.until(async () => (await vmsNow(ids)).every((vm) => vm.state === 'running'), 'the VMs to run');
  const protect = async (name: string, some: Vm[], replication: object) => {
    const body = {
      name,
      vdcId: vdc,
      vms: some.map((vm) => vm.id),
      replication: { targetSiteId: there, ...replication },
    };
    const { id } = await must<Group>('POST', '/v1/protected-groups', tenant, body);
    await cloud.until(async () => (await group(id)).state === 'protected', `group ${name} to be protected`);
    return id;
  };
  const groups = [
    await protect('in-step', vms.slice(0, 2), { mode: 'sync' }),
    await protect('late', vms.slice(2), { mode: 'async', rpoMinutes: 5 }),
  ];
  const plan = await must<{ id: string }>('POST', '/v1/recovery-plans', tenant, { name: 'all', groups });
  const override = { override: { reason: 'the drill is the disaster itself' } };

  for (let round = 0; round < ROUNDS; round++) {
    for (const vm of vms) await write(vm.id, round, `${vm.name} ${round}`);
    const fault = await must<{ id: string }>('POST', '/v1/sim/faults', operator, { kind: 'site-loss', target: here });
    await actionKilled(plan.id, 'failover', override, FAILOVER_MS);
    await everythingHolds(ids, there);
    for (const vm of vms.slice(0, 2))
      for (let i = 0; i <= round; i++) expect(await read(vm.id, i), `${vm.name}, block ${i}`).toBe(`${vm.name} ${i}`);

    await must('DELETE', `/v1/sim/faults/${fault.id}`, operator);
    for (const id of groups) {
      const back = await cloud.until(async () => {
        const now = await group(id);
        return now.former?.divergent && now;
      }, 'the old site to be heard');
      if ((back.former?.divergent?.count ?? 0) > 0)
        await must('POST', `/v1/protected-groups/${id}/discard-divergence`, tenant, { reason: 'not wanted' });
    }
    await cloud.until(
      async () => (await must<{ state: string }>('GET', `/v1/recovery-plans/${plan.id}`, tenant)).state === 'recovered',
      'the plan to be recovered',
    );
    await actionKilled(plan.id, 'reprotect', {}, REPROTECT_MS);
    await cloud.until(async () => {
      const { items } = await must<{ items: { state: string }[] }>('GET', '/v1/system/hosts?limit=1000', operator);
      return items.every((h) => h.state === 'online');
    }, 'the hosts to be back');
    await everythingHolds(ids, there);
    [here, there] = [there, here];
  }
}, 900_000);
