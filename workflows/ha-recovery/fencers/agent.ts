import { PortTimeout, type SeenHost } from '../../../shared/hypervisor/port.ts';
import type { Fencer } from './fencer.ts';

/** A host that answers again while it is being fenced is not let off: its agent stops all that it runs first. */
export const agent: Fencer = {
  name: 'agent',
  async fence(siteId, hosts, { port }) {
    try {
      const listed = await port.listProcesses(
        siteId,
        hosts.map((h) => h.id),
      );
      const stops = await port.stopVms(siteId, listed.flatMap(ordersFor));
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

/** Also a copy that may still arrive is refused by the record that the order leaves. */
const ordersFor = ({ hostId, processes, incoming }: SeenHost) =>
  [...processes, ...incoming].map((p) => ({ vmId: p.vmId, hostId, epoch: p.epoch }));
