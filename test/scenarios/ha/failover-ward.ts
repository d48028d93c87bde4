import type { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmShape, type VmView } from '../../support/tenant.ts';

/** Memory that such a host has for VMs: 64 GiB without the 2 GiB of its management, MiB. */
export const HOST_MIB = 63_488;

/** A site with clusters of equal hosts, 64 GiB each. */
export const estate = (clusters: Record<string, number> = { c1: 3 }) => ({
  sites: [
    {
      name: 'a',
      clusters: Object.entries(clusters).map(([name, count]) => ({
        name,
        hosts: { count, cores: 32, mhz: 2400, memoryGiB: 64 },
      })),
      datastores: [{ name: 'san', capacityGiB: 20_000 }],
    },
  ],
});

export interface Failover {
  kept: boolean;
  reasons: string[];
  figures: Record<string, number>;
  promisedFailures: number;
  toleratedFailures: number;
  atLeast: boolean;
  fragmentation: {
    keptInSum: boolean;
    placeable: boolean;
    example?: {
      name: string;
      needs: { memoryMiB: number };
      freeInSum: { memoryMiB: number };
      mostOnOneHost: { memoryMiB: number };
      lackingInSum: string[];
      ruledOut: Record<string, number>;
    };
  };
}
export interface Problem {
  code: string;
  detail: string;
  rule: string;
  clusters: {
    clusterId: string;
    policy: { kind: string };
    now: Record<string, number>;
    afterwards: Record<string, number>;
    reasons: string[];
  }[];
  help: string[];
  hosts: unknown;
  ruledOut: Record<string, number>;
  errors: { location: string; message: string }[];
  failover?: Failover;
}

/** What the tests of admission ask of a cloud. */
export class Ward {
  readonly test: TestCloud;
  readonly acme: TestTenant;
  readonly cluster: string;

  static async open(test: TestCloud, clusterId = 'cl_a-c1'): Promise<Ward> {
    return new Ward(test, await TestTenant.create(test), clusterId);
  }

  private constructor(test: TestCloud, acme: TestTenant, cluster: string) {
    this.test = test;
    this.acme = acme;
    this.cluster = cluster;
  }

  /** Changes HA of the cluster and lets the hosts be told. */
  async settings(ha: object) {
    const reply = await this.test.client.call<Problem>('PATCH', `/v1/system/clusters/${this.cluster}`, {
      token: this.test.operator,
      body: { ha },
    });
    await this.test.settle();
    return reply;
  }

  /** As `settings`, which must be taken. */
  async set(ha: object): Promise<Failover> {
    const { status, body } = await this.settings(ha);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body.failover as Failover;
  }

  /** A creation: of memory in GiB, with CPU that is reserved. */
  ask(gib: number, more: VmShape & { mhz?: number; clusterId?: string; dryRun?: boolean } = {}) {
    const { mhz, clusterId, dryRun, ...shape } = more;
    const body = this.acme.body({ memoryMiB: gib * 1024, vcpus: 1, nic: false, ...shape }) as { cpu: object };
    return this.test.client.call<Problem & VmView>(
      'POST',
      `/v1/vdcs/${this.acme.vdcId}/vms${dryRun ? '?dryRun=true' : ''}`,
      {
        token: this.acme.token,
        body: {
          ...body,
          ...(mhz ? { cpu: { ...body.cpu, reservationMhz: mhz } } : {}),
          placement: { clusterId: clusterId ?? this.cluster },
        },
      },
    );
  }

  /** VMs that run. */
  async run(count: number, gib: number, more: Parameters<Ward['ask']>[1] = {}): Promise<VmView[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const { status, body } = await this.ask(gib, { name: `vm-${i + 1}`, ...more });
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
      ids.push(body.id);
    }
    await this.test.settle();
    return Promise.all(ids.map((id) => this.acme.vm(id)));
  }

  patch(id: string, body: object) {
    return this.test.client.call<Problem>('PATCH', `/v1/vms/${id}`, { token: this.acme.token, body });
  }

  state(): Promise<Failover> {
    return this.test.client.must('GET', `/v1/system/clusters/${this.cluster}/failover-capacity`, this.test.operator);
  }

  async alarms(): Promise<string[]> {
    const path = '/v1/system/alarms?state=active';
    const { items } = await this.test.client.must<{ items: { id: string }[] }>('GET', path, this.test.operator);
    return items.map((a) => a.id).filter((id) => id.startsWith('failover-'));
  }

  async hosts(): Promise<string[]> {
    return (await this.test.world()).hosts.map((h) => h.id).sort();
  }

  async operation(id: string) {
    type Operation = { state: string; error?: { code: string; message: string } };
    return this.test.client.must<Operation>('GET', `/v1/operations/${id}`, this.acme.token);
  }
}
