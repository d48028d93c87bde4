import { Refused } from '../hypervisor/refusal.ts';

/**
 * DR-18, I8: centres A and B hold the same data, both serve (active-active), and B copies to C asynchronously. Data are
 * told by the number of the last write: writes keep their order, so a centre that has write n has all before it.
 * Losses of links are not modelled: a centre is there or it is lost.
 */
export type Centre = 'A' | 'B' | 'C';
const CENTRES: readonly Centre[] = ['A', 'B', 'C'];
const ACTIVE = ['A', 'B'] as const;

export interface ThreeCentres {
  /** Number of the last write that was acknowledged. */
  written: number;
  up: Record<Centre, boolean>;
  /** The last write that a centre has. */
  holds: Record<Centre, number>;
  /** Set once C has taken over: writes that were acknowledged and C did not have. */
  lostAtTakeOver?: number;
}
export type CentreEvent =
  | { kind: 'write' }
  /** B has sent so many more writes to C. */
  | { kind: 'replicate'; writes: number }
  | { kind: 'lost' | 'returned'; centre: Centre }
  /** The difference that the serving centre recorded has been sent. */
  | { kind: 'resynchronised'; centre: 'A' | 'B' }
  /** An operator's decision: A and B are gone. */
  | { kind: 'takeOver' };

/** All three there, with the same data. */
export const healthy = (): ThreeCentres => ({
  written: 0,
  up: { A: true, B: true, C: true },
  holds: { A: 0, B: 0, C: 0 },
});

/**
 * Who serves. Of A and B each that is there and has every acknowledged write; so a centre that returns, or was lost
 * first and returns alone, does not serve from old data. C only after it has taken over.
 */
export function serving(s: ThreeCentres): Centre[] {
  if (s.lostAtTakeOver !== undefined) return s.up.C ? ['C'] : [];
  return ACTIVE.filter((c) => s.up[c] && s.holds[c] === s.written);
}

/** Differences between A and B that the serving one records: who will resynchronise whom, and how many writes. */
export function differences(s: ThreeCentres): { from: Centre; to: Centre; writes: number }[] {
  const [source] = serving(s);
  if (source === undefined || source === 'C') return [];
  return ACTIVE.filter((c) => s.holds[c] < s.written).map((to) => ({
    from: source,
    to,
    writes: s.written - s.holds[to],
  }));
}

/** Whether writes flow from B to C: B has to serve. What A takes alone does not reach C. */
export const replicatesToC = (s: ThreeCentres): boolean => s.up.C && serving(s).includes('B');

/** Acknowledged writes that C does not have: what would be lost if it took over now. */
export const lagOfC = (s: ThreeCentres): number => s.written - s.holds.C;

/**
 * The state after an event.
 * @throws `Refused` DR-18 when the event is not possible in this state; the state is unchanged
 */
export function step(s: ThreeCentres, event: CentreEvent): ThreeCentres {
  const refuse = (reason: string, fix: string, figures: Record<string, number | string> = {}) =>
    new Refused({ rule: 'DR-18', reason, fix, figures: { event: event.kind, ...figures } });
  switch (event.kind) {
    case 'write': {
      const takers = serving(s);
      if (takers.length === 0)
        throw refuse('no centre serves', 'bring back the centre that served last, or let C take over');
      const written = s.written + 1;
      return { ...s, written, holds: { ...s.holds, ...Object.fromEntries(takers.map((c) => [c, written])) } };
    }
    case 'replicate': {
      if (!replicatesToC(s))
        throw refuse('nothing flows from B to C', 'bring back and resynchronise B, and bring back C');
      if (!(Number.isSafeInteger(event.writes) && event.writes >= 0 && event.writes <= lagOfC(s)))
        throw refuse(`${event.writes} writes cannot be sent to C`, `send 0 to ${lagOfC(s)}`, { lag: lagOfC(s) });
      return { ...s, holds: { ...s.holds, C: s.holds.C + event.writes } };
    }
    case 'lost':
    case 'returned': {
      const up = event.kind === 'returned';
      if (!CENTRES.includes(event.centre) || s.up[event.centre] === up)
        throw refuse(`centre ${event.centre} is ${up ? 'there' : 'lost'} already`, 'name another centre');
      return { ...s, up: { ...s.up, [event.centre]: up } };
    }
    case 'resynchronised': {
      if (!s.up[event.centre]) throw refuse(`centre ${event.centre} is lost`, 'bring it back first');
      if (!differences(s).some((d) => d.to === event.centre))
        throw refuse(
          `no centre can resynchronise ${event.centre}`,
          s.lostAtTakeOver === undefined
            ? 'bring back the other one, with the newer data'
            : 'reprotect it (DR-12, DR-14)',
        );
      return { ...s, holds: { ...s.holds, [event.centre]: s.written } };
    }
    case 'takeOver': {
      if (s.lostAtTakeOver !== undefined) throw refuse('C has taken over already', 'fail back first (DR-13)');
      if (ACTIVE.some((c) => serving(s).includes(c))) throw refuse('A or B serves', 'let it serve');
      if (!s.up.C) throw refuse('C is lost', 'bring back any centre');
      return { ...s, written: s.holds.C, lostAtTakeOver: lagOfC(s) };
    }
  }
}
