import { pause, SECOND } from '../../../shared/kernel/clock.ts';
import type { LocalClient } from '../client.ts';
import { firstStart } from '../first-start.ts';

export interface VmNow {
  id: string;
  name: string;
  state: string;
  siteId: string;
  hostId: string | null;
  epoch: number;
}

/** Cloud time within which fresh VMs run, s. */
const START_PATIENCE_S = 180;
/** An expected RPO has two points in it; cloud time within which one is there, s. */
const POINT_PATIENCE_S = 1_200;
/** Cloud time within which hosts have booted and were looked at, s. */
const HOSTS_PATIENCE_S = 600;
/** How often the story looks, ms of machine time. */
export const LOOK_MS = 100;
const VM = {
  name: 'vm',
  cpu: { vcpus: 2 },
  memory: { sizeMiB: 4096 },
  guest: { os: 'linux' },
  disks: [{ name: 'root', sizeGiB: 20 }],
  ha: { enabled: true, restartPriority: 'high' },
};

/** Machine time that is waited in any case, however fast cloud time runs, ms. */
const MACHINE_PATIENCE_MS = 15_000;

/** Says when waiting is over: so many seconds of cloud time have passed, and the machine has had its time too. */
export function patience(fromCloud: number, seconds: number): (now: number) => boolean {
  const machine = performance.now() + MACHINE_PATIENCE_MS;
  return (now) => now > fromCloud + seconds * SECOND && performance.now() > machine;
}

/** The cloud as the story uses it: a client with the tokens of an operator and of a tenant. */
export class Stage {
  readonly client: LocalClient;
  readonly operator: string;
  readonly tenant: string;
  readonly tenantId: string;
  readonly vdcId: string;

  /** Loads the estate and makes a tenant with a VDC. */
  static async set(client: LocalClient, estate: string): Promise<Stage> {
    const { tenantId, vdcId } = await firstStart(client, estate);
    return new Stage(client, await client.operator(), await client.tenant(tenantId), tenantId, vdcId);
  }

  private constructor(client: LocalClient, operator: string, tenant: string, tenantId: string, vdcId: string) {
    this.client = client;
    this.operator = operator;
    this.tenant = tenant;
    this.tenantId = tenantId;
    this.vdcId = vdcId;
  }

  /** Cloud time, ms. */
  async now(): Promise<number> {
    return Date.parse((await this.client.must<{ now: string }>('GET', '/v1/sim/clock', this.operator)).now);
  }

  async setSpeed(speed: number): Promise<void> {
    await this.client.must('POST', '/v1/sim/clock', this.operator, { speed });
  }

  /** In the order of the estate. */
  async siteIds(): Promise<string[]> {
    const { items } = await this.client.must<{ items: { id: string }[] }>('GET', '/v1/system/sites', this.operator);
    return items.map((site) => site.id);
  }

  /** Answers when it strikes, in cloud time. */
  async fault(kind: string, target: string): Promise<{ id: string; at: number }> {
    const body = { kind, target };
    const { id, at } = await this.client.must<{ id: string; at: string }>(
      'POST',
      '/v1/sim/faults',
      this.operator,
      body,
    );
    return { id, at: Date.parse(at) };
  }

  async endFault(id: string): Promise<void> {
    await this.client.must('DELETE', `/v1/sim/faults/${id}`, this.operator);
  }

  /** Until every host of a site serves again. */
  async untilOnline(siteId: string): Promise<void> {
    const over = patience(await this.now(), HOSTS_PATIENCE_S);
    for (;;) {
      const hosts = (await this.hosts()).items.filter((h) => h.siteId === siteId);
      if (hosts.every((h) => h.state === 'online')) return;
      if (over(await this.now())) throw new Error(`the hosts of ${siteId} are not back after ${HOSTS_PATIENCE_S} s`);
      await pause(LOOK_MS);
    }
  }

  /** Until a new consistency point is there: what is written from then on is in none. */
  async untilPoint(newest: () => Promise<string | undefined>): Promise<void> {
    const before = await newest();
    const over = patience(await this.now(), POINT_PATIENCE_S);
    while ((await newest()) === before) {
      if (over(await this.now())) throw new Error(`no new point in ${POINT_PATIENCE_S} s of cloud time`);
      await pause(LOOK_MS);
    }
  }

  hosts(): Promise<{ items: { id: string; siteId: string; clusterId: string; state: string }[] }> {
    return this.client.must('GET', '/v1/system/hosts?limit=1000', this.operator);
  }

  async vms(): Promise<VmNow[]> {
    const path = `/v1/system/vms?limit=1000&tenantId=${this.tenantId}`;
    return (await this.client.must<{ items: VmNow[] }>('GET', path, this.operator)).items;
  }

  /** A VPC, a network and the VMs, all of them in one call. */
  async createVms({ count, ...placement }: { count: number; clusterId?: string; siteId?: string }): Promise<void> {
    const { client, tenant } = this;
    const vpc = await client.must<{ id: string }>('POST', `/v1/vdcs/${this.vdcId}/vpcs`, tenant, { name: 'private' });
    const network = await client.must<{ id: string }>('POST', `/v1/vpcs/${vpc.id}/networks`, tenant, {
      name: 'inner',
      type: 'internal',
      cidr: '10.1.0.0/24',
    });
    const nics = [{ networkId: network.id }];
    await client.must('POST', `/v1/vdcs/${this.vdcId}/vms`, tenant, {
      ...VM,
      vpcId: vpc.id,
      nics,
      placement,
      count,
    });
  }

  /** Where each host carries several VMs, and can fail over to another. */
  async smallestCluster(): Promise<string> {
    return smallestOf((await this.hosts()).items);
  }

  /** @throws when they do not all run in time. */
  async untilRunning(look: (running: number) => Promise<void>): Promise<VmNow[]> {
    const over = patience(await this.now(), START_PATIENCE_S);
    for (;;) {
      const vms = await this.vms();
      const running = vms.filter((vm) => vm.state === 'running').length;
      await look(running);
      if (running === vms.length) return vms;
      if (over(await this.now()))
        throw new Error(`only ${running} of ${vms.length} VMs run after ${START_PATIENCE_S} s of cloud time`);
      await pause(LOOK_MS);
    }
  }
}

/** The one with the fewest hosts of those in which a host can fail over to another. */
function smallestOf(hosts: readonly { clusterId: string }[]): string {
  const sizes = [...Map.groupBy(hosts, (h) => h.clusterId)].map(([id, members]) => ({ id, size: members.length }));
  const fit = sizes.filter((c) => c.size > 1).sort((a, b) => a.size - b.size)[0];
  if (!fit) throw new Error('This estate has no cluster with two hosts: nothing can be recovered in it.');
  return fit.id;
}
