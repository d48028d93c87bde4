/** Pages of one kind, with the share of all accesses that go to them, each page as often as every other of its kind. */
export interface AccessedPages {
  /** Number of pages, not necessarily whole. */
  pages: number;
  /** Share of the accesses, 0 to 1. */
  share: number;
}

/**
 * Share of the accesses to each kind that an LRU cache of so many entries serves. Che's approximation (Che, Tung, Wang,
 * "Hierarchical Web Caching Systems", 2002): an entry stays for a characteristic time, in which a page of rate r is
 * accessed again with probability 1 - exp(-r T), and T is what fills the cache. For a single kind it gives
 * entries / pages, the reach against the active memory, which is exact.
 */
export function lruHitRatios(kinds: readonly AccessedPages[], entries: number): number[] {
  if (kinds.reduce((sum, k) => sum + k.pages, 0) <= entries) return kinds.map(() => 1);
  if (entries === 0) return kinds.map(() => 0);
  if (kinds.length === 1) return kinds.map((k) => entries / k.pages);
  const hit = (kind: AccessedPages, time: number): number =>
    kind.pages === 0 ? 0 : -Math.expm1((-kind.share / kind.pages) * time);
  const filled = (time: number): number => kinds.reduce((sum, k) => sum + k.pages * hit(k, time), 0);
  let high = 1;
  while (filled(high) < entries) high *= 2;
  let low = 0;
  // Until no number lies between the two.
  for (let middle = high / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (filled(middle) < entries) low = middle;
    else high = middle;
  }
  return kinds.map((kind) => hit(kind, high));
}
