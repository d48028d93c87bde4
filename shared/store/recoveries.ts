import type { Incident, IncidentVm, RecoveryPart } from '../model/incident.ts';
import { type Vm, vmMachine } from '../model/vm.ts';
import { keys } from './keys.ts';
import type { Store } from './store.ts';

/** Every incident of hosts that is open. */
export async function openIncidents(store: Store): Promise<Incident[]> {
  const marks = await store.queryAll<{ sk: string }>('SYS#OPEN', 'control', { consistent: true });
  const found = await store.getMany<Incident>(marks.map((m) => keys.incident(m.sk)));
  return found.filter((i) => i.state === 'open');
}

/** What is written of each VM of an incident, in the order of its parts. */
export async function readEntries(store: Store, incident: Pick<Incident, 'id' | 'parts'>): Promise<IncidentVm[]> {
  const parts = await store.getMany<RecoveryPart>(
    incident.parts.map((p) => keys.recoveryPart(p.tenantId, incident.id, p.n)),
  );
  return parts.sort((a, b) => a.n - b.n).flatMap((part) => Object.values(part.vms));
}

/** Whether the part says that this very start of the VM was seen running: anything later has another epoch or host. */
const seenRunning = (vm: Vm, entry: IncidentVm | undefined): boolean =>
  entry?.outcome === 'recovered' && entry.epoch === vm.epoch && entry.toHost === vm.hostId;

const waitsForNews = (vm: Vm): vm is Vm & { recovery: NonNullable<Vm['recovery']> } =>
  vm.state === 'faultResuming' && vm.recovery !== undefined && vm.hostId !== null;

/** A VM as the parts of its recovery say. Pure. */
export function resolved(vm: Vm, part: RecoveryPart | undefined): Vm {
  if (!waitsForNews(vm) || !seenRunning(vm, part?.vms[vm.id])) return vm;
  return { ...vm, state: vmMachine.next(vm.state, 'recovered') };
}

/**
 * VMs as they are believed to be. A recovery writes a VM when it gives it a place and an epoch, and writes down for
 * hundreds of them at once that they were seen running (HA-21): this is where the two come together. The next change of
 * such a VM stores the state with it; until then the stored one is `faultResuming`, at the same version.
 */
export async function withRecoveries(store: Store, vms: readonly Vm[]): Promise<Vm[]> {
  const asked = vms.filter(waitsForNews);
  if (asked.length === 0) return [...vms];
  const parts = await store.getMany<RecoveryPart>(
    asked.map((vm) => keys.recoveryPart(vm.tenantId, vm.recovery.incidentId, vm.recovery.part)),
  );
  const byName = new Map(parts.map((p) => [`${p.tenantId}/${p.incidentId}/${p.n}`, p]));
  return vms.map((vm) =>
    waitsForNews(vm) ? resolved(vm, byName.get(`${vm.tenantId}/${vm.recovery.incidentId}/${vm.recovery.part}`)) : vm,
  );
}
