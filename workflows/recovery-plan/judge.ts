import type { ExecutionVm } from '../../shared/model/execution.ts';
import type { Replica } from '../../shared/model/protection.ts';
import { type Vm, type VmState, vmMachine } from '../../shared/model/vm.ts';

/** What an execution finds a VM to be, at one of the sites or on its way. */
export type Finding =
  /** It is at the other site: it changes over. `starts`: it is to run. */
  | { kind: 'switch'; replica: Replica; starts: boolean }
  /** It is at this site and is to be started here. */
  | { kind: 'start' }
  /** This execution gave it its place before: it is started, or rests. */
  | { kind: 'placed' }
  | { kind: 'said'; outcome: 'ready' | 'left' | 'failed'; reason?: string };

const failed = (reason: string): Finding => ({ kind: 'said', outcome: 'failed', reason });

/** What is to be done about a VM at the switch. Pure. */
export function judge(
  vm: Vm | undefined,
  entry: Pick<ExecutionVm, 'groupId'>,
  at: {
    siteId: string;
    operationId: string;
    arrived: ReadonlySet<string>;
    why: ReadonlyMap<string, string>;
    without: ReadonlySet<string>;
  },
): Finding {
  if (!vm) return failed('it was deleted');
  if (vm.siteId === at.siteId) return here(vm, at.operationId);
  if (!at.arrived.has(entry.groupId))
    return failed(`its group was not brought there: ${at.why.get(entry.groupId) ?? 'it has not been promoted'}`);
  if (at.without.has(vm.id))
    return failed(`its first copy was not complete at ${at.siteId}: what it has is at ${vm.siteId} alone`);
  const replica = vm.protection?.replicas.find((r) => r.siteId === at.siteId);
  if (vm.protection?.groupId !== entry.groupId || !replica) return failed(`it has no copy at ${at.siteId}`);
  if (vm.conversion) return failed('it is being converted');
  const missing = vm.disks.find((d) => !replica.volumes.some((v) => v.name === d.name));
  if (missing) return failed(`its disk ${missing.name} has no copy at ${at.siteId}`);
  if (stateAfter(vm.state, vm.desired === 'running') === undefined) return failed(`it is ${vm.state}`);
  return { kind: 'switch', replica, starts: vm.desired === 'running' };
}

function here(vm: Vm, operationId: string): Finding {
  if (vm.claim === operationId) return vm.state === 'stopped' ? { kind: 'start' } : { kind: 'placed' };
  if (vm.claim !== undefined) return failed(`operation ${vm.claim} works on it`);
  if (vm.state === 'running') return { kind: 'said', outcome: 'ready' };
  if (vm.state !== 'stopped') return failed(`it is ${vm.state}`);
  return vm.desired === 'running'
    ? { kind: 'start' }
    : { kind: 'said', outcome: 'left', reason: 'it is wanted stopped' };
}

/** The state of a VM once it is at the other site; undefined where its state does not allow it. */
export function stateAfter(state: VmState, starts: boolean): VmState | undefined {
  if (starts && vmMachine.can(state, 'switchSite')) return vmMachine.next(state, 'switchSite');
  if (!vmMachine.can(state, 'switchSiteStopped')) return undefined;
  const rests = vmMachine.next(state, 'switchSiteStopped');
  return starts ? vmMachine.next(rests, 'start') : rests;
}
