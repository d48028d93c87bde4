import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STEP_TABLES } from '../../../infra/local/workflows/steps.ts';
import type { VolumeMoveOrder } from '../../../shared/hypervisor/port.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { Transaction } from '../../../shared/store/transaction.ts';
import { simulatedSite } from '../../../shared/world/agent.ts';
import { copyOf } from '../../../shared/world/extents.ts';
import { Guest } from '../../../shared/world/guest.ts';
import { worldKeys } from '../../../shared/world/records.ts';
import { World } from '../../../shared/world/world.ts';
import { type Step, TryAgain } from '../../../workflows/engine/step-table.ts';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

const cluster = (name: string) => ({ name, hosts: { count: 3, cores: 16, mhz: 2400, memoryGiB: 64 } });
const estate = {
  sites: [
    {
      name: 'a',
      clusters: [cluster('c1')],
      datastores: [
        { name: 'san', capacityGiB: 5000 },
        { name: 'nas', capacityGiB: 4000 },
        { name: 'tiny', capacityGiB: 30 },
        { name: 'nvme', capacityGiB: 100, kind: 'local' },
      ],
    },
    { name: 'b', clusters: [cluster('c1')], datastores: [{ name: 'san', capacityGiB: 10 }] },
  ],
};
const [SAN, NAS, TINY] = ['ds_a-san', 'ds_a-nas', 'ds_a-tiny'] as const;

let test: TestCloud;
let acme: TestTenant;
beforeEach(async () => {
  test = await TestCloud.start({ estate });
  acme = await TestTenant.create(test);
});
afterEach(() => test.stop());

interface Refusal {
  id: string;
  code: string;
  rules: string[];
  errors: { location: string; message: string; fix: string }[];
}
interface Done {
  state: string;
  result?: Record<string, number | string>;
  error?: { message: string };
}
type Running = VmView & { hostId: string };

const load = (id: string, workload: object) =>
  test.client.must('POST', `/v1/sim/vms/${id}/workload`, test.operator, workload);
const operation = (id: string) => test.client.must<Done>('GET', `/v1/system/operations/${id}`, test.operator);
const ended = (id: string) => async () => ['success', 'failed'].includes((await operation(id)).state);
const to = (datastoreId: string, name = 'root') => ({ name, datastoreId });
const move = (vm: { id: string }, disks: object[] = [to(NAS)], more: object = {}) =>
  test.client.call<Refusal>('POST', `/v1/system/vms/${vm.id}/disks/migrate`, {
    token: test.operator,
    body: { disks, ...more },
  });
const belief = () => readBelief(test.cloud.store);
const vmOf = async (id: string) => (await belief()).vms.find((v) => v.id === id);
const datastore = async (id: string) => (await belief()).datastores.find((d) => d.id === id);
const free = async (...ids: string[]) => Promise.all(ids.map(async (id) => (await datastore(id))?.freeGiB));
const volumes = (id: string) => new World(test.cloud.store).volumesOf(id);
const where = async (id: string) => (await volumes(id)).map((v) => v.datastoreId);
const processes = async (id: string) => (await test.world()).processes.filter((p) => p.vmId === id);

/** A VM whose disk is copied whole, 20 GiB at 100 MiB/s: that takes 204.8 s. */
async function running(): Promise<Running> {
  const [vm] = await acme.running(1);
  await settleOn(SAN);
  return vm as Running;
}
async function settleOn(datastoreId: string): Promise<void> {
  expect((await belief()).vms.every((v) => v.disks.every((d) => d.datastoreId === datastoreId))).toBe(true);
}
const THICK = { thick: true };

/** A VM with two disks. */
async function twoDisks(start = true): Promise<VmView> {
  const body = {
    ...acme.body({ start }),
    disks: ['root', 'data'].map((name) => ({ name, sizeGiB: 20, io: 'virtio' })),
  };
  const made = await test.client.must<VmView>('POST', `/v1/vdcs/${acme.vdcId}/vms`, acme.token, body);
  await test.settle();
  return acme.vm(made.id);
}

/** The guest writes numbered blocks, second by second; what was acknowledged must be read back for ever. */
class Writer {
  readonly written = new Map<number, string>();
  readonly missed: number[] = [];
  private next = 0;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }

  async write(): Promise<void> {
    const index = this.next++;
    // Every third one again and again, so that blocks that were copied already are written anew.
    for (const at of index % 3 === 0 ? [index, 0] : [index])
      await acme
        .write(this.id, at, `block ${at} of ${index}`)
        .then(() => this.written.set(at, `block ${at} of ${index}`))
        .catch(() => this.missed.push(index));
  }
  async check(): Promise<void> {
    for (const [at, text] of this.written) expect(await acme.read(this.id, at)).toBe(text);
  }
}

/** Lets time pass second by second, with a guest that writes; at no instant is a ledger wrong or a VM there twice. */
async function watch(writer: Writer, done: () => Promise<boolean>, seconds = 400): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await test.advance(1);
    await writer.write();
    if (i % 5 === 0) expect((await test.violations()).filter((v) => /^INV-[1-5]:/.test(v))).toEqual([]);
    expect((await processes(writer.id)).length).toBeLessThanOrEqual(1);
    if (await done()) return;
  }
  throw new Error(`not done within ${seconds} s`);
}

/** Nothing of a move is left but its outcome: no claim, no hold, no copy, and no block that no volume knows. */
async function nothingIsLeft(...ids: string[]): Promise<void> {
  await test.settle();
  for (const id of ids) {
    const vm = await vmOf(id);
    expect([vm?.claim, vm?.storageMoves]).toEqual([undefined, undefined]);
    expect(await where(id)).toEqual([...(vm?.disks ?? [])].sort(byName).map((d) => d.datastoreId));
  }
  const known = new Set<string>();
  for (const vm of (await belief()).vms)
    for (const v of await volumes(vm.id)) {
      expect(v.move).toBeUndefined();
      known.add(`VOL#${v.extent ?? v.id}`);
    }
  const stray = new Set<string>();
  for await (const row of test.cloud.store.scan<{ pk: string }>('world'))
    if (row.pk.startsWith('VOL#') && !known.has(row.pk)) stray.add(row.pk);
  expect([...stray]).toEqual([]);
  for (const d of (await belief()).datastores) expect([d.id, d.freeMigrations]).toEqual([d.id, 128]);
  expect(await test.violations()).toEqual([]);
}
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

describe('a storage migration (STO-5)', () => {
  it('of a VM that runs and writes all along loses no byte, stands still once, and gives the old room back', async () => {
    const vm = await running();
    const writer = new Writer(vm.id);
    for (let i = 0; i < 30; i++) await writer.write();
    await load(vm.id, { writeIops: 2560, requestKiB: 4 });
    const before = await free(SAN, NAS);
    const { body, status } = await move(vm, [to(NAS)], THICK);
    expect(status).toBe(202);
    await test.advance(5);
    expect(await free(SAN, NAS)).toEqual([before[0], (before[1] as number) - 20]);
    expect(await where(vm.id)).toEqual([SAN]);
    await watch(writer, ended(body.id));
    // Algorithm 4 with 20 GiB at 10 of 100 MiB/s: rounds of 204.8, 20.48 and 2.048 s, and a pause of 204.8 ms.
    expect((await operation(body.id)).result).toEqual({
      rounds: 3,
      sentMiB: 22_753.28,
      pauseMs: 204.8,
      totalSeconds: 227.533,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(writer.missed.length).toBeLessThanOrEqual(2);
    expect(writer.written.size).toBeGreaterThan(220);
    await test.advance(1);
    await writer.check();
    for (let i = 0; i < 5; i++) await writer.write();
    await writer.check();
    expect(await where(vm.id)).toEqual([NAS]);
    expect(await free(SAN, NAS)).toEqual([(before[0] as number) + 20, (before[1] as number) - 20]);
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', hostId: vm.hostId, epoch: vm.epoch });
    await nothingIsLeft(vm.id);
  });

  it('copies what was ever written and nothing else, unless it is to copy whole disks', async () => {
    const vm = await running();
    for (let i = 0; i < 256; i++) await acme.write(vm.id, i, `${i}`);
    const { body } = await move(vm);
    await test.settle();
    expect((await operation(body.id)).result).toMatchObject({ sentMiB: 1, rounds: 0, pauseMs: 10 });
  });

  it('of a stopped VM has no pause, and its guest finds every byte when it is started', async () => {
    const vm = await running();
    const writer = new Writer(vm.id);
    for (let i = 0; i < 20; i++) await writer.write();
    await acme.action(vm.id, 'stop');
    await test.settle();
    const { body } = await move(vm, [to(NAS)], THICK);
    await test.advance(10);
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'stopped' });
    expect((await acme.action(vm.id, 'start')).status).toBe(409);
    await test.settle();
    expect((await operation(body.id)).result).toMatchObject({ rounds: 1, pauseMs: 0, totalSeconds: 204.8 });
    expect((await acme.action(vm.id, 'start')).status).toBe(202);
    await test.settle();
    await writer.check();
    await nothingIsLeft(vm.id);
  });

  it('moves all disks at one instant: the tenant, who never sees a datastore, reads the same VM', async () => {
    const vm = await twoDisks();
    const seen = () => test.client.must<VmView>('GET', `/v1/vms/${vm.id}`, acme.token);
    const { version: _, operationId: __, ...before } = await seen();
    await move(vm, [to(NAS), to(TINY, 'data')], THICK);
    for (let i = 0; i < 500 && (await vmOf(vm.id))?.claim; i++) {
      await test.advance(1);
      expect([[SAN, SAN].join(), [TINY, NAS].join()]).toContain((await where(vm.id)).join());
    }
    expect(await where(vm.id)).toEqual([TINY, NAS]);
    expect(await seen()).toMatchObject(before);
    await nothingIsLeft(vm.id);
  });

  it('there and back again, again and again: each has a place of its own, and every byte follows', async () => {
    const vm = await running();
    const writer = new Writer(vm.id);
    for (const target of [NAS, SAN, TINY, SAN]) {
      for (let i = 0; i < 4; i++) await writer.write();
      expect((await move(vm, [to(target)])).status).toBe(202);
      await test.settle();
      await test.advance(1);
      expect(await where(vm.id)).toEqual([target]);
      await writer.check();
    }
    await nothingIsLeft(vm.id);
    expect((await acme.remove(vm.id)).status).toBe(202);
    await nothingIsLeft();
  });

  it('that cannot keep the allowed pause moves nothing, and says with figures what would help (MIG-4)', async () => {
    const vm = await running();
    const before = await free(SAN, NAS);
    await load(vm.id, { writeIops: 40_000, requestKiB: 4 });
    const { body } = await move(vm, [to(NAS)], THICK);
    await test.settle();
    const { state, error } = await operation(body.id);
    expect(state).toBe('failed');
    expect(error?.message).toMatch(
      /Writes of 156.3 MiB\/s take 156.3 % of the bandwidth.* a speed of \d+ MiB\/s; writes of/,
    );
    expect([await where(vm.id), await free(SAN, NAS)]).toEqual([[SAN], before]);
    await nothingIsLeft(vm.id);
    const speed = Number(/a speed of (\d+) MiB/.exec(error?.message ?? '')?.[1]);
    const again = await move(vm, [to(NAS)], { ...THICK, mbps: speed });
    await test.settle();
    expect((await operation(again.body.id)).state).toBe('success');
  });

  it('gives up when the guest begins to write too fast in the middle, and the VM runs on', async () => {
    const vm = await running();
    const { body } = await move(vm, [to(NAS)], THICK);
    await test.advance(60);
    await load(vm.id, { writeIops: 40_000, requestKiB: 4 });
    await watch(new Writer(vm.id), ended(body.id));
    expect((await operation(body.id)).error?.message).toMatch(/does not converge \(MIG-4\)/);
    await nothingIsLeft(vm.id);
  });

  it('is told with a dry run, which changes nothing', async () => {
    const vm = await running();
    const reply = await test.client.call('POST', `/v1/system/vms/${vm.id}/disks/migrate?dryRun=true`, {
      token: test.operator,
      body: { disks: [to(NAS)] },
    });
    expect(reply.status).toBeLessThan(300);
    await nothingIsLeft(vm.id);
    expect(await where(vm.id)).toEqual([SAN]);
  });
});

describe('what cannot be is refused with all its reasons at once, and changes nothing:', () => {
  it('more than 11 disks, too slow, unknown disks and datastores, where it is already, of another site, local, too small', async () => {
    const vm = await twoDisks();
    const before = await belief();
    const local = before.datastores.find((d) => d.kind === 'local')?.id as string;
    const eight = Array.from({ length: 8 }, (_, i) => to(NAS, `none-${i}`));
    const disks = [to(SAN), to('ds_none', 'data'), to('ds_b-san'), to(local, 'data'), ...eight];
    const { status, body } = await move(vm, disks, { mbps: 19 });
    expect([status, body.code, body.rules]).toEqual([400, 'invalid-request', ['STO-5', 'STO-1']]);
    const said = body.errors.map((e) => `${e.location}: ${e.message}`).join('\n');
    for (const words of [
      /body.disks: 12 disks are named \(STO-5\)/,
      /body.mbps: 19 MiB\/s is too slow \(STO-5\)/,
      /body.disks.0.datastoreId: disk root stands on ds_a-san already/,
      /body.disks.1.datastoreId: there is no datastore ds_none/,
      /body.disks.2.name: disk root is named twice/,
      /body.disks.2.datastoreId: datastore ds_b-san is at site_b, the VM at site_a/,
      /body.disks.3.datastoreId: datastore .* is local to one host \(STO-1\)/,
      /body.disks.11.name: the VM has no disk none-7/,
    ])
      expect(said).toMatch(words);
    expect(body.errors.every((e) => e.fix)).toBe(true);
    expect((await belief()).datastores).toEqual(before.datastores);
    await nothingIsLeft(vm.id);
  });

  it('no room, with figures', async () => {
    const vm = await twoDisks();
    const { status, body } = await move(vm, [to(TINY), to(TINY, 'data')]);
    expect([status, body.code]).toEqual([507, 'no-capacity']);
    expect(body).toMatchObject({ rule: 'STO-5', freeGiB: 30, neededGiB: 40 });
    await nothingIsLeft(vm.id);
  });

  it('a VM that an operation holds; of two at once one begins', async () => {
    const vm = await running();
    const replies = await Promise.all([move(vm, [to(NAS)], THICK), move(vm, [to(TINY)], THICK)]);
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409]);
    const third = await move(vm, [to(TINY)], { mbps: 5 });
    // Which of the two began decides whether that datastore is the one where the disk is about to be.
    const said = third.body.errors.map((e) => e.location);
    expect(said).toEqual(expect.arrayContaining(['body.mbps', 'path.vmId']));
    expect((await acme.action(vm.id, 'stop')).status).toBe(409);
    await nothingIsLeft(vm.id);
  });

  it('two that want the same room at once: one has it, the other is told', async () => {
    const vms = await acme.running(2);
    const replies = await Promise.all(vms.map((vm) => move(vm, [to(TINY)])));
    expect(replies.map((r) => r.status).sort()).toEqual([202, 507]);
    await nothingIsLeft(...vms.map((v) => v.id));
  });
});

describe('budgets (MIG-7)', () => {
  it('a host copies for two VMs at once and a third waits; all arrive', async () => {
    const vms = await acme.running(9);
    const [host] = [...Map.groupBy(vms, (v) => v.hostId)].sort(([, a], [, b]) => b.length - a.length).map(([id]) => id);
    for (const vm of vms.filter((v) => v.hostId !== host).slice(0, 3))
      await test.client.must('POST', `/v1/system/vms/${vm.id}/migrate`, test.operator, { hostId: host });
    await test.settle();
    const there = (await Promise.all(vms.map((v) => acme.vm(v.id)))).filter((v) => v.hostId === host).slice(0, 3);
    expect(there.length).toBe(3);
    for (const vm of there) expect((await move(vm, [to(NAS)], THICK)).status).toBe(202);
    await test.advance(40);
    const begun = () => belief().then((b) => b.vms.filter((v) => v.storageMoves?.begun).length);
    expect(await begun()).toBe(2);
    expect((await belief()).hosts.find((h) => h.id === host)?.free.migrations).toBe(0);
    expect((await test.violations()).filter((v) => /^INV-3/.test(v))).toEqual([]);
    await test.settle();
    for (const vm of there) expect(await where(vm.id)).toEqual([NAS]);
    await nothingIsLeft(...there.map((v) => v.id));
  });

  it('a datastore bears eight copies; the ninth, of a stopped VM, waits for its turn and arrives', async () => {
    const made = await Promise.all(
      Array.from({ length: 9 }, (_, i) => acme.create({ start: false, name: `cold-${i}` })),
    );
    await test.settle();
    const ids = made.map((m) => m.body.id);
    for (const id of ids) expect((await move({ id }, [to(NAS)], THICK)).status).toBe(202);
    await test.advance(40);
    expect((await belief()).vms.filter((v) => v.storageMoves?.begun).length).toBe(8);
    expect((await datastore(NAS))?.freeMigrations).toBe(0);
    await nothingIsLeft(...ids);
    for (const id of ids) expect(await where(id)).toEqual([NAS]);
  });
});

describe('a fault during the copy leaves the volumes where they are, whole (MIG-5)', () => {
  it.each([
    ['the target datastore', NAS],
    ['the source datastore', SAN],
  ])('%s is lost', async (_, lost) => {
    const vm = await running();
    const writer = new Writer(vm.id);
    for (let i = 0; i < 10; i++) await writer.write();
    const { body } = await move(vm, [to(NAS)], THICK);
    await test.advance(70);
    const fault = await test.fault('datastore-loss', lost, { for: 20 });
    await watch(writer, ended(body.id));
    expect(fault.id).toBeTruthy();
    expect((await operation(body.id)).error?.message).toContain(`datastore ${lost} was lost`);
    await test.advance(30);
    await writer.check();
    expect([await where(vm.id), await free(NAS)]).toEqual([[SAN], [4000]]);
    await nothingIsLeft(vm.id);
    // And it can be asked for again.
    expect((await move(vm)).status).toBe(202);
    await test.settle();
    await test.advance(1);
    await writer.check();
  });

  it('the host fails: the recovery starts the VM elsewhere with its volumes where they were, and the move is given up', async () => {
    const vm = await running();
    const writer = new Writer(vm.id);
    for (let i = 0; i < 10; i++) await writer.write();
    const { body } = await move(vm, [to(NAS)], THICK);
    await test.advance(70);
    await test.fault('host-power-loss', vm.hostId);
    await watch(
      writer,
      async () => (await acme.vm(vm.id)).epoch > vm.epoch && (await acme.vm(vm.id)).state === 'running',
    );
    await watch(writer, ended(body.id), 900);
    expect((await operation(body.id)).error?.message).toMatch(/its host failed|does not run on/);
    expect((await acme.vm(vm.id)).hostId).not.toBe(vm.hostId);
    expect(await where(vm.id)).toEqual([SAN]);
    await writer.check();
    await nothingIsLeft(vm.id);
  });

  it('the host fails at the instant at which the volumes have moved, unheard: they are found where they went', async () => {
    const vm = await running();
    const writer = new Writer(vm.id);
    for (let i = 0; i < 10; i++) await writer.write();
    await move(vm, [to(NAS)], THICK);
    // The step that commits is not heard of any more once it has done its work, and neither is the host.
    const step = STEP_TABLES['move-volumes'].commit as Step;
    const { do: commit } = step;
    step.do = async (state, deps) => {
      await commit(state, deps);
      step.do = commit;
      await test.fault('host-power-loss', vm.hostId);
      throw new TryAgain('it was not heard of');
    };
    await watch(
      writer,
      async () => (await acme.vm(vm.id)).epoch > vm.epoch && (await acme.vm(vm.id)).state === 'running',
    );
    await nothingIsLeft(vm.id);
    expect(await where(vm.id)).toEqual([NAS]);
    await writer.check();
  });

  it.each(['answer-lost', 'duplicate-call', 'call-timeout'])(
    'the way to the site is broken (%s) for a while: it goes on',
    async (kind) => {
      const vm = await running();
      const writer = new Writer(vm.id);
      for (let i = 0; i < 10; i++) await writer.write();
      const { body } = await move(vm, [to(NAS)], THICK);
      await test.advance(150);
      const fault = await test.fault(kind, 'site_a');
      await test.advance(80);
      await test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, test.operator);
      await watch(writer, ended(body.id), 900);
      expect((await operation(body.id)).state).toBe('success');
      await test.advance(1);
      await writer.check();
      await nothingIsLeft(vm.id);
    },
  );

  it('the host cannot be asked for a while: it waits, and goes on', async () => {
    const vm = await running();
    const { body } = await move(vm, [to(NAS)], THICK);
    await test.advance(190);
    await test.fault('management-partition', vm.hostId, { for: 60 });
    await test.settle();
    expect((await operation(body.id)).state).toBe('success');
    await nothingIsLeft(vm.id);
  });
});

describe('the hypervisor', () => {
  const site = () => simulatedSite(new World(test.cloud.store), test.clock);
  const order = (vm: Running, token: number): VolumeMoveOrder => ({
    vmId: vm.id,
    token,
    volumes: ['root'],
    to: [NAS],
    process: { hostId: vm.hostId, epoch: vm.epoch },
    options: {},
  });

  it('refuses to commit a copy that is not the same, and keeps the source', async () => {
    const vm = await running();
    await acme.write(vm.id, 7, 'right');
    const own = order(vm, 100);
    expect((await site().beginVolumeMoves('site_a', [own]))[0]?.outcome).toBe('copying');
    const [volume] = await volumes(vm.id);
    const key = worldKeys.block(copyOf(volume as { id: string }, 100), 7);
    await test.cloud.store.update(key, { set: { data: new Uint8Array([1]) } }, 'world');
    const [answer] = await site().commitVolumeMoves('site_a', [own]);
    expect(answer).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(/not the same/) });
    expect(await acme.read(vm.id, 7)).toBe('right');
    expect((await site().cancelVolumeMoves('site_a', [own]))[0]?.outcome).toBe('cancelled');
    await nothingIsLeft(vm.id);
  });

  it('reads and hashes a volume where it stands now', async () => {
    const vm = await running();
    await acme.write(vm.id, 7, 'right');
    const [volume] = await volumes(vm.id);
    const ref = { id: volume?.id as string, vmId: vm.id, name: 'root' };
    const before = await site().hashVolumes('site_a', [ref]);
    await move(vm);
    await test.settle();
    expect(await where(vm.id)).toEqual([NAS]);
    expect(await site().hashVolumes('site_a', [ref])).toEqual(before);
    const [read] = await site().readBlocks('site_a', [{ ...ref, after: -1, limit: 10 }]);
    expect(read?.blocks.map((b) => Buffer.from(b.data, 'base64').toString())).toEqual(['right']);
  });

  it('takes an order that comes after its move has ended for what it is: late', async () => {
    const vm = await running();
    await acme.write(vm.id, 7, 'right');
    const own = order(vm, 100);
    await site().beginVolumeMoves('site_a', [own]);
    await site().cancelVolumeMoves('site_a', [own]);
    expect((await site().beginVolumeMoves('site_a', [own]))[0]?.outcome).toBe('refused');
    expect((await site().commitVolumeMoves('site_a', [own]))[0]?.outcome).toBe('refused');
    await nothingIsLeft(vm.id);
  });

  /** The store, with something that happens just before the first transaction that touches where a volume stands. */
  const justBefore = (what: () => Promise<unknown>): Store => {
    let first = true;
    return new Proxy(test.cloud.store, {
      get(store, name) {
        const member = Reflect.get(store, name, store) as unknown;
        if (name !== 'commit') return typeof member === 'function' ? member.bind(store) : member;
        return async (tx: Transaction) => {
          const touches = tx.actions.some((a) => a.names && '#extent' in a.names);
          if (first && touches) {
            first = false;
            await what();
          }
          return store.commit(tx);
        };
      },
    });
  };

  it('takes along a write that comes between its comparison and its commit', async () => {
    const vm = await running();
    const own = order(vm, 100);
    await acme.write(vm.id, 3, 'early');
    await site().beginVolumeMoves('site_a', [own]);
    const store = justBefore(() => acme.write(vm.id, 3, 'late'));
    const [moved] = await simulatedSite(new World(store), test.clock).commitVolumeMoves('site_a', [own]);
    expect(moved?.outcome).toBe('moved');
    await test.advance(1);
    expect([await where(vm.id), await acme.read(vm.id, 3)]).toEqual([[NAS], 'late']);
  });

  it('acknowledges no write to the place that a volume has left', async () => {
    const vm = await running();
    const own = order(vm, 100);
    await acme.write(vm.id, 3, 'early');
    await site().beginVolumeMoves('site_a', [own]);
    const store = justBefore(() => site().commitVolumeMoves('site_a', [own]));
    const guest = new Guest(new World(store), test.clock);
    await expect(guest.write(vm.id, 'root', 3, Buffer.from('late'))).rejects.toMatchObject({ code: 'not-running' });
    await test.advance(1);
    expect([await where(vm.id), await acme.read(vm.id, 3)]).toEqual([[NAS], 'early']);
  });

  it('loses no write of many that are made while it commits', async () => {
    const vm = await running();
    const own = order(vm, 100);
    for (let i = 0; i < 20; i++) await acme.write(vm.id, i, `first ${i}`);
    await site().beginVolumeMoves('site_a', [own]);
    const kept = new Map<number, string>();
    const writes = Array.from({ length: 12 }, (_, i) =>
      acme.write(vm.id, i, `second ${i}`).then(
        () => kept.set(i, `second ${i}`),
        () => kept.set(i, `first ${i}`),
      ),
    );
    const commits = [1, 2].map(() => site().commitVolumeMoves('site_a', [own]));
    await Promise.all([...writes, ...commits]);
    const [last] = await site().commitVolumeMoves('site_a', [own]);
    expect(last?.outcome).toBe('moved');
    await test.advance(1);
    for (const [i, text] of kept) expect(await acme.read(vm.id, i)).toBe(text);
    expect(await where(vm.id)).toEqual([NAS]);
  });
});
