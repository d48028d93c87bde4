import { ipToNumber } from '../../shared/model/addresses.ts';
import type { Nic, Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { UpdateSpec } from '../../shared/store/transaction.ts';
import type { State, StepDeps } from '../engine/step-table.ts';

/** A VM changed while a step worked on it: the step begins again from what is there now. */
export class Moved extends Error {
  constructor(vmId: string) {
    super(`${vmId} was changed by somebody else meanwhile`);
    this.name = 'TryAgain';
  }
}

export const vmIds = (state: State): string[] => state.vms as string[];

/** The VMs of the execution that still exist and that it holds. */
export async function heldVms(state: State, { store }: StepDeps): Promise<Vm[]> {
  const data = new TenantData(store, SYSTEM);
  const vms = await Promise.all(vmIds(state).map((id) => data.find('vm', id)));
  return vms.filter((vm): vm is Vm => vm !== undefined && vm.claim === state.operationId);
}

export const vmKey = (vm: Vm) => keys.vm(vm.tenantId, vm.id);

/**
 * The VM must be as it was read: what it holds is given back by what was read, so nothing of it may have changed. Not its
 * stored state, which may lag behind the believed one (see withRecoveries); every change of it comes with a new version.
 */
export const unchanged = (vm: Vm): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => ({
  condition: `#version = :versionWas AND #epoch = :epochWas AND ${vm.hostId === null ? '(attribute_not_exists(#hostId) OR #hostId = :hostWas)' : '#hostId = :hostWas'}`,
  names: { '#epoch': 'epoch', '#hostId': 'hostId', '#version': 'version' },
  values: { ':versionWas': vm.version, ':epochWas': vm.epoch, ':hostWas': vm.hostId },
  onFail: () => new Moved(vm.id),
});

export const bySite = <T extends { siteId: string }>(things: readonly T[]): [string, T[]][] => [
  ...Map.groupBy(things, (t) => t.siteId),
];

/** Where an address of a NIC is claimed: in the network of its tenant, or in a space that others share. */
export const addressKey = (tenantId: string, { spaceId, networkId, ip }: Pick<Nic, 'spaceId' | 'networkId' | 'ip'>) =>
  keys.address(spaceId === networkId ? tenantId : null, spaceId, ipToNumber(ip));
