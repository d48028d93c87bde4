import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../../shared/model/inventory.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { keys } from '../../../shared/store/keys.ts';
import { TestCloud } from '../../support/cloud.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { NumberedGuests } from '../../support/numbered-guests.ts';
import { type Snapshot, snapshot } from '../../support/snapshot.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';
import { prepareRecovery } from './dr/prepare.ts';
import { lockstep, type Strike } from './lockstep.ts';
import { Names } from './names.ts';
import type { ClusterSetting, Setting, Story, VmSetting } from './story.ts';
import { StoryError } from './words.ts';

/** Stories begin at a whole multiple of it, ms: heartbeats and probes stand at the same times in every golden. */
const BAR_MS = 60_000;

export interface Stage {
  test: TestCloud;
  tenant: TestTenant;
  names: Names;
  /** Cloud time at which the story begins, ms. */
  begin: number;
  /** Counts writes of the control plane and its agents: without one, what is believed is as before. */
  writes: () => number;
  /** What guests were told is safe. */
  guests: NumberedGuests;
  /** They write nothing for now. */
  resting: boolean;
  /** Why commands were refused, as they are written. */
  refusals: Map<string, string[]>;
  remembered: Snapshot;
  /** To be done again for each new process of the control plane. */
  inStep(): void;
  /** Who strikes in the middle of steps. */
  onStep(strike: Strike): void;
  /** Takes what is there now as what `as before` means. */
  remember(): Promise<void>;
  close(): Promise<void>;
}

const of = <K extends Setting['kind']>(story: Story, kind: K) =>
  story.setting.filter((s): s is Extract<Setting, { kind: K }> => s.kind === kind);

/** The estate of a story, as its file would say it. Hosts keep the names that they have in the story. */
function estateOf(story: Story): object {
  const clusters = of(story, 'cluster');
  const hosts = new Map(of(story, 'host').map((h) => [h.name, h]));
  const host = (cluster: ClusterSetting, { name, rack }: { name: string; rack?: string }) => ({
    name,
    cores: hosts.get(name)?.cores ?? cluster.cores,
    memoryGiB: hosts.get(name)?.memoryGiB ?? cluster.memoryGiB,
    mhz: 2400,
    ...(rack ? { rack } : {}),
  });
  const sites = [...new Set(clusters.map((c) => c.site))].map((site) => {
    const stores = of(story, 'datastore').filter((d) => d.site === site);
    return {
      name: site,
      clusters: clusters
        .filter((c) => c.site === site)
        .map((c) => ({ name: c.name, hosts: c.hosts.map((h) => host(c, h)) })),
      datastores:
        stores.length === 0
          ? [{ name: 'san', capacityGiB: 5_000 }]
          : stores.map(({ name, capacityGiB, clusters: only }) => ({
              name,
              capacityGiB,
              ...(only.length > 0 ? { clusters: only } : {}),
            })),
    };
  });
  const links = of(story, 'link').map(({ from, to, latencyMs, mbps, mode }) => ({ from, to, latencyMs, mbps, mode }));
  return { sites, links };
}

/** Everything that is there when a story begins: settings are made and VMs created in the order of the story. */
export async function setStage(story: Story, seed = 1): Promise<Stage> {
  // Only a control plane that is killed needs its state in a file.
  const killed = story.course.some((c) => c.command.kind === 'kill');
  const folder = killed ? mkdtempSync(join(tmpdir(), 'strata-story-')) : undefined;
  let writes = 0;
  const test = await TestCloud.start({
    estate: estateOf(story),
    seed,
    // Guests write thousands of blocks: nothing of that is about the engine.
    ...(of(story, 'group').length > 0 || of(story, 'link').length > 0 ? { memory: memoryEngine() } : {}),
    ...(folder ? { folder } : {}),
    onCost: ({ request }) => {
      if (request === 'write') writes++;
    },
  });
  const close = async () => {
    await test.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const names = new Names();
    names.learn(await readBelief(test.cloud.store));
    let strike: Strike | undefined;
    const inStep = () => lockstep(test, names, async (...at) => (await strike?.(...at)) ?? false);
    inStep();
    const tenant = await TestTenant.create(test);
    for (const run of runs(story.setting)) {
      if (run[0]?.kind === 'vm') await createVms(run as (VmSetting & Setting)[], test, tenant, names);
      for (const s of run)
        if (s.kind === 'set cluster') for (const name of s.names) await setCluster(name, s.settings, test, names);
    }
    await test.settle();
    await prepareRecovery(story, test, tenant, names);
    const begin = (Math.floor(test.clock.now() / BAR_MS) + 1) * BAR_MS;
    await test.advance((begin - test.clock.now()) / 1_000);
    const stage: Stage = {
      test,
      tenant,
      names,
      begin,
      writes: () => writes,
      guests: new NumberedGuests(() => test.cloud.store, test.clock),
      resting: false,
      refusals: new Map(),
      remembered: new Map(),
      inStep,
      onStep: (does) => {
        strike = does;
      },
      remember: async () => {
        stage.remembered = await snapshot(test.cloud.store);
      },
      close,
    };
    await stage.remember();
    return stage;
  } catch (error) {
    await close();
    throw error;
  }
}

/** VMs that stand next to each other in the story, and everything else alone. */
function runs(setting: readonly Setting[]): Setting[][] {
  const out: Setting[][] = [];
  for (const s of setting) {
    if (s.kind === 'vm' && out.at(-1)?.[0]?.kind === 'vm') out.at(-1)?.push(s);
    else out.push([s]);
  }
  return out;
}

export function setCluster(
  name: string,
  settings: Record<string, unknown>,
  test: TestCloud,
  names: Names,
): ReturnType<TestCloud['client']['call']> {
  const { failoverHosts, ...rest } = settings;
  const hosts = failoverHosts ? { failoverHosts: (failoverHosts as string[]).map((h) => names.id(h)) } : {};
  const body = { ha: { ...rest, ...hosts } };
  return test.client.call('PATCH', `/v1/system/clusters/${names.id(name)}`, { token: test.operator, body });
}

/** Changes settings of HA of one VM; the others stay. */
export async function setVm(
  id: string,
  change: Record<string, unknown>,
  { test, token }: TestTenant,
  names: Names,
): ReturnType<TestCloud['client']['call']> {
  const path = `/v1/vms/${id}`;
  const { ha } = await test.client.must<{ ha: object }>('GET', path, token);
  return test.client.call('PATCH', path, { token, body: { ha: { ...ha, ...haOf(change, names) } } });
}

const alone = ({ dependsOn: _, ...ha }: Record<string, unknown>): Record<string, unknown> => ha;

function haOf(ha: Record<string, unknown>, names: Names): Record<string, unknown> {
  const { dependsOn, ...rest } = ha;
  return { ...rest, ...(dependsOn ? { dependsOn: (dependsOn as string[]).map((vm) => names.id(vm)) } : {}) };
}

/** The request that creates a VM of the story. */
export function vmBody(vm: Omit<VmSetting, 'kind'>, tenant: TestTenant, names: Names): Record<string, unknown> {
  const { name, vcpus, memoryGiB, disks, off, ha, cluster } = vm;
  return {
    ...tenant.body({ name, vcpus, memoryMiB: memoryGiB * 1024, start: !off }),
    disks: disks.map((d, i) => ({ ...d, boot: i === 0 })),
    ha: haOf(ha, names),
    ...(cluster ? { placement: { clusterId: names.id(cluster) } } : {}),
  };
}

/**
 * Creates VMs on the hosts that the story names. Where a VM goes is the system's choice, so while one is created all
 * other hosts are marked as being emptied, which keeps newcomers away.
 */
async function createVms(vms: (VmSetting & Setting)[], test: TestCloud, tenant: TestTenant, names: Names) {
  const { store } = test.cloud;
  const hosts = (await readBelief(store)).hosts;
  const keepFree = async (these: readonly Host[], free: boolean) => {
    for (const host of these)
      await store.update(
        keys.host(host.clusterId, host.id),
        free ? { set: { draining: 'a story sets its stage' } } : { remove: ['draining'] },
      );
  };
  for (const host of new Set(vms.map((vm) => vm.host))) {
    const others = host === undefined ? [] : hosts.filter((h) => h.name !== host);
    await keepFree(others, true);
    for (const vm of vms.filter((v) => v.host === host)) {
      const reply = await test.client.call<VmView>('POST', `/v1/vdcs/${tenant.vdcId}/vms`, {
        token: tenant.token,
        body: vmBody({ ...vm, ha: alone(vm.ha) }, tenant, names),
      });
      mustBe(vm, reply, 201);
      names.add(reply.body.id, vm.name);
      const found = await tenant.vm(reply.body.id);
      if (host !== undefined && !vm.off && found.hostId !== names.id(host))
        throw new StoryError(vm.place, `${vm.name} went to ${names.of(found.hostId as string)}, not to ${host}`);
    }
    await keepFree(others, false);
  }
  await test.settle();
  // A VM may depend on one that was created after it.
  for (const vm of vms.filter((v) => v.ha.dependsOn !== undefined))
    mustBe(vm, await setVm(names.id(vm.name), vm.ha, tenant, names), 200);
  for (const vm of vms.filter((v) => v.dirtyMiBps !== undefined))
    await work(names.id(vm.name), vm.dirtyMiBps as number, test);
}

function mustBe(vm: VmSetting & Setting, { status, body }: { status: number; body: unknown }, wanted: number): void {
  if (status !== wanted)
    throw new StoryError(vm.place, `${vm.name} cannot be there: ${status} ${JSON.stringify(body)}`);
}

/** Lets a guest write its memory so fast that a copy of it takes its time. */
const work = (id: string, dirtyMiBps: number, test: TestCloud) =>
  test.client.must('POST', `/v1/sim/vms/${id}/workload`, test.operator, {
    cpu: 0.5,
    dirtyMiBps,
    touchedMiB: 1024,
    activeMiB: 1024,
  });
