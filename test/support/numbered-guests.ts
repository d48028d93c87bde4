import type { Belief } from '../../shared/invariants/facts.ts';
import type { Clock } from '../../shared/kernel/clock.ts';
import { DomainError, type ProblemCode } from '../../shared/kernel/errors.ts';
import type { Store } from '../../shared/store/store.ts';
import { extentOf } from '../../shared/world/extents.ts';
import { Guest } from '../../shared/world/guest.ts';
import type { WorldBlock, WorldHost, WorldProcess, WorldVolume } from '../../shared/world/records.ts';
import type { WorldCopy } from '../../shared/world/replication/records.ts';
import { World } from '../../shared/world/world.ts';

/** A write that a guest was told is safe. */
export interface Acknowledged {
  /** Its place in the order of all writes, and the block that it went to. */
  n: number;
  vmId: string;
  text: string;
  siteId: string;
  at: number;
  /** The group that the VM was protected in, and the epoch of the copy that took it; 0 before it was. */
  groupId?: string;
  epoch: number;
  /** Its place in the order of that group. */
  sequence?: number;
}
/** Of a group: writes that are missing where its VMs are now, and what must not be. */
export interface Loss {
  written: number;
  lost: Acknowledged[];
  broken: string[];
}

/** With what a guest has to live. */
const REFUSALS: readonly ProblemCode[] = [
  'not-running',
  'stale-epoch',
  'storage-unreachable',
  'not-primary',
  'busy',
  'not-found',
];
const DISK = 'root';

/**
 * Guests that write numbered blocks, each number once, and remember what was acknowledged. What stands anywhere later is
 * compared with that memory alone, whatever the system says of itself. Every process that is alive writes, an old copy of
 * a VM as well as the new one.
 */
export class NumberedGuests {
  readonly history: Acknowledged[] = [];
  readonly broken: string[] = [];
  private readonly store: () => Store;
  private readonly clock: Clock;
  private next = 0;
  private readonly newest = new Map<string, number>();

  constructor(store: () => Store, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /** Every process of these VMs writes one block. The answer is how many were acknowledged. */
  async write(vmIds: readonly string[], bytes = 64): Promise<number> {
    const world = new World(this.store());
    const guest = new Guest(world, this.clock);
    const [processes, hosts] = [await world.ofKind<WorldProcess>('process'), await world.hosts()];
    const before = this.history.length;
    for (const vmId of vmIds)
      for (const { hostId } of processes.filter((p) => p.vmId === vmId && p.machine && !p.movedTo)) {
        const n = ++this.next;
        const text = `${n} of ${vmId} `.padEnd(bytes, '.');
        try {
          await guest.write(vmId, DISK, n, Buffer.from(text), hostId);
        } catch (error) {
          if (!(error instanceof DomainError && REFUSALS.includes(error.code)))
            this.broken.push(`a write of ${vmId} ended with ${error}`);
          continue;
        }
        const siteId = hosts.find((h: WorldHost) => h.id === hostId)?.siteId as string;
        await this.remember(world, { n, vmId, text, siteId });
      }
    return this.history.length - before;
  }

  private async remember(world: World, write: Pick<Acknowledged, 'n' | 'vmId' | 'text' | 'siteId'>): Promise<void> {
    const groupId = (await volumeAt(world, write.vmId, write.siteId))?.group;
    const copy = groupId && (await copiesOf(world, groupId)).find((c) => c.siteId === write.siteId);
    const epoch = copy ? copy.epoch : 0;
    if (groupId) {
      // INV-7: once a newer primary has taken a write, an older one takes no more.
      const newest = this.newest.get(groupId) ?? 0;
      if (epoch < newest)
        this.broken.push(`INV-7: ${write.siteId} took a write of ${groupId} under ${epoch}, after one under ${newest}`);
      this.newest.set(groupId, Math.max(newest, epoch));
    }
    this.history.push({
      ...write,
      at: this.clock.now(),
      epoch,
      ...(groupId ? { groupId } : {}),
      ...(copy ? { sequence: copy.sequence } : {}),
    });
  }

  /**
   * What is missing where a group has its primary now. INV-9: of what one primary has acknowledged a copy
   * holds a beginning, over all VMs of the group; and INV-8: what the primary of now has acknowledged is there.
   */
  async loss(group: Belief['groups'][number], vms: Belief['vms']): Promise<Loss> {
    const world = new World(this.store());
    const present = new Map<number, string>();
    for (const vm of vms.filter((v) => group.vms.includes(v.id)))
      for (const [n, text] of await blocks(world, vm.id, group.primarySiteId)) present.set(n, text);
    const mine = this.of(group.vms);
    const broken = inOrder(mine, present, `${group.id} at ${group.primarySiteId}`);
    const lost = mine.filter((w) => present.get(w.n) !== w.text);
    const newest = this.newest.get(group.id);
    const gone = lost.filter((w) => w.epoch === newest && w.epoch === group.epoch);
    if (gone.length > 0)
      broken.push(`INV-8: ${gone.length} writes of ${group.id} are gone at the primary that took them`);
    return { written: mine.length, lost, broken };
  }

  /** INV-9 at the other sites: each copy that is of use holds a beginning. */
  async copies(group: Belief['groups'][number]): Promise<string[]> {
    const world = new World(this.store());
    const mine = this.of(group.vms);
    const broken: string[] = [];
    for (const copy of await copiesOf(world, group.id)) {
      if (copy.role !== 'secondary' || !copy.feed || copy.feed.state === 'initial' || copy.feed.points.length === 0)
        continue;
      const present = new Map<number, string>();
      for (const { vmId } of copy.volumes)
        for (const [n, text] of await blocks(world, vmId, copy.siteId)) present.set(n, text);
      const there = mine.filter((w) => copy.volumes.some((v) => v.vmId === w.vmId));
      broken.push(...inOrder(there, present, `the copy of ${group.id} at ${copy.siteId}`));
    }
    return broken;
  }

  /** What guests of each group were told is safe, in order. */
  told(): Map<string, Acknowledged[]> {
    return Map.groupBy(
      this.history.filter((w) => w.groupId !== undefined),
      (w) => w.groupId as string,
    );
  }

  private of(vmIds: readonly string[]): Acknowledged[] {
    return this.history.filter((w) => vmIds.includes(w.vmId));
  }
}

/** DR-6: of each primary's writes a beginning is there, without a gap. */
export function inOrder(mine: readonly Acknowledged[], present: ReadonlyMap<number, string>, where: string): string[] {
  const broken: string[] = [];
  for (const [epoch, writes] of Map.groupBy(mine, (w) => w.epoch)) {
    const gap = writes.findIndex((w) => present.get(w.n) !== w.text);
    if (gap < 0) continue;
    const later = writes.slice(gap).find((w) => present.get(w.n) === w.text);
    if (later)
      broken.push(
        `INV-9: ${where} has write ${later.n} of ${later.vmId} without ${writes[gap]?.n} of ${writes[gap]?.vmId} (epoch ${epoch})`,
      );
  }
  return broken;
}

const copiesOf = async (world: World, groupId: string): Promise<WorldCopy[]> =>
  (await world.ofKind<WorldCopy>('copy')).filter((c) => c.groupId === groupId);

const volumeAt = async (world: World, vmId: string, siteId: string): Promise<WorldVolume | undefined> =>
  (await world.volumesOf(vmId)).find((v) => v.name === DISK && v.siteId === siteId);

async function blocks(world: World, vmId: string, siteId: string): Promise<Map<number, string>> {
  const volume = await volumeAt(world, vmId, siteId);
  if (!volume) return new Map();
  const rows = await world.store.queryAll<WorldBlock>(`VOL#${extentOf(volume)}`, 'world', { consistent: true });
  return new Map(rows.map((b) => [b.index, Buffer.from(b.data).toString()]));
}
