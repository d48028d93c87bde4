import { PortTimeout } from '../../shared/hypervisor/port.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { raiseAlarm } from '../../shared/store/alarms.ts';
import { MAX_ACTIONS, Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { bySite, unchanged, vmKey } from '../vm/records.ts';
import { stopAll } from '../vm/stop.ts';
import { ifHeard } from './roles.ts';
import { writeMoves } from './wave.ts';

/** What is known of VMs that were being started or stopped. */
export interface Asked {
  /** Seen running, as they are believed to be. */
  running: Vm[];
  /** They surely run nothing, and no late order starts them. */
  over: Vm[];
  /** Nobody could say. */
  silent: Vm[];
  /** A site as a whole is among what is silent. */
  wholeSite: boolean;
  words: string;
}

/** Asks the hosts of VMs: what runs runs, what was to be stopped, or did not come up, is stopped. */
export async function askAll(vms: readonly Vm[], deps: StepDeps): Promise<Asked> {
  const asked: Asked = { running: [], over: [], silent: [], wholeSite: false, words: '' };
  for (const [siteId, all] of bySite(vms)) {
    try {
      const running = await thatRun(siteId, all, deps);
      const rest = all.filter((vm) => !running.has(vm.id));
      const silent = await stopAll(siteId, rest, deps);
      asked.running.push(...all.filter((vm) => running.has(vm.id)));
      asked.over.push(...rest.filter((vm) => !silent.has(vm.id)));
      asked.silent.push(...rest.filter((vm) => silent.has(vm.id)));
      const [first] = silent.values();
      if (first !== undefined) asked.words = `host ${first} cannot be asked`;
    } catch (error) {
      if (!(error instanceof PortTimeout)) throw error;
      asked.silent.push(...all);
      asked.wholeSite = true;
      asked.words = `site ${siteId} cannot be asked`;
    }
  }
  return asked;
}

async function thatRun(siteId: string, vms: readonly Vm[], { port }: StepDeps): Promise<Set<string>> {
  const starting = vms.filter((vm) => vm.state === 'starting' && vm.hostId !== null);
  const seen =
    starting.length === 0
      ? []
      : await port.inspectVms(
          siteId,
          starting.map((vm) => ({ vmId: vm.id, hostId: vm.hostId as string })),
        );
  return new Set(
    starting.flatMap((vm, i) => (seen[i]?.state === 'running' && seen[i]?.epoch === vm.epoch ? [vm.id] : [])),
  );
}

/**
 * Nobody waits for their hosts any longer: they are `unknown`, where they are, with what they hold (INV-6). The alarms stand
 * first: a VM that is out of sight is never without one.
 */
export async function loseSight(vms: readonly Vm[], reason: string, deps: StepDeps): Promise<void> {
  const { store, ids, clock } = deps;
  for (const { id } of vms) {
    const text = `VM ${id} was given up: ${reason}`;
    await raiseAlarm(store, ids, { code: 'vm-recovery-failed', object: id, severity: 'critical', text }, clock.now());
  }
  for (let i = 0; i < vms.length; i += MAX_ACTIONS) {
    const tx = new Transaction();
    for (const vm of vms.slice(i, i + MAX_ACTIONS))
      tx.update(vmKey(vm), {
        set: { state: vmMachine.next(vm.state, 'agentLost'), reason },
        add: { version: 1 },
        remove: ['claim'],
        ...unchanged(vm),
      });
    await store.commit(tx);
  }
}

/**
 * VMs that are out of sight at the site where they are to run are stopped for sure, so that they can be started there anew.
 * A site or host that is still silent leaves its VMs as they are. Answers whether anything has changed.
 */
export async function findOut(
  vms: readonly Vm[],
  siteId: string,
  operationId: string,
  deps: StepDeps,
): Promise<boolean> {
  const lost = vms.filter(
    (vm) => vm.siteId === siteId && vm.state === 'unknown' && vm.claim === undefined && vm.desired === 'running',
  );
  const silent = lost.length === 0 ? undefined : await ifHeard(() => stopAll(siteId, lost, deps));
  const over = silent ? lost.filter((vm) => !silent.has(vm.id)) : [];
  const rests = (vm: Vm) => vmMachine.next(vmMachine.next(vm.state, 'stop'), 'stopDone');
  await writeMoves(
    over.map((vm) => ({ vm, state: rests(vm), clusterId: vm.clusterId })),
    operationId,
    deps,
  );
  return over.length > 0;
}
