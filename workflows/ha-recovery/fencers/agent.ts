import { PortTimeout, type SeenHost, type StopOrder } from '../../../shared/hypervisor/port.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import type { Store } from '../../../shared/store/store.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Fencer } from './fencer.ts';

/** A host that answers again while it is being fenced is not let off: its agent stops all that it runs first. */
export const agent: Fencer = {
  async fence(siteId, hosts, { port, store }) {
    try {
      const listed = await port.listProcesses(
        siteId,
        hosts.map((h) => h.id),
      );
      const believed = await Promise.all(listed.map(({ hostId }) => ordersForBelieved(hostId, store)));
      const stops = await port.stopVms(siteId, [...believed.flat(), ...listed.flatMap(ordersFor)]);
      const left = new Set(stops.filter((s) => s.outcome !== 'stopped' && s.outcome !== 'absent').map((s) => s.hostId));
      return new Map(
        listed
          .filter((h) => !left.has(h.hostId))
          .map((h) => [h.hostId, `its agent confirms that ${ordersFor(h).length} processes are stopped`]),
      );
    } catch (error) {
      if (error instanceof PortTimeout) return new Map();
      throw error;
    }
  },
};

/** The host goes on to live: an order to start one of them that is still on its way is refused by the record as well. */
const ordersForBelieved = async (hostId: string, store: Store): Promise<StopOrder[]> =>
  (await new TenantData(store, SYSTEM).vmsOnHost(hostId)).map(({ id, epoch }) => ({ vmId: id, hostId, epoch }));

/** Also a copy that may still arrive is refused by the record that the order leaves. */
const ordersFor = ({ hostId, processes, incoming }: SeenHost) =>
  [...processes, ...incoming].map((p) => ({ vmId: p.vmId, hostId, epoch: p.epoch }));
