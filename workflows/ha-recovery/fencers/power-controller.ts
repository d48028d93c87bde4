import { PortTimeout } from '../../../shared/hypervisor/port.ts';
import type { Fencer } from './fencer.ts';

export const POWERED_OFF = 'powered off, confirmed by its power controller';

/** Cuts the power through the hosts' controllers (BMC) and has it confirmed. */
export const powerController: Fencer = {
  async fence(siteId, hosts, { port }) {
    try {
      const results = await port.fenceHosts(
        siteId,
        hosts.map((h) => h.id),
      );
      return new Map(results.filter((r) => r.outcome === 'confirmed').map((r) => [r.hostId, POWERED_OFF]));
    } catch (error) {
      if (error instanceof PortTimeout) return new Map();
      throw error;
    }
  },
};
