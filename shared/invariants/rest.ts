import { DAY, iso, MINUTE } from '../kernel/clock.ts';
import { isFinal, type Operation } from '../model/operation.ts';
import type { Invariant } from './facts.ts';

/** A VM or operation in motion for longer than this has been forgotten. Longer than a lease, its fence and a boot together. */
export const FORGOTTEN_AFTER_MS = 30 * MINUTE;

/** A switch of a whole site takes as long as its plans do, some at a time; declared. */
const SITE_FORGOTTEN_AFTER_MS = DAY;
/** Copying volumes takes as long as their bytes and the turns before them do; declared. */
const COPY_FORGOTTEN_AFTER_MS = 7 * DAY;
const patienceWith = ({ kind }: Operation): number =>
  kind === 'move-volumes'
    ? COPY_FORGOTTEN_AFTER_MS
    : kind === 'site-switch'
      ? SITE_FORGOTTEN_AFTER_MS
      : FORGOTTEN_AFTER_MS;

const RESTING = new Set(['running', 'stopped', 'paused', 'hibernated', 'recycling']);

/**
 * INV-6: a VM rests, or an operation or an open incident holds it, or it waits with a reason and an alarm. "Running"
 * means seen running: on a host that can be asked, the process is there.
 */
export const noVmIsForgotten: Invariant = {
  id: 'INV-6',
  check({ belief, seen }) {
    const violations: string[] = [];
    const working = new Set(belief.operations.filter((o) => !isFinal(o.state)).map((o) => o.id));
    const openIncidents = belief.incidents.filter((i) => i.state === 'open');
    const openIds = new Set(openIncidents.map((i) => i.id));
    const entries = belief.recoveries
      .filter((part) => openIds.has(part.incidentId))
      .flatMap((part) => Object.values(part.vms).map((vm) => ({ ...vm, incidentId: part.incidentId })));
    // On a host that an open incident is about a VM is its business before it has been planned.
    const failing = new Set([
      ...openIncidents.flatMap((i) => i.hosts.map((h) => h.id)),
      ...belief.hosts.filter((h) => h.callsRecovery).map((h) => h.id),
    ]);
    const incidentVms = new Set(entries.map((vm) => vm.id));
    const alarmed = new Set(belief.alarms.filter((a) => a.state === 'active').map((a) => a.object));
    const online = new Set(belief.hosts.filter((h) => h.state === 'online').map((h) => h.id));
    const answered = new Set(seen.answered);
    const processes = new Set(
      seen.processes.filter((p) => p.state !== 'dead').map((p) => `${p.vmId}/${p.hostId}/${p.epoch}`),
    );
    for (const vm of belief.vms) {
      const held =
        (vm.claim !== undefined && working.has(vm.claim)) || incidentVms.has(vm.id) || failing.has(vm.runsOn ?? '');
      if (!RESTING.has(vm.state) && !held && !(vm.reason && alarmed.has(vm.id)))
        violations.push(`${vm.id} is ${vm.state} and nothing works on it`);
      if (vm.claim !== undefined && !working.has(vm.claim))
        violations.push(`${vm.id} is held by ${vm.claim}, which has ended`);
      if (
        vm.state === 'running' &&
        !held &&
        vm.hostId &&
        online.has(vm.hostId) &&
        answered.has(vm.hostId) &&
        !processes.has(`${vm.id}/${vm.hostId}/${vm.epoch}`)
      ) {
        violations.push(
          `${vm.id} is believed running on ${vm.hostId} with epoch ${vm.epoch}; there is no such process`,
        );
      }
    }
    const busy = new Set(openIncidents.filter((i) => i.claim && working.has(i.claim)).map((i) => i.id));
    for (const { id, outcome, incidentId } of entries)
      if (outcome === 'waiting' && !busy.has(incidentId) && !alarmed.has(id))
        violations.push(`${id} waits for capacity without an alarm`);
    return { checked: belief.vms.length, violations };
  },
};

/** INV-13, as far as it can be seen from outside: every operation reaches an end. */
export const operationsEnd: Invariant = {
  id: 'INV-13',
  check({ belief, now }) {
    const violations = belief.operations
      .filter((o) => !isFinal(o.state) && now - o.createdAt > patienceWith(o))
      .map((o) => `${o.id} (${o.kind}) is ${o.state} since ${iso(o.createdAt)}`);
    return { checked: belief.operations.length, violations };
  },
};
