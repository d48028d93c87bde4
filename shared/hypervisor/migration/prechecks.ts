import { type CpuIdentity, migrationCpuRefusal } from '../cpu/baseline.ts';
import type { Refusal } from '../refusal.ts';

/** A VM that is to move while it runs. */
export interface MigratingVm {
  /** What its CPU shows it; it runs with these features until it is restarted. */
  cpu: CpuIdentity;
  vcpus: number;
  /** CPU reservation. */
  mhz: number;
  memoryMiB: number;
  volumes: readonly { name: string; datastoreId: string; local: boolean }[];
  /** Ids of the distributed switches of its ports. */
  switchIds: readonly string[];
  /** Names of the devices that are assigned to it directly. */
  passthroughDevices: readonly string[];
}

/** A host as far as a migration is concerned. The vendor is no part of it: it is never a reason (MIG-1). */
export interface MigrationHost {
  id: string;
  online: boolean;
  /** What it gives to VMs, after the cluster's baseline. */
  cpu: CpuIdentity;
  datastoreIds: readonly string[];
  switchIds: readonly string[];
}
export interface MigrationTarget extends MigrationHost {
  freeVcpus: number;
  freeMhz: number;
  freeMemoryMiB: number;
}

export interface Migration {
  vm: MigratingVm;
  source: MigrationHost;
  target: MigrationTarget;
}

/**
 * All that forbids a live migration, in the order of the checks, not only the first (MIG-8); empty when it may begin.
 * @throws `Refused` SCH-6 for a CPU generation that is not known.
 */
export function migrationRefusals(migration: Migration): Refusal[] {
  return CHECKS.flatMap((check) => check(migration) ?? []);
}

type Check = (migration: Migration) => Refusal | Refusal[] | undefined;

const CHECKS: readonly Check[] = [otherHost, online, cpu, devices, localVolumes, sharedStorage, switches, capacity];

function otherHost({ source, target }: Migration): Refusal | undefined {
  if (source.id !== target.id) return undefined;
  return { rule: 'MIG-8', reason: `the VM already runs on ${target.id}`, fix: 'choose another host' };
}

function online({ target }: Migration): Refusal | undefined {
  if (target.online) return undefined;
  return { rule: 'MIG-8', reason: `host ${target.id} is not online`, fix: 'bring the host online, or choose another' };
}

function cpu({ vm, target }: Migration): Refusal | undefined {
  return migrationCpuRefusal(vm.cpu, target.cpu);
}

function devices({ vm }: Migration): Refusal | undefined {
  if (vm.passthroughDevices.length === 0) return undefined;
  return {
    rule: 'IO-4',
    reason: `passthrough device: ${vm.passthroughDevices.join(', ')} cannot follow the VM`,
    fix: 'remove the device from the VM',
    figures: { devices: vm.passthroughDevices.join(', ') },
  };
}

function localVolumes({ vm }: Migration): Refusal | undefined {
  const local = vm.volumes.filter((volume) => volume.local).map((volume) => volume.name);
  if (local.length === 0) return undefined;
  return {
    rule: 'STO-1',
    reason: `local storage of the source holds ${local.join(', ')}`,
    fix: 'move these volumes to shared storage first',
    figures: { volumes: local.join(', ') },
  };
}

/** Each side of the switch-over writes the volumes, so both hosts must reach them. */
function sharedStorage({ vm, source, target }: Migration): Refusal[] {
  const needed = [...new Set(vm.volumes.filter((volume) => !volume.local).map((volume) => volume.datastoreId))];
  return [source, target].flatMap((host) => {
    const missing = needed.filter((id) => !host.datastoreIds.includes(id));
    if (missing.length === 0) return [];
    return {
      rule: 'MIG-8',
      reason: `host ${host.id} does not reach datastore ${missing.join(', ')}`,
      fix: 'connect the host to it, move the volumes, or choose another host',
      figures: { host: host.id, datastores: missing.join(', ') },
    };
  });
}

function switches({ vm, target }: Migration): Refusal | undefined {
  const missing = [...new Set(vm.switchIds)].filter((id) => !target.switchIds.includes(id));
  if (missing.length === 0) return undefined;
  return {
    rule: 'NET-2',
    reason: `host ${target.id} is not connected to switch ${missing.join(', ')}`,
    fix: 'connect the host to the same distributed switch, or choose another host',
    figures: { switches: missing.join(', ') },
  };
}

function capacity({ vm, target }: Migration): Refusal[] {
  const amounts: [unit: string, wanted: number, free: number][] = [
    ['vCPUs', vm.vcpus, target.freeVcpus],
    ['MHz', vm.mhz, target.freeMhz],
    ['MiB', vm.memoryMiB, target.freeMemoryMiB],
  ];
  return amounts
    .filter(([, wanted, free]) => wanted > free)
    .map(([unit, wanted, free]) => ({
      rule: 'MIG-8',
      reason: `host ${target.id} has ${free} ${unit} free, the VM needs ${wanted}`,
      fix: 'move VMs away from the host, or choose another',
      figures: { [`free${unit}`]: free, [`needed${unit}`]: wanted },
    }));
}
