import { Refused } from '../hypervisor/refusal.ts';

/** BKP-9, J6: repositories whose increments depend on a full backup, so that a chain can only go as a whole. */
export interface ChainPoint {
  id: string;
  kind: 'full' | 'increment';
}

/**
 * The chains of a repository: each is a full backup and the increments after it. Points are given oldest first.
 * @throws `Refused` BKP-8 when the first point is an increment: its parent is gone
 */
export function chainsOf<P extends ChainPoint>(points: readonly P[]): P[][] {
  const chains: P[][] = [];
  for (const point of points) {
    const last = chains[chains.length - 1];
    if (point.kind === 'full') chains.push([point]);
    else if (last) last.push(point);
    else
      throw new Refused({
        rule: 'BKP-8',
        reason: `the increment ${point.id} has no full backup before it`,
        fix: 'begin the chain with a full backup',
        figures: { point: point.id },
      });
  }
  return chains;
}

/**
 * The old chains that may be deleted: those after which newer chains hold the points to keep. Until then nothing of a
 * chain goes, so that a repository may hold more points than the number says, never fewer.
 * @throws `Refused` BKP-9 when the number is not whole or below one; BKP-8 as `chainsOf`
 */
export function removableChains<P extends ChainPoint>(points: readonly P[], keep: number): P[][] {
  if (!(Number.isSafeInteger(keep) && keep >= 1))
    throw new Refused({
      rule: 'BKP-9',
      reason: `${keep} points cannot be kept`,
      fix: 'keep a whole number of points, one at least',
      figures: { keep },
    });
  let newer = points.length;
  return chainsOf(points).filter((chain) => {
    newer -= chain.length;
    return newer >= keep;
  });
}
