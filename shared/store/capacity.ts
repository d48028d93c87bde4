import { type Clock, SECOND } from '../kernel/clock.ts';
import { CapacitySnapshot } from '../placement/snapshot.ts';
import { SYSTEM } from './context.ts';
import { Inventory } from './inventory.ts';
import type { Store } from './store.ts';

/** How old a picture of the capacity may be before a placement takes a new one, ms of cloud time. */
const FRESH_MS = 30 * SECOND;

/** Takes pictures of the capacity and keeps the last one, so that a warm placement reads nothing. */
export class CapacityReader {
  private readonly inventory: Inventory;
  private readonly clock: Clock;
  private kept: { at: number; snapshot: CapacitySnapshot } | undefined;

  constructor(store: Store, clock: Clock) {
    this.inventory = new Inventory(store, SYSTEM);
    this.clock = clock;
  }

  /** The kept picture, or a new one when it is too old. */
  async snapshot(): Promise<CapacitySnapshot> {
    const now = this.clock.now();
    if (this.kept && now - this.kept.at < FRESH_MS) return this.kept.snapshot;
    return this.retake();
  }

  /** A picture of what the tables say now. Taken before a refusal: nobody is refused on old news. */
  async retake(): Promise<CapacitySnapshot> {
    const [clusters, sites] = await Promise.all([this.inventory.clusters(), this.inventory.sites()]);
    const [hosts, datastores] = await Promise.all([
      this.inventory.hosts(clusters, { consistent: true }),
      Promise.all(sites.map((s) => this.inventory.datastores(s.id))),
    ]);
    const snapshot = new CapacitySnapshot(clusters, hosts, datastores.flat());
    this.kept = { at: this.clock.now(), snapshot };
    return snapshot;
  }
}
