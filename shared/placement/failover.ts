import { type Refusal, Refused } from '../hypervisor/refusal.ts';

/** HA-13: what VMs may take while the hosts that are left after a failure can still carry all of them. */

/** Lower ends of a slot, MHz and MiB: no slot is smaller, and no cap may be. HA-13. */
export const SLOT_MIN = { mhz: 32, memoryMiB: 128 } as const;
/** Upper ends of a slot cap: 64 x 2400 MHz (HA-13), and 1 TiB in MiB (HA-13 says "about 1 TB"). */
export const SLOT_CAP_MAX = { mhz: 153_600, memoryMiB: 1_048_576 } as const;
/** Largest reserve of the percentage policy, per cent of all hosts. HA-13. */
export const RESERVE_MAX_PERCENT = 50;
/** Faults that the slot policy tolerates when nothing is said, hosts. HA-13. */
export const TOLERATED_FAULTS_DEFAULT = 1;
/** Relative error that is taken for rounding where a share such as 1 in 3 has no exact percentage. Declared. */
const ROUNDING = 1e-12;

/** CPU in MHz and memory in MiB: of a host what it gives to VMs, of a VM what it needs to be powered on. */
export interface Amount {
  mhz: number;
  memoryMiB: number;
}
export interface FailoverHost extends Amount {
  id: string;
}

export interface SlotPolicy {
  kind: 'slots';
  toleratedFaults: number;
  /** A slot is never larger; a VM that needs more takes several. */
  slotCap?: Partial<Amount>;
}
export interface PercentagePolicy {
  kind: 'percentage';
  /** Kept free, per cent of all hosts, 0 to 50. */
  cpuPercent: number;
  memoryPercent: number;
}
export interface DedicatedPolicy {
  kind: 'dedicated';
  /** Hosts that take no VM in normal operation. */
  hostIds: readonly string[];
}
export type FailoverPolicy = SlotPolicy | PercentagePolicy | DedicatedPolicy;

export interface SlotView {
  slot: Amount;
  /** Slots by host id. */
  slotsOf: Map<string, number>;
  /** Slots that the powered-on VMs take: one each, unless a cap makes a slot smaller than a need. */
  taken: number;
  /** Hosts that can fail, those with the most slots first, while what is left carries every VM. */
  capacity: number;
}

const refuse = (reason: string, fix: string, figures: Record<string, number | string>): Refusal => ({
  rule: 'HA-13',
  reason,
  fix,
  figures,
});
const total = (amounts: readonly Amount[]): Amount => ({
  mhz: amounts.reduce((sum, a) => sum + a.mhz, 0),
  memoryMiB: amounts.reduce((sum, a) => sum + a.memoryMiB, 0),
});
const mustBeAmounts = (what: string, amounts: readonly Amount[]): void => {
  const bad = amounts.find(
    (a) => !(Number.isFinite(a.mhz) && a.mhz >= 0 && a.memoryMiB >= 0 && a.memoryMiB < Infinity),
  );
  if (bad)
    throw new Refused(refuse(`a ${what} has ${bad.mhz} MHz and ${bad.memoryMiB} MiB`, 'give zero or more', { ...bad }));
};

/** What is wrong with a policy for these hosts: every figure out of its range (HA-13). */
export function policyFaults(policy: FailoverPolicy, hosts: readonly FailoverHost[]): Refusal[] {
  const outside = (name: string, value: number | undefined, least: number, most: number, whole = false): Refusal[] =>
    value === undefined || (value >= least && value <= most && (!whole || Number.isInteger(value)))
      ? []
      : [refuse(`${name} is ${value}`, `choose ${least} to ${most}`, { [name]: value, least, most })];
  switch (policy.kind) {
    case 'slots':
      return [
        ...outside('toleratedFaults', policy.toleratedFaults, 1, hosts.length, true),
        ...outside('slotCap.mhz', policy.slotCap?.mhz, SLOT_MIN.mhz, SLOT_CAP_MAX.mhz),
        ...outside('slotCap.memoryMiB', policy.slotCap?.memoryMiB, SLOT_MIN.memoryMiB, SLOT_CAP_MAX.memoryMiB),
      ];
    case 'percentage':
      return [
        ...outside('cpuPercent', policy.cpuPercent, 0, RESERVE_MAX_PERCENT),
        ...outside('memoryPercent', policy.memoryPercent, 0, RESERVE_MAX_PERCENT),
      ];
    case 'dedicated':
      return policy.hostIds
        .filter((id) => !hosts.some((h) => h.id === id))
        .map((id) => refuse(`failover host ${id} is not in the cluster`, 'name hosts of the cluster', { hostId: id }));
  }
}

/**
 * Slots of a cluster (HA-13, slot policy).
 * @throws `Refused` HA-13 when a host or a need is below zero or not a number
 */
export function slotView(
  hosts: readonly FailoverHost[],
  needs: readonly Amount[],
  cap: Partial<Amount> = {},
): SlotView {
  mustBeAmounts('host', hosts);
  mustBeAmounts('need', needs);
  const size = (of: keyof Amount) =>
    Math.max(SLOT_MIN[of], Math.min(cap[of] ?? Number.POSITIVE_INFINITY, Math.max(0, ...needs.map((n) => n[of]))));
  const slot = { mhz: size('mhz'), memoryMiB: size('memoryMiB') };
  const slotsOf = new Map(
    hosts.map((h) => [h.id, Math.min(Math.floor(h.mhz / slot.mhz), Math.floor(h.memoryMiB / slot.memoryMiB))]),
  );
  const taken = needs.reduce(
    (sum, n) => sum + Math.max(1, Math.ceil(n.mhz / slot.mhz), Math.ceil(n.memoryMiB / slot.memoryMiB)),
    0,
  );
  const largestFirst = [...slotsOf.values()].sort((a, b) => b - a);
  let left = largestFirst.reduce((sum, n) => sum + n, 0);
  let capacity = 0;
  for (const slots of largestFirst) {
    left -= slots;
    if (left < taken) break;
    capacity++;
  }
  return { slot, slotsOf, taken, capacity };
}

/** Free CPU and memory of all hosts together, per cent (HA-13, percentage policy). */
export function freePercent(hosts: readonly FailoverHost[], needs: readonly Amount[]): { cpu: number; memory: number } {
  mustBeAmounts('host', hosts);
  mustBeAmounts('need', needs);
  const [all, used] = [total(hosts), total(needs)];
  const share = (of: keyof Amount) => (all[of] === 0 ? 0 : (100 * (all[of] - used[of])) / all[of]);
  return { cpu: share('mhz'), memory: share('memoryMiB') };
}

/** The reserve, per cent, with which `faults` of `hosts` equal hosts may fail (D3). @throws `Refused` HA-13 */
export function reserveFor(faults: number, hosts: number): number {
  if (!(Number.isInteger(faults) && Number.isInteger(hosts) && faults >= 0 && faults <= hosts && hosts > 0))
    throw new Refused(refuse(`${faults} of ${hosts} hosts cannot fail`, 'tolerate 0 to all hosts', { faults, hosts }));
  return (100 * faults) / hosts;
}

/** How many of `hosts` equal, evenly loaded hosts may fail with a reserve of so many per cent (D3). */
export const faultsCovered = (percent: number, hosts: number): number =>
  Math.floor(((hosts * percent) / 100) * (1 + ROUNDING));

/**
 * Why a VM may not be powered on, on this host; nothing when it may. Restarts after a failure do not ask: they are what
 * the capacity was kept for.
 * @throws `Refused` HA-13 when the policy does not fit the cluster, or a figure is below zero or not a number
 */
export function admitPowerOn(
  policy: FailoverPolicy,
  cluster: { hosts: readonly FailoverHost[]; poweredOn: readonly Amount[] },
  vm: Amount,
  hostId: string,
): Refusal[] {
  const { hosts } = cluster;
  const [fault] = policyFaults(policy, hosts);
  if (fault) throw new Refused(fault);
  const after = [...cluster.poweredOn, vm];
  switch (policy.kind) {
    case 'slots': {
      const { capacity, taken, slot } = slotView(hosts, after, policy.slotCap);
      if (capacity >= policy.toleratedFaults) return [];
      const figures = { capacity, toleratedFaults: policy.toleratedFaults, slotsTaken: taken, ...slot };
      const reason = `${capacity} hosts could fail afterwards, ${policy.toleratedFaults} must be able to`;
      return [refuse(reason, 'add hosts, stop VMs, or lower the largest reservation', figures)];
    }
    case 'percentage': {
      const free = freePercent(hosts, after);
      const short = (what: string, left: number, reserve: number): Refusal[] =>
        left >= reserve - 100 * ROUNDING
          ? []
          : [
              refuse(
                `${left.toFixed(1)} % of ${what} would stay free, ${reserve} % must`,
                'add hosts, stop VMs, or lower the reserve',
                { [`${what}FreePercent`]: left, [`${what}ReservePercent`]: reserve },
              ),
            ];
      return [...short('cpu', free.cpu, policy.cpuPercent), ...short('memory', free.memory, policy.memoryPercent)];
    }
    case 'dedicated':
      return policy.hostIds.includes(hostId)
        ? [refuse(`${hostId} is kept free for failover`, 'choose another host', { hostId })]
        : [];
  }
}
