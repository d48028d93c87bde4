import type { HostObservation, VmObservation } from '../../../shared/hypervisor/performance/observation.ts';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

/** Hosts with all that the physics know of: huge pages, SR-IOV cards, two NUMA nodes, a local disk for swapping. */
const HOSTS = {
  count: 2,
  cores: 8,
  mhz: 2400,
  memoryGiB: 64,
  numaNodes: 2,
  hugePages: { '2m': 1024, '1g': 4 },
  devices: [
    { kind: 'nic', functions: 2 },
    { kind: 'disk', functions: 1 },
  ],
};

export class Lab {
  readonly test: TestCloud;
  readonly acme: TestTenant;

  static async open(cluster: object = {}): Promise<Lab> {
    const test = await TestCloud.start({
      estate: {
        sites: [
          {
            name: 'a',
            clusters: [{ name: 'c1', hosts: HOSTS, ...cluster }],
            datastores: [
              { name: 'san', capacityGiB: 5000 },
              { name: 'disk', kind: 'virtualised-local', capacityGiB: 100 },
            ],
          },
        ],
      },
    });
    return new Lab(test, await TestTenant.create(test));
  }

  private constructor(test: TestCloud, acme: TestTenant) {
    this.test = test;
    this.acme = acme;
  }

  /** Asks for a VM; what is left out is small and usual. */
  ask(more: object = {}) {
    const body = { ...this.acme.body({ vcpus: 2, memoryMiB: 2048, nic: false }), ...more };
    return this.test.client.call<VmView & Refusal>('POST', `/v1/vdcs/${this.acme.vdcId}/vms`, {
      token: this.acme.token,
      body,
    });
  }

  /** A VM that runs. */
  async vm(more: object = {}): Promise<VmView & { hostId: string }> {
    const reply = await this.ask(more);
    if (reply.status !== 201) throw new Error(`create: ${reply.status} ${JSON.stringify(reply.body)}`);
    await this.test.settle();
    const vm = await this.acme.vm(reply.body.id);
    if (vm.state !== 'running') throw new Error(`the VM is ${vm.state}: ${vm.reason}`);
    return vm as VmView & { hostId: string };
  }

  load(id: string, workload: object) {
    return this.test.client.must('POST', `/v1/sim/vms/${id}/workload`, this.test.operator, workload);
  }

  /** As its tenant sees it. */
  performance(id: string): Promise<VmObservation> {
    return this.test.client.must('GET', `/v1/vms/${id}/performance`, this.acme.token);
  }

  host(id: string): Promise<HostObservation> {
    return this.test.client.must('GET', `/v1/system/hosts/${id}/performance`, this.test.operator);
  }

  async change(path: string, body: object, token = this.test.operator) {
    const reply = await this.test.client.call<Refusal & Record<string, unknown>>('PATCH', path, { token, body });
    await this.test.settle();
    return reply;
  }

  stop() {
    return this.test.stop();
  }
}

export interface Refusal {
  code: string;
  detail: string;
  rule?: string;
  ruledOut?: Record<string, number>;
  help?: string[];
  errors?: { location: string; message: string; fix: string }[];
}
