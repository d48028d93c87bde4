import type { Datastore } from '../../model/inventory.ts';
import type { Refusal } from '../refusal.ts';

/** A disk of a VM with what is read of its datastore. */
export interface PlacedDisk {
  name: string;
  datastore: Pick<Datastore, 'id' | 'kind' | 'hostId'>;
}

/** Why HA or live migration cannot take a VM to another host (STO-1, MIG-8); undefined when no volume is local. */
export function localVolumeRefusal(
  feature: 'HA' | 'live migration',
  disks: readonly PlacedDisk[],
): Refusal | undefined {
  const local = disks.filter((d) => d.datastore.kind !== 'shared');
  if (local.length === 0) return undefined;
  const places = local.map((d) => `disk ${d.name} on ${d.datastore.id} of host ${d.datastore.hostId ?? 'unknown'}`);
  return {
    rule: 'STO-1',
    reason: `${feature} is not possible with a volume on local storage: ${places.join(', ')}`,
    fix: 'move the volume to shared storage',
    figures: { localVolumes: local.length },
  };
}
