import { DomainError } from '../kernel/errors.ts';

/** state -> event -> next state. An event that is not listed is refused and changes nothing. */
export type Table<S extends string, E extends string> = Record<S, Partial<Record<E, S>>>;

export interface StateMachine<S extends string, E extends string> {
  readonly kind: string;
  readonly table: Table<S, E>;
  /** Whether the state takes the event. */
  can(state: S, event: E): boolean;
  /** The states that take the event. */
  statesFor(event: E): S[];
  /** @throws DomainError `illegal-transition` with the state, the event and what is allowed. */
  next(state: S, event: E): S;
}

export function stateMachine<S extends string, E extends string>(kind: string, table: Table<S, E>): StateMachine<S, E> {
  return {
    kind,
    table,
    can: (state, event) => table[state][event] !== undefined,
    statesFor: (event) => (Object.keys(table) as S[]).filter((s) => table[s][event] !== undefined),
    next(state, event) {
      const to = table[state][event];
      if (to !== undefined) return to;
      throw new DomainError('illegal-transition', `A ${kind} that is ${state} does not take '${event}'.`, {
        figures: { state, event, allowed: Object.keys(table[state]) },
      });
    },
  };
}
