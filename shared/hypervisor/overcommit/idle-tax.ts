import { IDLE_TAX_RATE } from '../parameters.ts';

/** A VM's claim on memory, MiB. It gets at least the floor and at most the ceiling. */
export interface Claim {
  shares: number;
  /** What it actively uses; all above is idle and costs more shares. */
  activeMiB: number;
  floorMiB: number;
  ceilingMiB: number;
}

/** What an idle page costs when an active one costs 1 (Waldspurger 2002: k = 1 / (1 - tax rate)). */
const IDLE_COST = 1 / (1 - IDLE_TAX_RATE);

/** Level (cost per share) at which a claim reaches so many MiB. */
const levelAt = ({ shares, activeMiB }: Claim, mib: number): number =>
  (Math.min(mib, activeMiB) + Math.max(0, mib - activeMiB) * IDLE_COST) / shares;

/** MiB that a claim gets at a level. */
function mibAt({ shares, activeMiB, floorMiB, ceilingMiB }: Claim, level: number): number {
  const cost = level * shares;
  const mib = cost <= activeMiB ? cost : activeMiB + (cost - activeMiB) / IDLE_COST;
  return Math.max(floorMiB, Math.min(ceilingMiB, mib));
}

/**
 * Divides memory in proportion to shares, where idle pages cost more (Waldspurger, OSDI 2002, sections 5.1 and 5.2):
 * water filling to one level of cost per share, so that whoever pays fewest shares per page gives first. The answer, in
 * MiB and in the order of the claims, adds up to `totalMiB` within the sums of floors and ceilings.
 */
export function divideByShares(claims: readonly Claim[], totalMiB: number): number[] {
  let given = claims.reduce((sum, claim) => sum + claim.floorMiB, 0);
  if (totalMiB <= given) return claims.map((claim) => claim.floorMiB);
  if (totalMiB >= claims.reduce((sum, claim) => sum + claim.ceilingMiB, 0)) return claims.map((c) => c.ceilingMiB);
  let [level, slope] = [0, 0];
  for (const bend of bendsOf(claims)) {
    const next = given + slope * (bend.level - level);
    if (next >= totalMiB) break;
    given = next;
    level = bend.level;
    slope += bend.change;
  }
  if (slope > 0) level += (totalMiB - given) / slope;
  return claims.map((claim) => mibAt(claim, level));
}

/** Where the memory that all claims get together changes its slope over the level, in order. */
function bendsOf(claims: readonly Claim[]): { level: number; change: number }[] {
  const bends: { level: number; change: number }[] = [];
  for (const claim of claims) {
    const { shares, activeMiB, floorMiB, ceilingMiB } = claim;
    if (ceilingMiB <= floorMiB) continue;
    const idleSlope = shares / IDLE_COST;
    const bend = Math.max(floorMiB, Math.min(ceilingMiB, activeMiB));
    if (bend > floorMiB) bends.push({ level: levelAt(claim, floorMiB), change: shares });
    if (bend > floorMiB && bend < ceilingMiB) bends.push({ level: levelAt(claim, bend), change: idleSlope - shares });
    if (bend === floorMiB) bends.push({ level: levelAt(claim, floorMiB), change: idleSlope });
    bends.push({ level: levelAt(claim, ceilingMiB), change: bend < ceilingMiB ? -idleSlope : -shares });
  }
  return bends.sort((a, b) => a.level - b.level);
}
