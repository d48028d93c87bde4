import { Refused } from '../refusal.ts';

/** One that wants a part of a capacity. All amounts are in the capacity's unit; `share` is a weight above 0. */
export interface Claim {
  id: string;
  share: number;
  /** Guaranteed under contention, 0 = none. */
  reservation: number;
  /** Never exceeded, not even on an idle host; undefined = none. */
  limit?: number | undefined;
  demand: number;
}

/** What decided on a grant: it got all it wanted, its limit, its reservation held it up, or its share of the rest. */
export type BoundBy = 'demand' | 'limit' | 'reservation' | 'shares';
export interface Grant {
  id: string;
  granted: number;
  floor: number;
  ceiling: number;
  boundBy: BoundBy;
}

/** Sums of floats may miss an exact bound by so much of the capacity. */
const ROUNDING = 1e-9;

/**
 * Divides a capacity in proportion to shares, between each claim's floor (reservation, if wanted) and ceiling (limit or
 * demand): QOS-1 to QOS-3, CPU-19. There is one level so that the sum of clamp(level x share, floor, ceiling) equals the
 * smaller of the capacity and the sum of ceilings; it is found by walking the sorted points at which a claim leaves its
 * floor or reaches its ceiling. Grants come in the order of the claims and do not depend on it.
 * @throws Refused QOS-2 when the floors alone exceed the capacity: an admission that should not have been.
 */
export function waterFill(capacity: number, claims: readonly Claim[]): { grants: Grant[]; level: number } {
  const bounds = claims.map((c) => {
    const ceiling = Math.max(0, Math.min(c.limit ?? Number.POSITIVE_INFINITY, c.demand));
    return { ...c, ceiling, floor: Math.min(c.reservation, ceiling) };
  });
  const floors = sum(bounds.map((b) => b.floor));
  if (floors > capacity * (1 + ROUNDING) + ROUNDING) {
    throw new Refused({
      rule: 'QOS-2',
      reason: `the reservations in use (${round(floors)}) exceed the capacity (${round(capacity)})`,
      fix: 'lower a reservation, or move a VM to another host',
      figures: { reserved: floors, capacity },
    });
  }
  const level = levelFor(capacity, bounds);
  const grants = bounds.map((b): Grant => {
    const granted = Math.min(Math.max(level * b.share, b.floor), b.ceiling);
    return { id: b.id, granted, floor: b.floor, ceiling: b.ceiling, boundBy: boundOf(b, granted) };
  });
  return { grants, level };
}

/** The level of the water; infinite when everybody can have all of the ceiling. */
function levelFor(capacity: number, bounds: readonly { share: number; floor: number; ceiling: number }[]): number {
  if (sum(bounds.map((b) => b.ceiling)) <= capacity) return Number.POSITIVE_INFINITY;
  // Between two points the sum is a straight line: fixed part + slope x level.
  const points = bounds
    .flatMap((b) => [
      { at: b.floor / b.share, slope: b.share, fixed: -b.floor },
      { at: b.ceiling / b.share, slope: -b.share, fixed: b.ceiling },
    ])
    .sort((a, b) => a.at - b.at);
  let fixed = sum(bounds.map((b) => b.floor));
  let slope = 0;
  let passed = 0;
  for (let i = 0; i < points.length; ) {
    const at = (points[i] as { at: number }).at;
    if (fixed + slope * at >= capacity) break;
    for (; i < points.length && points[i]?.at === at; i++) {
      slope += (points[i] as { slope: number }).slope;
      fixed += (points[i] as { fixed: number }).fixed;
    }
    passed = at;
  }
  // Where the sum is flat, every level of that stretch gives the same grants.
  return slope > 0 ? (capacity - fixed) / slope : passed;
}

function boundOf(b: Claim & { ceiling: number; floor: number }, granted: number): BoundBy {
  const slack = ROUNDING * Math.max(1, granted);
  if (granted >= b.ceiling - slack) return b.limit !== undefined && b.limit < b.demand ? 'limit' : 'demand';
  return b.floor > 0 && granted <= b.floor + slack ? 'reservation' : 'shares';
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
const round = (n: number): number => Math.round(n * 100) / 100;
