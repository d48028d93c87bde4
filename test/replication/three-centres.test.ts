import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import {
  type CentreEvent,
  differences,
  healthy,
  lagOfC,
  replicatesToC,
  serving,
  step,
  type ThreeCentres,
} from '../../shared/replication/three-centres.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const write = (times: number): CentreEvent[] => Array.from({ length: times }, () => ({ kind: 'write' }));
const lost = (centre: 'A' | 'B' | 'C'): CentreEvent => ({ kind: 'lost', centre });
const returned = (centre: 'A' | 'B' | 'C'): CentreEvent => ({ kind: 'returned', centre });
const resynchronised = (centre: 'A' | 'B'): CentreEvent => ({ kind: 'resynchronised', centre });
const replicate = (writes: number): CentreEvent => ({ kind: 'replicate', writes });
const given = (...events: (CentreEvent | CentreEvent[])[]): ThreeCentres => events.flat().reduce(step, healthy());

describe('I8 (Huawei OceanStor documentation on three-centre DR): A and B active-active, B to C asynchronous', () => {
  it('all there: A and B serve, B sends to C, and C lags by what is not sent yet', () => {
    const s = given(write(10), replicate(7));
    expect(serving(s)).toEqual(['A', 'B']);
    expect([replicatesToC(s), lagOfC(s), differences(s)]).toEqual([true, 3, []]);
  });

  it('A fails: B takes over, records the difference to A, and B to C is not affected; A returns: B resynchronises A', () => {
    const failed = given(write(10), lost('A'), write(5), replicate(15));
    expect(serving(failed)).toEqual(['B']);
    expect(differences(failed)).toEqual([{ from: 'B', to: 'A', writes: 5 }]);
    expect([replicatesToC(failed), lagOfC(failed)]).toEqual([true, 0]);
    const back = step(failed, returned('A'));
    expect(serving(back), 'old data are not served').toEqual(['B']);
    const whole = step(back, resynchronised('A'));
    expect([serving(whole), differences(whole)]).toEqual([['A', 'B'], []]);
  });

  it('B fails: A takes over, and its new data do not reach C; B returns: A resynchronises B, then B to C goes on', () => {
    const failed = given(write(10), replicate(10), lost('B'), write(5));
    expect(serving(failed)).toEqual(['A']);
    expect(differences(failed)).toEqual([{ from: 'A', to: 'B', writes: 5 }]);
    expect([replicatesToC(failed), lagOfC(failed)]).toEqual([false, 5]);
    expect(() => step(failed, replicate(1))).toThrow(Refused);
    const back = step(failed, returned('B'));
    expect(replicatesToC(back), 'not before B has been resynchronised').toBe(false);
    const whole = step(back, resynchronised('B'));
    expect([serving(whole), replicatesToC(whole), lagOfC(whole)]).toEqual([['A', 'B'], true, 5]);
    expect(lagOfC(step(whole, replicate(5)))).toBe(0);
  });

  it('C fails: A and B serve on; C returns and is sent all that it lacks', () => {
    const failed = given(write(4), replicate(4), lost('C'), write(6));
    expect([serving(failed), replicatesToC(failed), lagOfC(failed)]).toEqual([['A', 'B'], false, 6]);
    expect(lagOfC(given(write(4), replicate(4), lost('C'), write(6), returned('C'), replicate(6)))).toBe(0);
  });

  it('A and B fail: nobody serves until C takes over, and what it lacked then is lost, no more (DR-18)', () => {
    const failed = given(write(10), replicate(7), lost('A'), lost('B'));
    expect(serving(failed)).toEqual([]);
    expect(() => step(failed, { kind: 'write' })).toThrow(/no centre serves/);
    const taken = step(failed, { kind: 'takeOver' });
    expect(taken).toMatchObject({ lostAtTakeOver: 3, written: 7 });
    expect(serving(taken)).toEqual(['C']);
    // What A and B have beyond C is not overwritten by itself (DR-14).
    const back = step(step(taken, returned('A')), { kind: 'write' });
    expect([serving(back), back.holds.A, differences(back)]).toEqual([['C'], 10, []]);
    expect(() => step(back, resynchronised('A'))).toThrow(/DR-18/);
  });

  it('A fails, then B: A returns alone and does not serve from old data; B returns and serves all', () => {
    const s = given(write(10), lost('A'), write(5), lost('B'), returned('A'));
    expect(serving(s)).toEqual([]);
    expect(() => step(s, resynchronised('A'))).toThrow(Refused);
    const back = step(s, returned('B'));
    expect([serving(back), differences(back)]).toEqual([['B'], [{ from: 'B', to: 'A', writes: 5 }]]);
  });

  it('C does not take over while A or B serves, nor when it is lost', () => {
    expect(() => given({ kind: 'takeOver' })).toThrow(/serves/);
    expect(() => given(lost('A'), lost('B'), lost('C'), { kind: 'takeOver' })).toThrow(/lost/);
    expect(() => given(lost('A'), lost('A'))).toThrow(Refused);
    expect(() => given(write(1), replicate(2))).toThrow(Refused);
  });
});

const anyEvent: fc.Arbitrary<CentreEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<CentreEvent>({ kind: 'write' }) },
  fc.nat(5).map(replicate),
  fc.constantFrom('A' as const, 'B' as const, 'C' as const).map(lost),
  fc.constantFrom('A' as const, 'B' as const, 'C' as const).map(returned),
  fc.constantFrom('A' as const, 'B' as const).map(resynchronised),
  fc.constant<CentreEvent>({ kind: 'takeOver' }),
);

it('whatever happens, who serves has every acknowledged write, C never has more than B, and only a takeover loses any', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      let s = healthy();
      for (const event of events) {
        let next: ThreeCentres;
        try {
          next = step(s, event);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
          continue;
        }
        for (const c of serving(next)) expect(next.up[c] && next.holds[c] === next.written).toBe(true);
        if (next.lostAtTakeOver === undefined) {
          expect(next.holds.C).toBeLessThanOrEqual(next.holds.B);
          expect(Math.max(next.holds.A, next.holds.B)).toBe(next.written);
          expect(next.written).toBeGreaterThanOrEqual(s.written);
          for (const c of ['A', 'B', 'C'] as const) expect(next.holds[c]).toBeGreaterThanOrEqual(s.holds[c]);
        }
        if (next.written < s.written) expect(s.written - next.written).toBe(next.lostAtTakeOver);
        s = next;
      }
    }),
    { numRuns },
  );
});
