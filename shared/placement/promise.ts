import type { Refusal } from '../hypervisor/refusal.ts';
import type { Amounts } from '../model/amounts.ts';
import { allocatedOf, type Cluster, type Host, promisedBy } from '../model/inventory.ts';
import { type FailoverHost, type PercentagePolicy, type SlotPolicy, type Standing, standing } from './failover.ts';
import { type Load, loaded, NO_LOAD } from './load.ts';
import { recoveryStages } from './recovery.ts';
import { isReserved, takesVms } from './reserved.ts';

/** What a cluster has promised to keep for failures (HA-13), and how that stands with its hosts as they are pictured. */
export class ClusterPromise {
  readonly cluster: Cluster;
  private readonly hosts: Host[];
  /** Of VMs that were placed in the picture, and whose size the cluster has not noted yet. */
  private larger: Pick<Load, 'largest' | 'extraSlots'> = { largest: NO_LOAD.largest, extraSlots: 0 };
  private answers = new WeakMap<Amounts, { refusal: Refusal | undefined }>();

  constructor(cluster: Cluster, hosts: Host[]) {
    this.cluster = cluster;
    this.hosts = hosts;
  }

  /** Why a VM that takes this may not be powered on; undefined when it may. */
  refusal(demand: Amounts): Refusal | undefined {
    if (!this.counted) return undefined;
    const known = this.answers.get(demand);
    if (known) return known.refusal;
    const refusal = this.after(demand).broken[0];
    this.answers.set(demand, { refusal });
    return refusal;
  }

  /** How it stands now. */
  now(): Standing {
    return this.under(this.load());
  }

  /** How it would stand with `count` more VMs that take this. */
  after(demand: Amounts, count = 1): Standing {
    return this.under(loaded(this.load(), demand, count, this.cap));
  }

  /** How it would stand if a VM that is powered on took something else. */
  changed(before: Amounts, after: Amounts): Standing {
    return this.under(loaded(loaded(this.load(), before, -1, this.cap), after, 1, this.cap));
  }

  /** The picture has changed: a VM that takes this came to a host, or left it when it is below zero. */
  took(demand: Amounts): void {
    this.corrected();
    const count = demand.vms ?? 0;
    if (count === 0) return;
    const need = { mhz: demand.mhz / count, memoryMiB: demand.memoryMiB / count };
    this.larger = loaded({ ...NO_LOAD, ...this.larger }, need, count, this.cap);
  }

  /** Hosts over which slots and percentages are counted. */
  get hostsInUse(): number {
    return this.inUse().length;
  }

  /** A host of the picture has changed. */
  corrected(): void {
    this.answers = new WeakMap();
  }

  /** What its VMs take, those of hosts that have failed included: they are to be started elsewhere. */
  load(): Load {
    const { slots } = this.cluster;
    const load: Load = {
      ...NO_LOAD,
      largest: {
        mhz: Math.max(slots?.mhz ?? 0, this.larger.largest.mhz),
        memoryMiB: Math.max(slots?.memoryMiB ?? 0, this.larger.largest.memoryMiB),
      },
      extraSlots: (slots?.extra ?? 0) + this.larger.extraSlots,
    };
    for (const host of this.hosts) {
      const taken = allocatedOf(host);
      load.mhz += taken.mhz;
      load.memoryMiB += taken.memoryMiB;
      load.vms += taken.vms ?? 0;
    }
    return load;
  }

  private under(load: Load): Standing {
    return this.counted ? standing(this.counted, this.inUse(), load) : this.kept();
  }

  /** A policy that counts: it can be broken by a VM that is powered on. */
  private get counted(): SlotPolicy | PercentagePolicy | undefined {
    const { admission } = this.cluster.ha;
    return admission.kind === 'percentage' || admission.kind === 'slots' ? admission : undefined;
  }

  private get cap() {
    return this.counted?.kind === 'slots' ? this.counted.slotCap : undefined;
  }

  /** Hosts in normal operation, with what they may promise. */
  private inUse(): FailoverHost[] {
    return this.hosts
      .filter((h) => takesVms(h) && !isReserved(this.cluster, h.id))
      .map((h) => ({ id: h.id, ...promisedBy(h) }));
  }

  /** Hosts that are kept free: each must stand ready, and a recovery must be allowed to use it. */
  private kept(): Standing {
    const { admission, failoverHosts, recovery } = this.cluster.ha;
    if (admission.kind === 'none') return { figures: {}, broken: [] };
    const ready = this.hosts.filter(
      (h) => isReserved(this.cluster, h.id) && takesVms(h) && (allocatedOf(h).vms ?? 0) === 0,
    ).length;
    const figures = { failoverHosts: failoverHosts.length, ready };
    const broken: Refusal[] = [];
    if (failoverHosts.length === 0 || ready < failoverHosts.length)
      broken.push({
        rule: 'HA-13',
        reason: `${ready} of ${failoverHosts.length} failover hosts stand ready and empty`,
        fix: 'bring failover hosts back, and move VMs that were recovered there to other hosts',
        figures,
      });
    if (!recoveryStages(this.cluster.ha.recovery).includes('reserved'))
      broken.push({
        rule: 'HA-13',
        reason: `the recovery method '${recovery}' does not use failover hosts`,
        fix: "choose the method 'reserved', or one that uses both",
        figures: { recovery },
      });
    return { figures, broken };
  }
}
