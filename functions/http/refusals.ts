import { Refused as PhysicsRefused, type Refusal } from '../../shared/hypervisor/refusal.ts';
import { DomainError, type Flaw } from '../../shared/kernel/errors.ts';
import type { Vm } from '../../shared/model/vm.ts';
import type { Standing } from '../../shared/placement/failover.ts';
import type { Need } from '../../shared/placement/need.ts';
import type { Refused } from '../../shared/placement/placement.ts';
import type { ClusterPromise } from '../../shared/placement/promise.ts';
import type { CapacitySnapshot } from '../../shared/placement/snapshot.ts';

/** No host can take what is asked for: which rule ruled out how many, and what would help. */
export const noCapacity = ({ hosts, ruledOut, help }: Refused): DomainError =>
  new DomainError('no-capacity', `None of ${hosts} hosts can take this.`, { figures: { hosts, ruledOut, help } });

/**
 * As `noCapacity` for VMs that are to be powered on: where only what a cluster keeps for failures is in the way, it says
 * how that stands now, and how it would stand with all of them (HA-13).
 */
export function notPoweredOn(refused: Refused, snapshot: CapacitySnapshot, need: Need, count = 1): DomainError {
  const clusters = refused.promised.flatMap((id) => {
    const promise = snapshot.promiseOf(id);
    return promise ? [promiseFigures(promise, promise.after(need.demand, count))] : [];
  });
  if (clusters.length === 0) return noCapacity(refused);
  const { hosts, ruledOut, help } = refused;
  return overPromise(clusters, { hosts, ruledOut, help });
}

interface PromiseFigures {
  clusterId: string;
  policy: unknown;
  now: Standing['figures'];
  afterwards: Standing['figures'];
  reasons: string[];
}

export const promiseFigures = (promise: ClusterPromise, then: Standing): PromiseFigures => ({
  clusterId: promise.cluster.id,
  policy: promise.cluster.ha.admission,
  now: promise.now().figures,
  afterwards: then.figures,
  reasons: then.broken.map((b) => b.reason),
});

export function overPromise(
  clusters: PromiseFigures[],
  more: { help: string[] } & Record<string, unknown>,
): DomainError {
  const words = clusters.map((c) => `cluster ${c.clusterId}: ${c.reasons.join('; ')}`).join('. ');
  return new DomainError(
    'failover-capacity',
    `What is kept for failures would not be kept afterwards (HA-13). ${words}.`,
    {
      figures: { rule: 'HA-13', clusters, ...more },
    },
  );
}

export const heldBy = (vm: Vm): DomainError =>
  new DomainError(
    'operation-in-progress',
    `VM ${vm.name} is ${vm.state}${vm.claim ? ` and held by operation ${vm.claim}` : ''}; wait for it to end.`,
    {
      figures: { state: vm.state, ...(vm.claim ? { operationId: vm.claim } : {}) },
    },
  );

/** Whoever would take away what a group protects takes it out of the group first (DR-17). */
export function mustNotBeProtected({ name, protection }: Vm, words: string): void {
  if (!protection) return;
  throw new DomainError(
    'in-use',
    `VM ${name} is protected by group ${protection.groupId}, so it cannot be ${words}; remove it from the group first.`,
    { figures: { groupId: protection.groupId } },
  );
}

/** What a DR test has made belongs to its plan until the clean-up (DR-8). */
export function mustNotBeTest({ name, testOf }: Vm): void {
  if (!testOf) return;
  throw new DomainError(
    'in-use',
    `VM ${name} is the copy that a test of recovery plan ${testOf.planId} has made of ${testOf.vmId}; the clean-up of the plan removes it.`,
    { figures: { rule: 'DR-8', ...testOf } },
  );
}

/** A recovery is asked again so often for VMs that wait, seconds (HA-14). */
const RECOVERY_CYCLE_SECONDS = 20;

/** HA-20: a recovery works on the VM. `words` say what becomes of the request, and when to come back. */
export const beingRecovered = (vm: Vm, words: string): DomainError =>
  new DomainError('operation-in-progress', `The host of VM ${vm.name} has failed: ${recoveryOf(vm)}; ${words}.`, {
    figures: {
      state: vm.state,
      ...(vm.reason ? { reason: vm.reason } : {}),
      retryAfterSeconds: RECOVERY_CYCLE_SECONDS,
    },
  });

/** How far the recovery of a VM is, in words. */
export const recoveryOf = (vm: Vm): string => {
  if (vm.hostId !== null) return 'it is being started on another one';
  if (vm.migration) return 'whether it runs where it was being moved is not known yet';
  return 'it waits to be started on another one';
};

/** A property of the thing forbids what is asked; `rule` names the reason. */
export const unavailable = (property: string, { rule, reason, fix }: Refusal): DomainError =>
  new DomainError('feature-unavailable', `${reason} (${rule}).`, {
    figures: { property, rule },
    flaws: [{ location: property, message: `${reason} (${rule})`, fix }],
  });

/** A refusal of the physics as a flaw of the request. */
export const flawAt =
  (location: string) =>
  ({ rule, reason, fix }: Refusal): Flaw => ({ location, message: `${reason} (${rule})`, fix });

/** Why the physics refuse something: none, or one. Whatever else is thrown is passed on. */
export function refusalsOf(work: () => unknown): Refusal[] {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof PhysicsRefused) return [error.refusal];
    throw error;
  }
}
