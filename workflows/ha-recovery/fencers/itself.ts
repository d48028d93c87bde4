import { judgedBy } from '../judge.ts';
import type { Fencer } from './fencer.ts';

/**
 * HA-19: an isolated host that has stopped its VMs, or one that restarted out of reach, says so by its storage; of one that
 * boots its power controller says it.
 */
export const itself: Fencer = {
  async fence(siteId, hosts, deps) {
    const judged = await judgedBy(siteId, hosts, deps);
    const sure = hosts.flatMap((host): [string, string][] => {
      const found = judged?.get(host.id);
      if (found?.fence !== 'itself') return [];
      const words =
        found.condition === 'dead'
          ? 'it boots, says its power controller: all it ran has ended'
          : `it says by its storage heartbeat that all it ran has ended, and it cannot be asked to start anything: ${found.condition}`;
      return [[host.id, words]];
    });
    return new Map(sure);
  },
};
