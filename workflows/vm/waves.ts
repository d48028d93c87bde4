import { MAX_ACTIONS } from '../../shared/store/transaction.ts';

/**
 * As many things, in their order, as fit into one transaction: items that several of them write are one action. What is
 * `alone` has a transaction of its own.
 */
export function inWaves<T>(
  things: readonly T[],
  itemsOf: (thing: T) => readonly string[],
  alone: (thing: T) => boolean = () => false,
): T[][] {
  const waves: T[][] = [];
  let items = new Set<string>();
  let closed = true;
  for (const thing of things) {
    const mine = itemsOf(thing);
    const grown = new Set([...items, ...mine]);
    if (closed || alone(thing) || grown.size > MAX_ACTIONS) {
      waves.push([]);
      items = new Set(mine);
    } else items = grown;
    waves.at(-1)?.push(thing);
    closed = alone(thing);
  }
  return waves;
}
