import { createTables, LOCAL_TABLES } from '../../../infra/local/dynamo/tables.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { GroupStatus, LegOrder, PromoteOrder } from '../../../shared/hypervisor/replication-port.ts';
import { ManualClock, MINUTE, SECOND } from '../../../shared/kernel/clock.ts';
import { seededRandom } from '../../../shared/kernel/random.ts';
import type { FaultKind } from '../../../shared/model/fault.ts';
import { Store } from '../../../shared/store/store.ts';
import { simulatedSite } from '../../../shared/world/agent.ts';
import { Guest } from '../../../shared/world/guest.ts';
import { worldKeys } from '../../../shared/world/records.ts';
import { World } from '../../../shared/world/world.ts';
import { memoryEngine } from '../../support/dynamo/client.ts';
import { machine, worldHost } from '../facts.ts';

export const GROUP = 'pg_1';
const LINKS: Record<string, string> = { ab: 'link_ab', ac: 'link_ac', bc: 'link_bc' };
/** Rate of the group's share of a link: 8 Mbit/s are a million bytes in a second. */
export const MBPS = 8;

/** Three sites with a host each, and VMs at the first one whose guests write blocks: replication without a control plane. */
export class ReplicationLab {
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly world: World;
  readonly port: HypervisorPort;
  readonly guest: Guest;
  readonly vms: string[];
  private epochs = new Map<string, number>();
  private faults = 0;

  /** Rows of the world as they stand. */
  readonly rows: () => Iterable<object>;

  static async start(count = 2, turns?: () => number): Promise<ReplicationLab> {
    const engine = memoryEngine(turns);
    await createTables(engine.client);
    const lab = new ReplicationLab(
      new Store(engine.client, LOCAL_TABLES, seededRandom(1)),
      () => engine.db.rows(LOCAL_TABLES.world as string),
      Array.from({ length: count }, (_, i) => `vm_${i + 1}`),
    );
    for (const site of ['a', 'b', 'c'])
      await lab.port.commission(site, [worldHost({ id: `host_${site}`, siteId: site, clusterId: `c_${site}` })]);
    for (const vm of lab.vms) await lab.port.createVolumes('a', [lab.volume('a', vm)]);
    for (const vm of lab.vms) await lab.boot('a', vm);
    return lab;
  }

  private constructor(store: Store, rows: () => Iterable<object>, vms: string[]) {
    this.store = store;
    this.rows = rows;
    this.vms = vms;
    this.world = new World(store);
    this.port = simulatedSite(this.world, this.clock);
    this.guest = new Guest(this.world, this.clock);
  }

  volume(site: string, vm: string) {
    return { id: `vol_${site}_${vm}`, vmId: vm, name: 'root', sizeGiB: 1, datastoreId: `ds_${site}` };
  }

  leg(to: string, mode: 'sync' | 'async', more: Partial<LegOrder> = {}): LegOrder {
    const from = more.from ?? 'a';
    const id = LINKS[[from, to].sort().join('')] as string;
    return {
      siteId: to,
      from,
      mode,
      link: { id, latencyMs: 5, mbps: MBPS },
      ...(mode === 'async' ? { periodMs: 5 * MINUTE } : {}),
      keepPoints: 3,
      volumes: this.vms.map((vm) => this.volume(to, vm)),
      ...more,
    };
  }

  /** Creates what is missing at the targets and tells the primary its legs. */
  async protect(legs: LegOrder[], { at = 'a', epoch = 1, version = 1, vms = this.vms } = {}) {
    for (const leg of legs) await this.port.createVolumes(leg.siteId, leg.volumes);
    const volumes = vms.map((vm) => this.volume(at, vm));
    return (await this.port.configureGroups(at, [{ groupId: GROUP, epoch, version, volumes, legs }]))[0];
  }

  /** A process of the VM at a site, with an epoch that is newer than any before. */
  async boot(site: string, vm: string) {
    const epoch = (this.epochs.get(vm) ?? 0) + 1;
    this.epochs.set(vm, epoch);
    const order = { vmId: vm, hostId: `host_${site}`, epoch, machine: machine({ disks: [DISK] }), version: 1 };
    const [started] = await this.port.startVms(site, [order]);
    if (started?.outcome === 'started') this.tick(40);
    return started;
  }

  /** The process of the VM at a site writes; wherever its disks belong by now. */
  write(vm: string, index: number, text: string, site?: string) {
    return this.guest.write(vm, 'root', index, Buffer.from(text), site && `host_${site}`);
  }

  /** What stands in the volume at a site, whatever its role. */
  async blocks(site: string, vm: string): Promise<Record<number, string>> {
    const [read] = await this.port.readBlocks(site, [{ ...this.volume(site, vm), after: -1, limit: 1000 }]);
    return Object.fromEntries((read?.blocks ?? []).map((b) => [b.index, Buffer.from(b.data, 'base64').toString()]));
  }

  tick(seconds: number): void {
    this.clock.advanceTo(this.clock.now() + seconds * SECOND);
  }

  async fault(kind: FaultKind, target: string): Promise<string> {
    const id = `flt_${++this.faults}`;
    await this.store.put(
      worldKeys.fault(id),
      { kind: 'fault', id, fault: kind, target: LINKS[target] ?? target, at: this.clock.now() },
      'world',
    );
    return id;
  }

  async mend(id: string): Promise<void> {
    await this.store.update(worldKeys.fault(id), { set: { until: this.clock.now() } }, 'world');
  }

  async status(site: string): Promise<GroupStatus> {
    const [status] = await this.port.groupStatus(site, [GROUP]);
    if (!status) throw new Error(`${site} has no copy`);
    return status;
  }

  async legTo(site: string) {
    const { legs } = await this.status('a');
    return legs.find((l) => l.siteId === site);
  }

  async promote(site: string, order: Partial<PromoteOrder> & Pick<PromoteOrder, 'former'>) {
    return (await this.port.promoteGroups(site, [{ groupId: GROUP, epoch: 2, ...order }]))[0];
  }

  /** Lets the site write without being seen for so many seconds. */
  lease(site: string, seconds: number): Promise<void> {
    return this.port.renewLease(site, { until: this.clock.now() + seconds * SECOND, revoked: [] });
  }
}
const DISK = { name: 'root', io: 'virtio' as const, sizeGiB: 1 };
