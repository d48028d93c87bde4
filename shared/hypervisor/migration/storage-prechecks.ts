import type { Datastore } from '../../model/inventory.ts';
import { STORAGE_COPY_MAX_DISKS, STORAGE_COPY_MIBPS, STORAGE_COPY_MIN_MIBPS } from '../parameters.ts';
import type { Refusal } from '../refusal.ts';

export interface StorageMigration {
  vm: {
    siteId: string;
    clusterId: string;
    disks: readonly { name: string; sizeGiB: number; io: string; datastoreId: string }[];
  };
  moves: readonly { name: string; datastoreId: string }[];
  mbps?: number | undefined;
  /** Of all sites. */
  datastores: readonly Datastore[];
}

/** A refusal, where in the request its cause stands, and of which sort it is. */
export interface StorageRefusal extends Refusal {
  at: string;
  /** `request`: no VM could be asked this. `property`: disk or datastore forbid it. `room`: there is too little now. */
  sort: 'request' | 'property' | 'room';
}

/** All that forbids a storage migration, not only the first (STO-5); empty when it may begin. */
export function storageMigrationRefusals(migration: StorageMigration): StorageRefusal[] {
  return [
    ...countAndSpeed(migration),
    ...migration.moves.flatMap((_, i) => moveRefusals(migration, i)),
    ...roomRefusals(migration),
  ];
}

const sto5 = (at: string, reason: string, fix: string, figures?: Refusal['figures']): StorageRefusal => ({
  rule: 'STO-5',
  sort: 'request',
  at,
  reason,
  fix,
  ...(figures ? { figures } : {}),
});

function countAndSpeed({ moves, mbps = STORAGE_COPY_MIBPS }: StorageMigration): StorageRefusal[] {
  const refusals: StorageRefusal[] = [];
  const [most, least] = [STORAGE_COPY_MAX_DISKS, STORAGE_COPY_MIN_MIBPS];
  if (moves.length < 1 || moves.length > most)
    refusals.push(sto5('disks', `${moves.length} disks are named`, `name 1 to ${most}`, { disks: moves.length }));
  if (mbps < least)
    refusals.push(
      sto5('mbps', `${mbps} MiB/s is too slow`, `give at least ${least} MiB/s`, { mbps, leastMbps: least }),
    );
  return refusals;
}

function moveRefusals({ vm, moves, datastores }: StorageMigration, i: number): StorageRefusal[] {
  const { name, datastoreId } = moves[i] as StorageMigration['moves'][number];
  const [disk, target] = [vm.disks.find((d) => d.name === name), datastores.find((d) => d.id === datastoreId)];
  const [nameAt, targetAt] = [`disks.${i}.name`, `disks.${i}.datastoreId`];
  const refusals: StorageRefusal[] = [];
  if (moves.findIndex((m) => m.name === name) < i)
    refusals.push(sto5(nameAt, `disk ${name} is named twice`, 'name each disk once'));
  if (!disk) refusals.push(sto5(nameAt, `the VM has no disk ${name}`, `use one of: ${namesOf(vm.disks)}`));
  else if (disk.io === 'passthrough')
    refusals.push({
      rule: 'IO-4',
      sort: 'property',
      at: nameAt,
      reason: `disk ${name} is a passthrough device, whose bytes the hypervisor does not see`,
      fix: 'leave this disk where it is',
    });
  if (!target) refusals.push(sto5(targetAt, `there is no datastore ${datastoreId}`, 'see GET /v1/system/datastores'));
  else refusals.push(...targetRefusals(vm, target, targetAt));
  if (disk && target && disk.datastoreId === target.id)
    refusals.push(sto5(targetAt, `disk ${name} stands on ${target.id} already`, 'choose another datastore'));
  return refusals;
}

function targetRefusals(vm: StorageMigration['vm'], target: Datastore, at: string): StorageRefusal[] {
  if (target.siteId !== vm.siteId)
    return [
      sto5(at, `datastore ${target.id} is at ${target.siteId}, the VM at ${vm.siteId}`, `choose one of ${vm.siteId}`),
    ];
  if (target.kind === 'local' || target.hostId !== undefined)
    return [
      {
        rule: 'STO-1',
        sort: 'property',
        at,
        reason: `datastore ${target.id} is local to one host`,
        fix: 'choose a shared datastore',
      },
    ];
  if (target.clusters.length > 0 && !target.clusters.includes(vm.clusterId))
    return [
      {
        rule: 'MIG-8',
        sort: 'property',
        at,
        reason: `the hosts of ${vm.clusterId} do not reach datastore ${target.id}`,
        fix: `choose one that ${vm.clusterId} reaches`,
      },
    ];
  return [];
}

/** What is moved to one datastore must find room there together. */
function roomRefusals({ vm, moves, datastores }: StorageMigration): StorageRefusal[] {
  return [...Map.groupBy(moves, (m) => m.datastoreId)].flatMap(([id, group]) => {
    const target = datastores.find((d) => d.id === id);
    const names = new Set(group.map((m) => m.name));
    const disks = vm.disks.filter((d) => names.has(d.name) && d.datastoreId !== id);
    const neededGiB = disks.reduce((n, d) => n + d.sizeGiB, 0);
    if (!target || target.freeGiB >= neededGiB) return [];
    return [
      roomRefusal(
        moves.findIndex((m) => m.datastoreId === id),
        target,
        neededGiB,
      ),
    ];
  });
}

const roomRefusal = (i: number, { id, freeGiB }: Datastore, neededGiB: number): StorageRefusal => ({
  rule: 'STO-5',
  sort: 'room',
  at: `disks.${i}.datastoreId`,
  reason: `datastore ${id} has ${freeGiB} GiB free, ${neededGiB} GiB are needed`,
  fix: 'choose another datastore, or free this one',
  figures: { datastore: id, freeGiB, neededGiB },
});

const namesOf = (disks: readonly { name: string }[]): string => disks.map((d) => d.name).join(', ');
