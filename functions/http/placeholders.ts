import type { Placeholders } from '../../shared/model/placeholder.ts';
import type { Vm } from '../../shared/model/vm.ts';

/** The placeholders of a protected VM, by site: its copies, and the compute that is kept for it (DR-21). Hosts are not told. */
export const placeholderViews = ({ id, protection }: Pick<Vm, 'id' | 'protection'>, kept: Placeholders | undefined) =>
  (protection?.replicas ?? []).map(({ siteId, volumes }) => {
    const seat = kept?.siteId === siteId ? kept.seats[id] : undefined;
    const lacking = kept?.siteId === siteId ? kept.lacking[id] : undefined;
    return {
      siteId,
      volumes: volumes.map(({ name, sizeGiB }) => ({ name, sizeGiB })),
      ...(seat
        ? {
            reserved: {
              clusterId: seat.clusterId,
              vcpus: seat.amounts.vcpus,
              mhz: seat.amounts.mhz,
              memoryMiB: seat.amounts.memoryMiB,
              ...(seat.lentTo === undefined ? {} : { usedByTestVmId: seat.lentTo }),
            },
          }
        : {}),
      ...(lacking === undefined ? {} : { notReserved: lacking }),
    };
  });
