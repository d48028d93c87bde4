import type { HypervisorPort, MigrationRef } from '../../shared/hypervisor/port.ts';
import type { Host } from '../../shared/model/inventory.ts';
import type { Operation } from '../../shared/model/operation.ts';
import type { Migration, Vm } from '../../shared/model/vm.ts';
import { readBelief } from '../../shared/store/belief.ts';
import type { Store } from '../../shared/store/store.ts';
import { simulatedSite } from '../../shared/world/agent.ts';
import { type WorldHost, type WorldProcess, worldKeys } from '../../shared/world/records.ts';
import { World } from '../../shared/world/world.ts';
import { TestCloud } from './cloud.ts';
import { TestTenant, type VmShape, type VmView } from './tenant.ts';

const HOST = { cores: 16, mhz: 2400, memoryGiB: 64 };
export type Placed = VmView & { hostId: string };

/** One cluster and one tenant, and what a story of races asks of them. */
export class Stage {
  readonly test: TestCloud;
  readonly acme: TestTenant;

  /** `hosts`: a number of them with more than the usual, or a list. */
  static async open(hosts: object = {}, cluster: object = {}): Promise<Stage> {
    const all = Array.isArray(hosts) ? hosts.map((h) => ({ ...HOST, ...h })) : { count: 3, ...HOST, ...hosts };
    const test = await TestCloud.start({
      estate: {
        sites: [
          {
            name: 'a',
            clusters: [{ name: 'c1', hosts: all, ...cluster }],
            datastores: [{ name: 'san', capacityGiB: 5000 }],
          },
        ],
      },
    });
    return new Stage(test, await TestTenant.create(test));
  }

  private constructor(test: TestCloud, acme: TestTenant) {
    this.test = test;
    this.acme = acme;
  }

  /** A VM that runs, idle. Its copy takes some seconds. */
  async vm(shape: VmShape = {}): Promise<Placed> {
    const [vm] = await this.acme.running(1, { vcpus: 1, memoryMiB: 1024, ...shape });
    if (!vm?.hostId) throw new Error(`the VM is ${vm?.state}: ${vm?.reason}`);
    return vm as Placed;
  }

  /** A VM that writes memory so fast that its copy takes half a minute. */
  async slowMover(shape: VmShape = {}): Promise<Placed> {
    const vm = await this.vm({ memoryMiB: 2048, ...shape });
    const workload = { cpu: 0.5, dirtyMiBps: 64, touchedMiB: 2048, activeMiB: 2048 };
    await this.test.client.must('POST', `/v1/sim/vms/${vm.id}/workload`, this.test.operator, workload);
    return vm;
  }

  /** Begins a migration. */
  migrate(vm: VmView, hostId?: string): Promise<{ id: string }> {
    const body = hostId ? { hostId } : {};
    return this.test.client.must('POST', `/v1/system/vms/${vm.id}/migrate`, this.test.operator, body);
  }

  /** Begins a migration and waits for its end. */
  async migrated(vm: VmView, hostId?: string): Promise<Operation> {
    return this.end((await this.migrate(vm, hostId)).id);
  }

  /** The operation, as its tenant reads it when it has ended. */
  end(id: string): Promise<Operation> {
    return this.ended(() => this.test.client.must('GET', `/v1/operations/${id}`, this.acme.token));
  }

  /** The same for an operation of the system. */
  systemEnd(id: string): Promise<Operation> {
    return this.ended(() => this.test.client.must('GET', `/v1/system/operations/${id}`, this.test.operator));
  }

  private ended(read: () => Promise<Operation>): Promise<Operation> {
    return this.test.until(async () => {
      const operation = await read();
      return (operation.state === 'success' || operation.state === 'failed') && operation;
    }, 1800);
  }

  changeVm(id: string, body: object) {
    return this.test.client.must('PATCH', `/v1/vms/${id}`, this.acme.token, body);
  }

  /** The id of the operation that tells it to the hosts. */
  async changeCluster(body: object): Promise<string> {
    const reply = await this.test.client.call('PATCH', '/v1/system/clusters/cl_a-c1', {
      token: this.test.operator,
      body,
    });
    if (reply.status !== 200) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
    return String(reply.headers.get('operation-location')?.split('/').pop());
  }

  heal(fault: { id: string }) {
    return this.test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, this.test.operator);
  }

  hosts(): Promise<Host[]> {
    return readBelief(this.store).then((belief) => belief.hosts);
  }

  async host(id: string): Promise<Host> {
    return known(
      id,
      (await this.hosts()).find((h) => h.id === id),
    );
  }

  async anyHost(): Promise<string> {
    return known('a host', (await this.hosts())[0]).id;
  }

  /** VMs that are believed to be on a host. */
  async onHost(id: string): Promise<Vm[]> {
    return (await readBelief(this.store)).vms.filter((vm) => vm.hostId === id);
  }

  /** The hosts besides that one. */
  async others(id: string): Promise<[string, string]> {
    const ids = (await this.hosts()).map((h) => h.id).filter((other) => other !== id);
    return ids as [string, string];
  }

  /** The VM as it is believed. */
  async believed(id: string): Promise<Vm> {
    return known(
      id,
      (await readBelief(this.store)).vms.find((v) => v.id === id),
    );
  }

  async migrationOf(id: string): Promise<Migration> {
    return known(`migration of ${id}`, (await this.believed(id)).migration);
  }

  /** Its processes in truth. */
  async runs(id: string) {
    return (await this.test.world()).processes.filter((p) => p.vmId === id);
  }

  /** Waits for the switch-over. The answer is the host on which it runs since. */
  arrived(vm: Placed): Promise<string> {
    return this.test.until(async () => (await this.runs(vm.id)).find((p) => p.hostId !== vm.hostId)?.hostId);
  }

  /** Waits until a recovery has been through with a host that failed. */
  recovered(hostId: string) {
    return this.test.until(async () => {
      const { hosts, incidents } = await readBelief(this.store);
      const host = known(
        hostId,
        hosts.find((h) => h.id === hostId),
      );
      return host.state === 'fenced' && incidents.every((i) => i.id !== host.incidentId || !i.claim);
    });
  }

  /** A VM's process as its agent has it. */
  async process(hostId: string, vmId: string): Promise<WorldProcess> {
    return known(vmId, await this.store.get<WorldProcess>(worldKeys.process(hostId, vmId), { table: 'world' }));
  }

  /** What the agent of a host was told last. */
  async told(hostId: string): Promise<WorldHost['settings']> {
    return known(hostId, await this.store.get<WorldHost>(worldKeys.host(hostId), { table: 'world' })).settings;
  }

  /** The order that moves a VM of which a migration is under way. */
  async moveOrder(id: string): Promise<MigrationRef & { siteId: string }> {
    const { siteId, hostId, epoch, migration } = await this.believed(id);
    if (!hostId || !migration) throw new Error(`${id} is not being moved`);
    return { siteId, vmId: id, hostId, epoch, to: migration.seat.hostId, toEpoch: migration.epoch };
  }

  /** Agents that write to that store. */
  agents(store: Store): HypervisorPort {
    return simulatedSite(new World(store), this.test.clock);
  }

  get store(): Store {
    return this.test.cloud.store;
  }

  stop() {
    return this.test.stop();
  }
}

function known<T>(what: string, found: T | undefined): T {
  if (found === undefined) throw new Error(`${what} is not there`);
  return found;
}
