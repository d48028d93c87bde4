import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { vdcOver, vmwareSite, vmwareVm } from '../../support/rainbow.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

const hosts = { count: 3, cores: 16, mhz: 2400, memoryGiB: 64 };
const estate = (target: object = {}) => ({
  sites: [
    { name: 'a', clusters: [{ name: 'c1', hosts }], datastores: [{ name: 'san', capacityGiB: 1000 }], ...target },
    vmwareSite(),
  ],
  links: [{ from: 'a', to: 'old', latencyMs: 5, mbps: 1000, mode: 'async' }],
});

let test: TestCloud;
let acme: TestTenant;
async function begin(target: object = {}): Promise<void> {
  test = await TestCloud.start({ estate: estate(target) });
  acme = await TestTenant.create(test);
}
beforeEach(() => begin());
afterEach(() => test.stop());

interface Ended {
  state: string;
  percent: number;
  error?: { message: string };
  result?: {
    volumes: { name: string; hash: string; movedMiB: number }[];
    toolsToChange: { from: string; to: string; when: string }[];
  };
}
interface Answer {
  id: string;
  code: string;
  detail: string;
  rules: string[];
  errors: { location: string }[];
}
const convert = (vm: { id: string }, body: object = {}, { token = acme.token, query = '' } = {}) =>
  test.client.call<Answer>('POST', `/v1/vms/${vm.id}/convert${query}`, { token, body });
const operation = (id: string) => test.client.must<Ended>('GET', `/v1/operations/${id}`, acme.token);
const processes = async (id: string) => (await test.world()).processes.filter((p) => p.vmId === id);
const volumes = async (id: string) => (await test.world()).volumes.filter((v) => v.vmId === id);
const vmOf = async (id: string) => (await readBelief(test.cloud.store)).vms.find((v) => v.id === id);
const ended = (id: string) => async () => ['success', 'failed'].includes((await operation(id)).state);
/** The source has ended; a site that does not answer makes the conversion wait there. */
const stopped = async (id: string) => test.until(async () => (await processes(id)).length === 0);
const endFault = (id: string) => test.client.must('DELETE', `/v1/sim/faults/${id}`, test.operator);

/** A VM with a network, as most have, that runs in the vmware site. */
async function source(more: object = {}): Promise<VmView & { hostId: string }> {
  const nics = [{ networkId: acme.networkId, io: 'virtio' }];
  return vmwareVm(acme, acme.vdcId, { more: { vpcId: acme.vpcId, nics, ...more } });
}

/** Lets time pass second by second: at no instant two processes, a stale ledger, or a writer too many. */
async function watch(id: string, done: () => Promise<boolean>, seconds = 300): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    expect((await processes(id)).length).toBeLessThanOrEqual(1);
    expect((await test.violations()).filter((v) => /^INV-[1-5]:/.test(v))).toEqual([]);
    if (await done()) return;
    await test.advance(1);
  }
  throw new Error(`not done within ${seconds} s`);
}

/** Everything is as it was before the conversion, but for the reason. */
async function expectAtSource(vm: VmView & { hostId: string }, { recovered = false } = {}): Promise<void> {
  const now = await acme.vm(vm.id);
  expect(now).toMatchObject({ state: 'running', siteId: 'site_old', nics: vm.nics });
  if (!recovered) expect(now.reason).toMatch(/not converted/);
  expect((await vmOf(vm.id))?.conversion).toBeUndefined();
  expect((await volumes(vm.id)).map((v) => v.siteId)).toEqual(['site_old']);
  const target = (await readBelief(test.cloud.store)).datastores.find((d) => d.siteId === 'site_a');
  expect(target?.freeGiB).toBe(target?.capacityGiB);
  expect(await test.violations()).toEqual([]);
}

describe('a conversion from vmware to fusioncompute (MIG-9)', () => {
  it('keeps every byte, address and size; the source has stopped before the target starts; both ends have one hash', async () => {
    const disks = ['root', 'data'].map((name, i) => ({ name, sizeGiB: 10 + i, boot: i === 0, io: 'virtio' }));
    const vm = await source({ disks });
    const text = (i: number) => `block ${i} ${'x'.repeat(i % 50)}`;
    // More than one page, with gaps, and one block written twice.
    const indices = Array.from({ length: 150 }, (_, i) => i * 7);
    await acme.write(vm.id, 0, 'older');
    for (const i of indices) await acme.write(vm.id, i, text(i));
    const before = (await vmOf(vm.id)) as NonNullable<Awaited<ReturnType<typeof vmOf>>>;
    const { status, body } = await convert(vm);
    expect(status).toBe(202);
    const sites: string[] = [];
    await watch(vm.id, async () => {
      for (const p of await processes(vm.id)) if (sites.at(-1) !== p.hostId) sites.push(p.hostId);
      return ended(body.id)();
    });
    const after = (await vmOf(vm.id)) as typeof before;
    // At the first look the source may have ended already; after the target it is never seen again.
    expect(sites.filter((host, i) => i > 0 || host !== vm.hostId)).toEqual([after.hostId]);
    expect(after).toMatchObject({ state: 'running', siteId: 'site_a', epoch: before.epoch + 1, clusterId: 'cl_a-c1' });
    for (const same of ['cpu', 'memory', 'nics', 'guest', 'ha', 'name'] as const)
      expect(after[same]).toEqual(before[same]);
    expect(after.disks.map((d) => d.name)).toEqual(['root', 'data']);
    for (const i of indices) expect(await acme.read(vm.id, i)).toBe(text(i));
    const hash = createHash('sha256');
    for (const i of indices) {
      const head = Buffer.alloc(12);
      head.writeBigUInt64BE(BigInt(i));
      head.writeUInt32BE(Buffer.byteLength(text(i)), 8);
      hash.update(head).update(text(i));
    }
    const { result } = await operation(body.id);
    expect(result?.volumes).toEqual([
      { name: 'root', hash: hash.digest('hex'), movedMiB: 150 / 256 },
      { name: 'data', hash: createHash('sha256').digest('hex'), movedMiB: 0 },
    ]);
    expect(result?.toolsToChange.map((t) => `${t.from} -> ${t.to}`)).toEqual([
      'pvscsi -> virtio-blk',
      'vmxnet3 -> virtio-net',
      'VMware Tools -> FusionCompute tools',
    ]);
    // The source is gone, and the guest writes on where it had stopped.
    expect((await volumes(vm.id)).map((v) => v.siteId)).toEqual(['site_a', 'site_a']);
    expect(await acme.write(vm.id, 1, 'new')).toBe(152);
    expect(await test.violations()).toEqual([]);
  });

  it('holds both places until the end, and the quota counts the VM once', async () => {
    const vm = await source();
    const usage = async () =>
      (
        await test.client.must<{ usage: { storageGiB: number; vcpus: number } }>(
          'GET',
          `/v1/vdcs/${acme.vdcId}`,
          acme.token,
        )
      ).usage;
    const taken = async () => {
      const belief = await readBelief(test.cloud.store);
      return {
        gib: belief.datastores.reduce((n, d) => n + d.capacityGiB - d.freeGiB, 0),
        vcpus: belief.hosts.reduce((n, h) => n + h.capacity.vcpus - h.free.vcpus, 0),
      };
    };
    const charged = await usage();
    expect(await taken()).toEqual({ gib: 20, vcpus: 2 });
    const { body } = await convert(vm);
    expect([await taken(), await usage()]).toEqual([{ gib: 40, vcpus: 4 }, charged]);
    await watch(vm.id, ended(body.id));
    expect([await taken(), await usage()]).toEqual([{ gib: 20, vcpus: 2 }, charged]);
  });

  it('leaves a stopped VM stopped, and it starts at the target afterwards', async () => {
    const vm = await source();
    await acme.write(vm.id, 3, 'kept');
    await acme.action(vm.id, 'stop');
    await test.settle();
    const { body } = await convert(vm, { siteId: 'site_a', clusterId: 'cl_a-c1' });
    await watch(vm.id, async () => {
      expect(await processes(vm.id)).toEqual([]);
      return ended(body.id)();
    });
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'stopped', siteId: 'site_a', hostId: null });
    expect((await acme.action(vm.id, 'start')).status).toBe(202);
    await test.settle();
    expect(await acme.read(vm.id, 3)).toBe('kept');
    expect(await test.violations()).toEqual([]);
  });

  it('does not need a link between the sites', async () => {
    const [link] = (await test.client.must<{ items: { id: string }[] }>('GET', '/v1/system/links', test.operator))
      .items;
    await test.fault('link-cut', link?.id as string);
    const vm = await source();
    const { body } = await convert(vm);
    await watch(vm.id, ended(body.id));
    expect((await operation(body.id)).state).toBe('success');
  });

  it('can be asked before it is done: a dry run tells target, tools and order, and changes nothing', async () => {
    const vm = await source({ guest: { os: 'windows' } });
    const before = await readBelief(test.cloud.store);
    const { status, body } = await convert(vm, {}, { query: '?dryRun=true' });
    expect([status, body]).toMatchObject([
      200,
      {
        dryRun: true,
        wouldAnswer: { kind: 'convert-vm', target: vm.id },
        siteId: 'site_a',
        clusterId: 'cl_a-c1',
        toolsToChange: [
          { from: 'pvscsi', when: 'before' },
          { from: 'vmxnet3', when: 'before' },
          { from: 'VMware Tools', when: 'after' },
        ],
      },
    ]);
    await test.settle();
    expect(await readBelief(test.cloud.store)).toEqual(before);
  });

  it('two at once of one VM: one begins, the other is told which operation to wait for', async () => {
    const vm = await source();
    const replies = await Promise.all([convert(vm), convert(vm)]);
    expect(replies.map((r) => r.status).sort()).toEqual([202, 409]);
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });

  it('keeps a change of QoS that is made while the bytes are copied', async () => {
    const vm = await source();
    const slow = await test.fault('call-timeout', 'site_a');
    const { body } = await convert(vm);
    await stopped(vm.id);
    const change = { cpu: { reservationMhz: 500 }, disks: [{ name: 'root', qos: { read: { iops: 100 } } }] };
    const reply = await test.client.call('PATCH', `/v1/vms/${vm.id}`, { token: acme.token, body: change });
    expect(reply.status).toBe(200);
    await endFault(slow.id);
    await watch(vm.id, ended(body.id));
    const after = await vmOf(vm.id);
    expect([after?.cpu.reservationMhz, after?.disks[0]?.qos]).toEqual([500, { read: { iops: 100 } }]);
    expect(await test.violations()).toEqual([]);
  });
});

describe('what is refused, with every reason and nothing changed:', () => {
  const refusal = async (vm: { id: string }, body: object = {}) => {
    const before = await readBelief(test.cloud.store);
    const reply = await convert(vm, body);
    expect(await readBelief(test.cloud.store)).toEqual(before);
    return [reply.status, reply.body.code, reply.body.rules, reply.body.errors?.map((e) => e.location)];
  };

  it('every direction but vmware to fusioncompute (MIG-9)', async () => {
    const [vm] = (await acme.running(1, { nic: false })) as [VmView];
    const at = (await acme.vm(vm.id)).siteId;
    const there =
      at === 'site_a' ? vm : await vmwareVm(acme, acme.vdcId, { more: { placement: { siteId: 'site_a' } } });
    expect(await refusal(there)).toEqual([409, 'feature-unavailable', ['MIG-9'], ['path.vmId']]);
    expect(await refusal(there, { siteId: 'site_old' })).toEqual([
      409,
      'feature-unavailable',
      ['MIG-9', 'MIG-9'],
      ['path.vmId', 'body.siteId'],
    ]);
    const vmware = await source();
    expect(await refusal(vmware, { siteId: 'site_old' })).toEqual([
      409,
      'feature-unavailable',
      ['MIG-9'],
      ['body.siteId'],
    ]);
  });

  it('a site that is not of the VDC, and a cluster that nobody knows', async () => {
    const vdcId = await vdcOver(test, acme, ['site_old']);
    const vm = await vmwareVm(acme, vdcId);
    expect(await refusal(vm, { siteId: 'site_a' })).toEqual([409, 'feature-unavailable', ['VDC-1'], ['body.siteId']]);
    expect(await refusal(vm)).toEqual([409, 'feature-unavailable', ['MIG-9'], ['body.siteId']]);
    const other = await source();
    expect(await refusal(other, { clusterId: 'cl_old-c1' })).toEqual([
      409,
      'feature-unavailable',
      ['MIG-9'],
      ['body.clusterId'],
    ]);
  });

  it("another tenant's VM, which is not found", async () => {
    const vm = await source();
    const globex = await TestTenant.create(test, 'globex');
    expect((await convert(vm, {}, { token: globex.token })).status).toBe(404);
  });

  it('a target without room', async () => {
    await test.stop();
    await begin({ datastores: [{ name: 'san', capacityGiB: 15 }] });
    const vm = await source();
    const before = await readBelief(test.cloud.store);
    const { status, body } = await convert(vm);
    expect([status, body.code]).toEqual([507, 'no-capacity']);
    expect(await readBelief(test.cloud.store)).toEqual(before);
    expect((await acme.vm(vm.id)).state).toBe('running');
  });

  it('another architecture (VIRT-2) and a passthrough device (IO-4), both at once', async () => {
    await test.stop();
    test = await TestCloud.start({
      estate: {
        sites: [
          {
            name: 'a',
            clusters: [{ name: 'c1', arch: 'arm', hosts }],
            datastores: [{ name: 'san', capacityGiB: 1000 }],
          },
          vmwareSite({
            clusters: [{ name: 'c1', hosts: { ...hosts, devices: [{ kind: 'nic', functions: 4 }] } }],
          }),
        ],
      },
    });
    acme = await TestTenant.create(test);
    const vm = await vmwareVm(acme, acme.vdcId, {
      ha: { enabled: false },
      more: { vpcId: acme.vpcId, nics: [{ networkId: acme.networkId, io: 'passthrough' }] },
    });
    expect(await refusal(vm)).toEqual([409, 'feature-unavailable', ['IO-4', 'VIRT-2'], ['path.vmId', 'body.siteId']]);
  });
});

describe('a fault during a conversion', () => {
  it('the target site is lost while the bytes are copied: the source runs again, with its bytes, and nothing is left over', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    const fault = await test.fault('site-loss', 'site_a');
    const { body } = await convert(vm);
    await stopped(vm.id);
    await watch(vm.id, async () => (await acme.vm(vm.id)).state === 'running', 400);
    expect(await acme.read(vm.id, 5)).toBe('safe');
    expect((await acme.vm(vm.id)).siteId).toBe('site_old');
    // Only what is at the lost site waits for it.
    expect((await operation(body.id)).state).toBe('running');
    await endFault(fault.id);
    await watch(vm.id, ended(body.id), 600);
    await test.settle();
    await expectAtSource(vm);
  });

  it('the target datastore is lost while the bytes are copied: the source runs again', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    await test.fault('datastore-loss', 'ds_a-san');
    const { body } = await convert(vm);
    await watch(vm.id, ended(body.id), 600);
    expect((await operation(body.id)).error?.message).toMatch(/unreachable/);
    await expectAtSource(vm);
    expect(await acme.read(vm.id, 5)).toBe('safe');
  });

  it('the source site is lost while the bytes are copied: nothing is started at the target; the source runs again when it is back', async () => {
    const vm = await source();
    const slow = await test.fault('call-timeout', 'site_a');
    const { body } = await convert(vm);
    await stopped(vm.id);
    const fault = await test.fault('site-loss', 'site_old');
    await endFault(slow.id);
    await test.advance(200);
    expect(await processes(vm.id)).toEqual([]);
    await endFault(fault.id);
    await watch(vm.id, ended(body.id), 900);
    // Both its hosts have failed with it; high availability finds the VM on the way, whoever is first.
    await test.advance(60);
    for (const { id } of (await test.world()).hosts.filter((h) => h.power === 'off'))
      await test.client.must('POST', `/v1/system/hosts/${id}/power-on`, test.operator);
    await watch(vm.id, async () => (await acme.vm(vm.id)).state === 'running', 900);
    await test.settle();
    await expectAtSource(vm, { recovered: true });
  });

  it('the host of the source fails after it was stopped: its recovery starts nothing there, and the VM arrives', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    const slow = await test.fault('call-timeout', 'site_a', { for: 60 });
    const { body } = await convert(vm);
    await stopped(vm.id);
    await test.fault('host-power-loss', vm.hostId);
    await watch(vm.id, async () => {
      expect((await processes(vm.id)).every((p) => p.hostId.startsWith('host_a'))).toBe(true);
      return ended(body.id)();
    });
    expect((await operation(body.id)).state).toBe('success');
    expect(await acme.vm(vm.id)).toMatchObject({ state: 'running', siteId: 'site_a' });
    expect(await acme.read(vm.id, 5)).toBe('safe');
    await endFault(slow.id);
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });

  it('the host of the source fails, and then the conversion does: high availability starts the VM at its source', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    const lost = await test.fault('site-loss', 'site_a');
    const { body } = await convert(vm);
    await stopped(vm.id);
    await test.fault('host-power-loss', vm.hostId);
    await watch(vm.id, async () => (await acme.vm(vm.id)).state === 'running', 600);
    const now = await acme.vm(vm.id);
    expect(now.siteId).toBe('site_old');
    expect(now.hostId).not.toBe(vm.hostId);
    expect(await acme.read(vm.id, 5)).toBe('safe');
    await endFault(lost.id);
    await watch(vm.id, ended(body.id), 900);
    await test.settle();
    await expectAtSource(vm);
  });

  it('the host of the target fails while the bytes are copied: the source runs again', async () => {
    const vm = await source();
    const slow = await test.fault('call-timeout', 'site_old');
    const { body } = await convert(vm);
    const target = (await vmOf(vm.id))?.conversion?.seat?.hostId as string;
    await test.fault('host-power-loss', target);
    await test.until(
      async () =>
        (await test.client.must<{ state: string }>('GET', `/v1/system/hosts/${target}`, test.operator)).state ===
        'fenced',
    );
    await endFault(slow.id);
    await watch(vm.id, ended(body.id), 600);
    expect((await operation(body.id)).error?.message).toMatch(/fenced/);
    await test.settle();
    await expectAtSource(vm);
  });

  it('the host of the target fails while the guest boots there: it is recovered at the target, never started at the source', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    const { body } = await convert(vm);
    const [there] = await test.until(async () => {
      const found = (await processes(vm.id)).filter((p) => p.hostId !== vm.hostId);
      return found.length > 0 ? found : undefined;
    });
    await test.fault('host-power-loss', there?.hostId as string);
    await watch(
      vm.id,
      async () => {
        expect((await processes(vm.id)).every((p) => p.hostId.startsWith('host_a'))).toBe(true);
        return ended(body.id)();
      },
      600,
    );
    expect((await operation(body.id)).state).toBe('success');
    const now = await acme.vm(vm.id);
    expect(now).toMatchObject({ state: 'running', siteId: 'site_a', epoch: vm.epoch + 2 });
    expect(now.hostId).not.toBe(there?.hostId);
    expect(await acme.read(vm.id, 5)).toBe('safe');
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });

  it('the guest crashes as it boots at the target, before it wrote: it goes back and runs at its source', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    const { body } = await convert(vm);
    await test.until(async () => (await processes(vm.id)).some((p) => p.hostId !== vm.hostId));
    const crash = await test.fault('guest-crash', vm.id);
    await watch(vm.id, ended(body.id), 1500);
    await endFault(crash.id);
    await test.settle();
    await expectAtSource(vm);
    expect(await acme.read(vm.id, 5)).toBe('safe');
  });

  it('the guest crashes at the target after it wrote: it rests there with what it wrote, and can be started', async () => {
    const vm = await source();
    const { body } = await convert(vm);
    const there = async () => (await processes(vm.id)).find((p) => p.hostId !== vm.hostId);
    await test.until(there);
    const silent = await test.fault('call-timeout', 'site_a');
    await test.until(async () => (await there())?.state === 'running');
    await acme.write(vm.id, 9, 'new at the target');
    await test.fault('guest-crash', vm.id);
    await endFault(silent.id);
    await watch(vm.id, ended(body.id), 1500);
    expect((await operation(body.id)).state).toBe('failed');
    const now = await acme.vm(vm.id);
    expect(now).toMatchObject({ state: 'stopped', siteId: 'site_a' });
    expect(now.reason).toMatch(/had written at its target/);
    expect((await volumes(vm.id)).map((v) => v.siteId)).toEqual(['site_a']);
    expect((await acme.action(vm.id, 'start')).status).toBe(202);
    await test.settle();
    expect(await acme.read(vm.id, 9)).toBe('new at the target');
    expect(await test.violations()).toEqual([]);
  });

  it('every answer of both sites is lost for a while, and every call comes twice: it arrives, once', async () => {
    const vm = await source();
    await acme.write(vm.id, 5, 'safe');
    for (const site of ['site_a', 'site_old']) await test.fault('answer-lost', site, { for: 20 });
    const { body } = await convert(vm);
    for (const site of ['site_a', 'site_old']) await test.fault('duplicate-call', site);
    await watch(vm.id, ended(body.id), 600);
    expect((await operation(body.id)).state).toBe('success');
    expect(await acme.vm(vm.id)).toMatchObject({ siteId: 'site_a', state: 'running', epoch: vm.epoch + 1 });
    expect(await acme.read(vm.id, 5)).toBe('safe');
    await test.settle();
    expect(await test.violations()).toEqual([]);
  });
});
