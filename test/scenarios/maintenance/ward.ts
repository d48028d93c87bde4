import { expect } from 'vitest';
import type { Reply } from '../../../infra/local/client.ts';
import type { Host } from '../../../shared/model/inventory.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

export const estate = (more: object = {}) => ({
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: 3, cores: 16, mhz: 2400, memoryGiB: 64, ...more } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    },
  ],
});

export interface OperationView {
  id: string;
  state: string;
  percent: number;
  steps: { name: string; state: string }[];
  error?: { message: string };
}
export interface PlanView {
  dryRun: true;
  possible: boolean;
  vms: { vmId: string; toHostId?: string; first?: string; reasons?: { rule: string; reason: string; fix: string }[] }[];
}
type Placed = VmView & { hostId: string };

/** A cluster with VMs whose guests write all the time, and somebody who looks every second. */
export class Ward {
  readonly test: TestCloud;
  readonly acme: TestTenant;
  /** What each guest was told that it has written, by VM and block. */
  private readonly written = new Map<string, string>();
  private readonly guests = new Set<string>();
  private block = 0;
  /** Writes that were not taken, since the guest stood still at that instant. */
  pauses = 0;

  static async open(more: object = {}): Promise<Ward> {
    const test = await TestCloud.start({ estate: estate(more) });
    return new Ward(test, await TestTenant.create(test));
  }

  private constructor(test: TestCloud, acme: TestTenant) {
    this.test = test;
    this.acme = acme;
  }

  /** VMs that run and write memory and disk. */
  async busy(count: number, shape: object = {}): Promise<Placed[]> {
    const vms = (await this.acme.running(count, { memoryMiB: 2048, ...shape })) as Placed[];
    for (const { id } of vms) {
      await this.load(id, { cpu: 0.5, dirtyMiBps: 48, touchedMiB: 2048, activeMiB: 2048 });
      this.guests.add(id);
    }
    return vms;
  }

  load(id: string, workload: object): Promise<unknown> {
    return this.test.client.must('POST', `/v1/sim/vms/${id}/workload`, this.test.operator, workload);
  }

  /** The host that carries the most of these VMs, and the others. */
  static fullest(vms: readonly Placed[]): { hostId: string; there: Placed[] } {
    const [first] = [...Map.groupBy(vms, (vm) => vm.hostId)].sort((a, b) => b[1].length - a[1].length);
    if (!first) throw new Error('no VM is placed');
    return { hostId: first[0], there: first[1] };
  }

  call<B = OperationView>(hostId: string, what: string, body: object = {}): Promise<Reply<B & { code?: string }>> {
    return this.test.client.call('POST', `/v1/system/hosts/${hostId}/${what}`, { token: this.test.operator, body });
  }

  plan(hostId: string): Promise<PlanView> {
    const path = `/v1/system/hosts/${hostId}/maintenance-enter?dryRun=true`;
    return this.test.client.must('POST', path, this.test.operator, {});
  }

  operation(id: string): Promise<OperationView> {
    return this.test.client.must('GET', `/v1/system/operations/${id}`, this.test.operator);
  }

  async host(id: string): Promise<Host> {
    return (await readBelief(this.test.cloud.store)).hosts.find((h) => h.id === id) as Host;
  }

  ended(id: string): () => Promise<boolean> {
    return async () => ['success', 'failed'].includes((await this.operation(id)).state);
  }

  /** Lets time pass second by second; every guest writes, and INV-1 to INV-5 hold at each. */
  async watch(done: () => Promise<boolean>, { down = [] as string[], seconds = 900 } = {}): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      await this.test.advance(1);
      await this.look(down);
      if (await done()) return;
    }
    throw new Error(`not done within ${seconds} s`);
  }

  private async look(down: readonly string[]): Promise<void> {
    const { processes } = await this.test.world();
    for (const id of this.guests) {
      const copies = processes.filter((p) => p.vmId === id);
      // At the switch-over a guest stands still for less than a second (MIG-2); a VM of a host that failed is down.
      if (down.includes(id)) expect(copies.length).toBeLessThanOrEqual(1);
      else expect(copies, `${id} must run at every instant`).toHaveLength(1);
      await this.write(id);
    }
    expect((await this.test.violations()).filter((v) => /^INV-[1-5]:/.test(v))).toEqual([]);
  }

  private async write(id: string): Promise<void> {
    const index = this.block++;
    const text = `${id} at ${index}`;
    try {
      await this.acme.write(id, index, text);
      this.written.set(`${id} ${index}`, text);
    } catch {
      this.pauses++;
    }
  }

  /** Everything that a guest was told is written can be read, and belief and world agree. */
  async nothingIsLost(): Promise<void> {
    await this.test.settle();
    for (const [key, text] of this.written) {
      const [id, index] = key.split(' ') as [string, string];
      expect(await this.acme.read(id, Number(index))).toBe(text);
    }
    expect(await this.test.violations()).toEqual([]);
  }

  get writes(): number {
    return this.written.size;
  }

  placesOf(vms: readonly VmView[]): Promise<(string | null)[]> {
    return Promise.all(vms.map(async ({ id }) => (await this.acme.vm(id)).hostId));
  }
}
