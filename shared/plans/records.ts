import { type Execution, type ExecutionPart, VMS_PER_PART } from '../model/execution.ts';
import { priorityOf } from '../model/recovery-plan.ts';
import type { Vm } from '../model/vm.ts';
import type { Decided } from '../recovery/actions.ts';
import { keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Key } from '../store/tables.ts';
import type { Ground } from './ground.ts';

/** Where the VMs of an execution stand. */
export const partKeys = (execution: Pick<Execution, 'id' | 'tenantId' | 'vms'>): Key[] =>
  Array.from({ length: Math.ceil(execution.vms / VMS_PER_PART) }, (_, n) =>
    keys.executionPart(execution.tenantId, execution.id, n),
  );

/** What is gone on with is about the VMs that were not brought to an end. */
export async function vmsOf(store: Store, { asked, vms }: Ground, { rerunOf }: Decided): Promise<Vm[]> {
  if (!rerunOf || asked.action === 'test' || asked.action === 'rollback') return vms;
  const parts = await store.getMany<ExecutionPart>(partKeys(rerunOf));
  const done = new Set(
    parts.flatMap((p) =>
      Object.values(p.vms).flatMap((v) => (v.outcome === 'ready' || v.outcome === 'left' ? v.id : [])),
    ),
  );
  // Those that it left out had come to an end before it.
  const about = new Set(parts.flatMap((p) => Object.keys(p.vms)));
  return vms.filter((vm) => about.has(vm.id) && !done.has(vm.id));
}

/** A place for each VM, in parts. */
export function partsOf(execution: Execution, { asked }: Ground, vms: readonly Vm[]): ExecutionPart[] {
  const groupOf = new Map(asked.groups.flatMap((g) => g.vms.map((id) => [id, g.id] as const)));
  return Array.from({ length: Math.ceil(vms.length / VMS_PER_PART) }, (_, n) => ({
    tenantId: execution.tenantId,
    executionId: execution.id,
    n,
    vms: Object.fromEntries(
      vms.slice(n * VMS_PER_PART, (n + 1) * VMS_PER_PART).map((vm) => [
        vm.id,
        {
          id: vm.id,
          name: vm.name,
          groupId: groupOf.get(vm.id) as string,
          priority: priorityOf(asked.plan, vm.id),
          outcome: 'waiting' as const,
        },
      ]),
    ),
  }));
}
