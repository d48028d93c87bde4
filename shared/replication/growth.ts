import type { Refusal } from '../hypervisor/refusal.ts';
import type { Datastore } from '../model/inventory.ts';
import type { GroupState, Replica } from '../model/protection.ts';
import type { Disk, Vm } from '../model/vm.ts';

/** Room that is needed besides what is held, GiB. */
export interface Room {
  siteId: string;
  datastoreId: string;
  gib: number;
}

/** Groups in these states are switched, or turned round, by an execution of a plan: what it moves must not change. */
const SWITCHED: readonly GroupState[] = [
  'testing',
  'cleaning',
  'migrating',
  'failingOver',
  'partiallyRecovered',
  'reprotecting',
  'partiallyReprotected',
];
export const isSwitched = ({ state }: { state: GroupState }): boolean => SWITCHED.includes(state);

/** The copies of a VM, each volume at least as large as its disk (DR-17). Pure. */
export const enlarged = (replicas: readonly Replica[], disks: readonly Pick<Disk, 'name' | 'sizeGiB'>[]): Replica[] =>
  replicas.map(({ siteId, volumes }) => ({
    siteId,
    volumes: volumes.map((v) => ({
      ...v,
      sizeGiB: Math.max(v.sizeGiB, disks.find((d) => d.name === v.name)?.sizeGiB ?? 0),
    })),
  }));

/** Sites where the copy of a disk is believed smaller than the disk: what is written to its end is not copied there. */
export const behindAt = ({ protection }: Pick<Vm, 'protection'>, disk: Pick<Disk, 'name' | 'sizeGiB'>): string[] =>
  (protection?.replicas ?? [])
    .filter((r) => r.volumes.some((v) => v.name === disk.name && v.sizeGiB < disk.sizeGiB))
    .map((r) => r.siteId);

/** What copies of VMs need besides what they hold, to be as large as the disks. */
export const roomToCatchUp = (vms: readonly Pick<Vm, 'disks' | 'protection'>[]): Room[] =>
  vms.flatMap(({ disks, protection }) =>
    (protection?.replicas ?? []).flatMap(({ siteId, volumes }) =>
      volumes.flatMap(({ name, sizeGiB, datastoreId }): Room[] => {
        const gib = (disks.find((d) => d.name === name)?.sizeGiB ?? 0) - sizeGiB;
        return gib > 0 ? [{ siteId, datastoreId, gib }] : [];
      }),
    ),
  );

/**
 * Datastores that have not so much left, each with its figures. Of a datastore a tenant is told the site, and what it is
 * for: `primarySiteId` is where the disks themselves stand.
 */
export function roomRefusals(
  needed: readonly Room[],
  datastores: readonly Datastore[],
  primarySiteId: string,
): Refusal[] {
  return [...Map.groupBy(needed, (room) => room.datastoreId)].flatMap(([id, rooms]): Refusal[] => {
    const gib = rooms.reduce((sum, room) => sum + room.gib, 0);
    const freeGiB = datastores.find((d) => d.id === id)?.freeGiB ?? 0;
    const siteId = rooms[0]?.siteId ?? '';
    if (gib <= freeGiB) return [];
    const copy = siteId !== primarySiteId;
    return [
      {
        rule: copy ? 'DR-17' : 'ELA-3',
        reason: `it takes ${gib} GiB more at ${siteId}${copy ? ', for the copy there' : ''}, and its datastore has ${freeGiB} GiB left`,
        fix: 'ask for less, or have storage added there',
        figures: { siteId, neededGiB: gib, freeGiB },
      },
    ];
  });
}
