import type { Observation } from '../../shared/hypervisor/port.ts';
import type { Host } from '../../shared/model/inventory.ts';
import type { Migration, Vm } from '../../shared/model/vm.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { bySite } from '../vm/records.ts';

/** How a migration stood when the host that it came from failed. */
export type Arrival =
  /** It had switched over: the VM runs at its target. */
  | 'arrived'
  /** It had not, or the target is lost too: the VM is to be recovered like any other. */
  | 'lost'
  /** The target cannot be asked, and may run it. */
  | 'unknown';

/** Asks the targets of migrations what became of them. The source has been fenced, so nothing switches over any more. */
export async function arrivalsOf(
  vms: readonly Vm[],
  hosts: readonly Host[],
  deps: StepDeps,
): Promise<Map<string, Arrival>> {
  const moving = vms.filter((vm): vm is Vm & { migration: Migration } => vm.migration !== undefined);
  const fenced = new Set(hosts.filter((h) => h.state === 'fenced').map((h) => h.id));
  const arrivals = new Map<string, Arrival>();
  for (const [siteId, group] of bySite(moving)) {
    const seen = await deps.port.inspectVms(
      siteId,
      group.map((vm) => ({ vmId: vm.id, hostId: vm.migration.seat.hostId })),
    );
    for (const [i, vm] of group.entries()) {
      const found = arrivalOf(seen[i], vm.migration);
      const there = found === 'arrived' || seen[i]?.state === 'starting';
      // A fenced host runs nothing; one that its own agent has fenced is asked all the same, since it goes on to live.
      arrivals.set(vm.id, fenced.has(vm.migration.seat.hostId) ? (there ? 'unknown' : 'lost') : found);
    }
  }
  return arrivals;
}

function arrivalOf(seen: Observation | undefined, { epoch }: Migration): Arrival {
  if (!seen || seen.state === 'unreachable') return 'unknown';
  if (seen.epoch !== epoch || seen.state === 'absent' || seen.state === 'dead') return 'lost';
  // Its guest stands still until the rest of its memory is there: done means seen running (HA-21).
  return seen.state === 'starting' ? 'unknown' : 'arrived';
}
