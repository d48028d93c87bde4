import type { Invariant } from './facts.ts';

/** INV-7: of a protected group one copy may write at most. */
export const onePrimaryPerGroup: Invariant = {
  id: 'INV-7',
  check({ seen }) {
    const violations: string[] = [];
    const byGroup = Map.groupBy(seen.copies ?? [], (c) => c.groupId);
    for (const [groupId, copies] of byGroup) {
      const writers = copies.filter((c) => c.writes);
      if (writers.length > 1)
        violations.push(
          `${groupId} can be written at ${writers.map((c) => `${c.siteId} (epoch ${c.epoch})`).join(' and ')}`,
        );
    }
    return { checked: byGroup.size, violations };
  },
};
