import type { TestCloud } from './cloud.ts';

interface Grown {
  id: string;
  code?: string;
  detail?: string;
  resource?: string;
  operationId?: string;
  rooms?: object[];
  errors?: { location: string; message: string; fix: string }[];
}
export interface VmShape {
  name?: string;
  vcpus?: number;
  memoryMiB?: number;
  sizeGiB?: number;
  count?: number;
  ha?: { enabled: boolean; restartPriority?: string; faultProcess?: string; failBack?: boolean; dependsOn?: string[] };
  guest?: { os: string; pvDriver?: boolean };
  start?: boolean;
  nic?: boolean;
  /** Where it is to stand; anywhere without it. */
  siteId?: string;
}
export interface VmView {
  id: string;
  name: string;
  state: string;
  reason?: string;
  siteId: string;
  hostId: string | null;
  epoch: number;
  operationId: string;
  version: number;
  nics: { ip: string; mac: string }[];
}

const QUOTA = { vcpus: 512, memoryMiB: 2_097_152, storageGiB: 20_000, vms: 400, vpcs: 5, networks: 10 };

/** A tenant with a VDC over all sites, a VPC and an internal network: where most stories begin. */
export class TestTenant {
  readonly test: TestCloud;
  readonly id: string;
  readonly token: string;
  readonly vdcId: string;
  readonly vpcId: string;
  readonly networkId: string;

  static async create(test: TestCloud, name = 'acme', quota: object = QUOTA): Promise<TestTenant> {
    const { client, operator } = test;
    const tenant = await client.must<{ id: string }>('POST', '/v1/system/tenants', operator, { name });
    const sites = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/sites', operator);
    const vdc = await client.must<{ id: string }>('POST', `/v1/system/tenants/${tenant.id}/vdcs`, operator, {
      name: 'main',
      sites: sites.items.map((s) => s.id),
      quota: { ...QUOTA, ...quota },
    });
    const token = await client.tenant(tenant.id);
    const vpc = await client.must<{ id: string }>('POST', `/v1/vdcs/${vdc.id}/vpcs`, token, { name: 'private' });
    const network = await client.must<{ id: string }>('POST', `/v1/vpcs/${vpc.id}/networks`, token, {
      name: 'inner',
      type: 'internal',
      cidr: '10.1.0.0/22',
    });
    return new TestTenant(test, { id: tenant.id, token, vdcId: vdc.id, vpcId: vpc.id, networkId: network.id });
  }

  private constructor(
    test: TestCloud,
    f: { id: string; token: string; vdcId: string; vpcId: string; networkId: string },
  ) {
    this.test = test;
    this.id = f.id;
    this.token = f.token;
    this.vdcId = f.vdcId;
    this.vpcId = f.vpcId;
    this.networkId = f.networkId;
  }

  body(shape: VmShape = {}): Record<string, unknown> {
    const {
      name = 'vm',
      vcpus = 2,
      memoryMiB = 4096,
      sizeGiB = 20,
      ha = { enabled: true },
      guest = { os: 'linux' },
      start = true,
      nic = true,
      count,
      siteId,
    } = shape;
    return {
      name,
      vpcId: this.vpcId,
      cpu: { vcpus, mode: 'hardware' },
      memory: { sizeMiB: memoryMiB, mode: 'hardware', pageSize: '4k' },
      guest,
      disks: [{ name: 'root', sizeGiB, boot: true, io: 'virtio' }],
      nics: nic ? [{ networkId: this.networkId, io: 'virtio' }] : [],
      ha,
      start,
      ...(count ? { count } : {}),
      ...(siteId ? { placement: { siteId } } : {}),
    };
  }

  create(shape: VmShape = {}, headers: Record<string, string> = {}) {
    return this.test.client.call<VmView & { items: VmView[]; code?: string }>('POST', `/v1/vdcs/${this.vdcId}/vms`, {
      token: this.token,
      body: this.body(shape),
      headers,
    });
  }

  /** Creates VMs and lets cloud time run until all of them run. */
  async running(count = 1, shape: VmShape = {}): Promise<VmView[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const reply = await this.create({ ...shape, name: `${shape.name ?? 'vm'}-${i + 1}` });
      if (reply.status !== 201) throw new Error(`create: ${reply.status} ${JSON.stringify(reply.body)}`);
      ids.push(reply.body.id);
    }
    await this.test.settle();
    return Promise.all(ids.map((id) => this.vm(id)));
  }

  /** The VM as the operator sees it, with host and epoch. */
  vm(id: string): Promise<VmView> {
    return this.test.client.must<VmView>('GET', `/v1/system/vms/${id}`, this.test.operator);
  }

  action(id: string, action: 'start' | 'stop' | 'migrate' | 'convert') {
    return this.test.client.call<{ id: string; code?: string }>('POST', `/v1/vms/${id}/${action}`, {
      token: this.token,
    });
  }

  /** Asks for a larger disk. */
  grow(id: string, sizeGiB: number, disk = 'root', query = '') {
    return this.test.client.call<Grown>('POST', `/v1/vms/${id}/disks/${disk}/grow${query}`, {
      token: this.token,
      body: { sizeGiB },
    });
  }

  remove(id: string) {
    return this.test.client.call<{ id: string; code?: string }>('DELETE', `/v1/vms/${id}`, { token: this.token });
  }

  async write(id: string, index: number, text: string): Promise<number> {
    const body = { data: Buffer.from(text).toString('base64') };
    return (
      await this.test.client.must<{ sequence: number }>(
        'PUT',
        `/v1/sim/vms/${id}/disks/root/blocks/${index}`,
        this.test.operator,
        body,
      )
    ).sequence;
  }

  async read(id: string, index: number): Promise<string> {
    const block = await this.test.client.must<{ data: string }>(
      'GET',
      `/v1/sim/vms/${id}/disks/root/blocks/${index}`,
      this.test.operator,
    );
    return Buffer.from(block.data, 'base64').toString();
  }
}
