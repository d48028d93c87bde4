import type { Vm, VmEvent } from '../../shared/model/vm.ts';
import { vmMachine } from '../../shared/model/vm.ts';
import { stopWaves } from '../../shared/recovery/waves.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { enterPhase, loadCase } from '../recovery-plan/case.ts';
import { passGate } from '../recovery-plan/gate.ts';
import { entriesOf, readParts } from '../recovery-plan/parts.ts';
import { prioritiesIn, type Turn } from '../recovery-plan/start.ts';
import { unchanged, vmKey } from '../vm/records.ts';
import { stopProcesses } from '../vm/stop.ts';

/** By which event a VM that has a process is stopped. */
const STOPS: readonly VmEvent[] = ['stop', 'forceStop'];
/** They have no process: nothing is to be stopped. */
const AT_REST: readonly Vm['state'][] = ['stopped', 'hibernated'];

/**
 * Stops the VMs of one priority at the source, the last one to start first (DR-9), and has it confirmed. They stay wanted
 * running and keep their hosts' room, so that they can be started there again.
 */
export async function shutDownWave(state: State, deps: StepDeps): Promise<Turn> {
  const at = Number(state.down ?? 0);
  let found = await loadCase(state, deps);
  const entries = entriesOf(await readParts(found.execution, deps.store));
  const ids = entries.map((entry) => entry.id);
  const priority = prioritiesIn(entries).reverse()[at];
  if (priority === undefined) return { turn: 'done', seconds: 0, at: 0, down: at };
  const before = await passGate(found, 'beforeShutdown', priority, ids, deps);
  if ('seconds' in before) return { turn: 'wait', seconds: before.seconds, at: 0, down: at };
  if (before.failed) throw new GiveUp('step-timed-out', before.failed);
  found = await enterPhase({ ...found, execution: before.execution }, `shut down priority ${priority}`, deps);
  const mine = entries.filter((entry) => entry.priority === priority && entry.outcome === 'waiting');
  const waves = stopWaves(
    found.plan,
    mine.map((entry) => entry.id),
  );
  for (const wave of waves) await stopAll(wave.vms, found.execution.fromSiteId, String(state.operationId), deps);
  const after = await passGate(await loadCase(state, deps), 'afterShutdown', priority, ids, deps);
  if ('seconds' in after) return { turn: 'wait', seconds: after.seconds, at: 0, down: at };
  if (after.failed) throw new GiveUp('step-timed-out', after.failed);
  return { turn: 'down', seconds: 0, at: 0, down: at + 1 };
}

async function stopAll(ids: readonly string[], siteId: string, operationId: string, deps: StepDeps): Promise<void> {
  const data = new TenantData(deps.store, SYSTEM);
  const there = (await data.vmsById(ids)).filter((vm) => vm.siteId === siteId);
  const open = there.filter((vm) => vm.claim !== operationId && !AT_REST.includes(vm.state));
  for (const vm of open) {
    if (vm.claim !== undefined) throw new TryAgain(`operation ${vm.claim} works on ${vm.name}`);
    if (eventFor(vm) === undefined) throw new TryAgain(`${vm.name} is ${vm.state}`);
  }
  for (let i = 0; i < open.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const vm of open.slice(i, i + MAX_ACTIONS))
      tx.update(vmKey(vm), {
        set: { state: vmMachine.next(vm.state, eventFor(vm) as VmEvent), claim: operationId, operationId },
        add: { version: 1 },
        ...unchanged(vm),
      });
    await deps.store.commit(tx);
  }
  const stopping = (await data.vmsById(ids)).filter((vm) => vm.claim === operationId && vm.state === 'stopping');
  await stopProcesses(stopping, deps);
}

const eventFor = (vm: Vm): VmEvent | undefined =>
  STOPS.find((event) => vmMachine.can(vm.state, event) && vmMachine.next(vm.state, event) === 'stopping');
