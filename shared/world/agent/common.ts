import type { Clock } from '../../kernel/clock.ts';
import type { World } from '../world.ts';

/** What every order of the agents works with. */
export interface Site {
  world: World;
  clock: Clock;
}

/** A write lost a race or came too late. The order has no effect. */
export class Refusal extends Error {}

/** Each order by itself: a refusal of one does not stop the others. */
export async function each<O, R>(
  orders: O[],
  act: (order: O) => Promise<R>,
  refused: (order: O, reason: string) => R,
): Promise<R[]> {
  const results: R[] = [];
  for (const order of orders) {
    try {
      results.push(await act(order));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      results.push(refused(order, error.message));
    }
  }
  return results;
}
