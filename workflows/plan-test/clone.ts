import type { CloneOrder, CloneResult } from '../../shared/hypervisor/replication-port.ts';
import type { GroupOutcome } from '../../shared/model/execution.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { enterPhase, loadCase, writeExecution } from '../recovery-plan/case.ts';
import { entriesOf, readParts, withEntries, writeParts } from '../recovery-plan/parts.ts';
import { writeMoves } from '../recovery-plan/wave.ts';

/**
 * Fills the volumes of the copies with what the groups' copies held at their newest complete point, all VMs of a group at the
 * same one. The replication goes on meanwhile; the copies that it feeds are only read. A group that has no point yet fails
 * its VMs, and not the others.
 */
export async function cloneVolumes(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'clone volumes', deps);
  const { execution, groups } = found;
  const parts = await readParts(execution, deps.store);
  const open = entriesOf(parts).filter((entry) => entry.outcome === 'starting');
  const copies = new Map(
    (await new TenantData(deps.store, SYSTEM).vmsById(open.map((e) => e.testVmId as string))).map((vm) => [
      vm.testOf?.vmId,
      vm,
    ]),
  );
  const orders = groups.map(
    (group): CloneOrder => ({
      groupId: group.id,
      volumes: group.vms.flatMap((vmId) => volumesOf(copies.get(vmId))),
    }),
  );
  const results = await deps.port.cloneGroups(
    execution.toSiteId,
    orders.filter((order) => order.volumes.length > 0),
  );
  const refused = new Map(
    results.flatMap((r) => (r.outcome === 'refused' ? [[r.groupId, r.reason ?? 'the site refused it']] : [])),
  );
  const failed = open.filter((entry) => refused.has(entry.groupId));
  await writeMoves(
    failed.flatMap((entry) => {
      const vm = copies.get(entry.id);
      return vm?.state === 'starting'
        ? [{ vm, state: vmMachine.next(vm.state, 'startFailed'), clusterId: vm.clusterId }]
        : [];
    }),
    String(state.operationId),
    deps,
  );
  const said = failed.map((entry) => ({
    ...entry,
    outcome: 'failed' as const,
    reason: `its group was not copied: ${refused.get(entry.groupId)}`,
  }));
  await writeParts(parts, withEntries(parts, said), deps.store);
  await writeExecution(deps.store, execution, { groups: execution.groups.map((g) => outcomeWith(g, results)) });
  return {};
}

const volumesOf = (copy: Vm | undefined): CloneOrder['volumes'] =>
  copy?.state === 'starting' && copy.testOf
    ? copy.disks.map(({ id, name, sizeGiB, datastoreId }) => ({
        vmId: copy.testOf?.vmId as string,
        name,
        to: { id, vmId: copy.id, name, sizeGiB, datastoreId },
      }))
    : [];

function outcomeWith(outcome: GroupOutcome, results: readonly CloneResult[]): GroupOutcome {
  const result = results.find((r) => r.groupId === outcome.groupId);
  if (!result) return outcome;
  const { reason: _, ...rest } = outcome;
  if (result.outcome === 'refused') return { ...rest, reason: result.reason ?? 'the site refused it' };
  return result.point ? { ...rest, point: { sequence: result.point.sequence, stateAt: result.point.stateAt } } : rest;
}
