import { type Refusal, Refused } from '../hypervisor/refusal.ts';
import { RESERVE_MAX_PERCENT, SLOT_CAP_MAX, SLOT_MIN } from '../model/ha.ts';
import { type Amount, type Load, loadOf, type SlotCap, slotOf, slotsTaken } from './load.ts';

/** HA-13: what VMs may take while the hosts that are left after a failure can still carry all of them. */

/** Relative error that is taken for rounding where a share such as 1 in 3 has no exact percentage. Declared. */
const ROUNDING = 1e-12;

export interface FailoverHost extends Amount {
  id: string;
}

export interface SlotPolicy {
  kind: 'slots';
  toleratedFaults: number;
  /** A slot is never larger; a VM that needs more takes several. */
  slotCap?: SlotCap | undefined;
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
export function slotView(hosts: readonly FailoverHost[], needs: readonly Amount[], cap: SlotCap = {}): SlotView {
  mustBeAmounts('host', hosts);
  mustBeAmounts('need', needs);
  return slotsUnder(hosts, loadOf(needs, cap), cap);
}

function slotsUnder(hosts: readonly FailoverHost[], load: Load, cap: SlotCap = {}): SlotView {
  const slot = slotOf(load, cap);
  const slotsOf = new Map(
    hosts.map((h) => [h.id, Math.min(Math.floor(h.mhz / slot.mhz), Math.floor(h.memoryMiB / slot.memoryMiB))]),
  );
  const taken = slotsTaken(load);
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
  return freeUnder(hosts, loadOf(needs));
}

function freeUnder(hosts: readonly FailoverHost[], load: Load): { cpu: number; memory: number } {
  const all = total(hosts);
  const share = (of: keyof Amount) => (all[of] === 0 ? 0 : (100 * (all[of] - load[of])) / all[of]);
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
  if (policy.kind === 'dedicated')
    return policy.hostIds.includes(hostId)
      ? [refuse(`${hostId} is kept free for failover`, 'choose another host', { hostId })]
      : [];
  const after = [...cluster.poweredOn, vm];
  mustBeAmounts('host', hosts);
  mustBeAmounts('need', after);
  return standing(policy, hosts, loadOf(after, slotCapOf(policy))).broken;
}

const slotCapOf = (policy: FailoverPolicy): SlotCap | undefined =>
  policy.kind === 'slots' ? policy.slotCap : undefined;

/** How a promise stands: its figures, and every reason why it is not kept. */
export interface Standing {
  figures: Record<string, number | string>;
  broken: Refusal[];
}

/** How the promise of these hosts stands under a load, in sum (HA-13). */
export function standing(policy: SlotPolicy | PercentagePolicy, hosts: readonly FailoverHost[], load: Load): Standing {
  if (policy.kind === 'slots') {
    const { toleratedFaults } = policy;
    const { capacity, taken, slot, slotsOf } = slotsUnder(hosts, load, policy.slotCap);
    const slots = [...slotsOf.values()].reduce((sum, n) => sum + n, 0);
    const figures = { capacity, toleratedFaults, slotsTaken: taken, slots, ...slot };
    const reason = `${capacity} hosts could fail, ${toleratedFaults} must be able to: of ${slots} slots of ${slot.mhz} MHz and ${slot.memoryMiB} MiB ${taken} are taken`;
    const fix = 'add hosts, stop VMs, or lower the largest reservation';
    return { figures, broken: capacity >= toleratedFaults ? [] : [refuse(reason, fix, figures)] };
  }
  const free = freeUnder(hosts, load);
  const short = (what: 'CPU' | 'memory', left: number, reserve: number): Refusal[] => {
    if (left >= reserve - 100 * ROUNDING) return [];
    const name = what.toLowerCase();
    const figures = { [`${name}FreePercent`]: left, [`${name}ReservePercent`]: reserve };
    const reason = `${left.toFixed(1)} % of ${what} free, ${reserve} % must be`;
    return [refuse(reason, 'add hosts, stop VMs, or lower the reserve', figures)];
  };
  return {
    figures: {
      cpuFreePercent: free.cpu,
      cpuReservePercent: policy.cpuPercent,
      memoryFreePercent: free.memory,
      memoryReservePercent: policy.memoryPercent,
    },
    broken: [...short('CPU', free.cpu, policy.cpuPercent), ...short('memory', free.memory, policy.memoryPercent)],
  };
}
