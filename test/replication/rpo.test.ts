import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { DAY, HOUR, MINUTE } from '../../shared/kernel/clock.ts';
import { achievedRpo, type Copy, expectedRpo, latestStart, outlook, violations } from '../../shared/replication/rpo.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const clock = (hhmm: string): number => Date.parse(`2026-03-02T${hhmm}:00Z`);
const show = (at: number): string => new Date(at).toISOString().slice(11, 16);
const RPO = 15 * MINUTE;
const TAKES = 5 * MINUTE;

describe('I1 (VMware vSphere Replication administration): RPO 15 min, a synchronisation at 12:00 takes 5 min', () => {
  const copies: Copy[] = [{ stateAt: clock('12:00'), usableAt: clock('12:00') + TAKES }];

  it('it is usable at 12:05 with the state of 12:00', () => {
    expect(achievedRpo(copies, clock('12:04'))).toBe(Number.POSITIVE_INFINITY);
    expect(achievedRpo(copies, clock('12:05'))).toBe(5 * MINUTE);
  });
  it('the next one must start by 12:10 and is usable at 12:15: then the RPO is never broken', () => {
    const start = latestStart(clock('12:00'), RPO, TAKES);
    expect([show(start), show(start + TAKES)]).toEqual(['12:10', '12:15']);
    const kept = [...copies, { stateAt: start, usableAt: start + TAKES }];
    expect(violations(kept, RPO, clock('12:05'), clock('12:25'))).toEqual([]);
  });
  it('a start one minute later breaks it from 12:15 to 12:16, and that is foreseen from 12:10 on', () => {
    const late = [...copies, { stateAt: clock('12:11'), usableAt: clock('12:16') }];
    expect(violations(late, RPO, clock('12:05'), clock('12:25'))).toEqual([
      { from: clock('12:15'), to: clock('12:16') },
    ]);
    const at = (t: string) => outlook(copies, RPO, clock(t), { expectedDurationMs: TAKES });
    expect(at('12:10')).toEqual({
      state: 'met',
      achievedMs: 10 * MINUTE,
      latestStart: clock('12:10'),
      brokenAt: clock('12:15'),
    });
    expect(at('12:11').state).toBe('at risk');
    expect(at('12:15').state).toBe('at risk');
    expect(at('12:16').state).toBe('violated');
  });
  it('a replication that is under way counts from its start, so that it is not at risk while it works', () => {
    const under = (t: string, startedAt: string) =>
      outlook(copies, RPO, clock(t), { expectedDurationMs: TAKES, startedAt: clock(startedAt) }).state;
    expect(under('12:14', '12:10')).toBe('met');
    expect(under('12:14', '12:11')).toBe('at risk');
  });
});

describe('I10 (Huawei eReplication help): expected RPO', () => {
  it('is 15 minutes by default', () => expect(expectedRpo()).toBe(15 * MINUTE));
  it.each([
    [{ minutes: 5 }, 5 * MINUTE],
    [{ minutes: 59 }, 59 * MINUTE],
    [{ hours: 23 }, 23 * HOUR],
    [{ days: 31 }, 31 * DAY],
    [{ days: 31, hours: 23, minutes: 59 }, 31 * DAY + 23 * HOUR + 59 * MINUTE],
    [{ days: 1, hours: 2, minutes: 3 }, DAY + 2 * HOUR + 3 * MINUTE],
  ])('%j is allowed', (figures, ms) => expect(expectedRpo(figures)).toBe(ms));
  it.each([
    {},
    { minutes: 4 },
    { minutes: 60 },
    { hours: 24 },
    { days: 32 },
    { days: -1, hours: 23 },
    { minutes: 7.5 },
  ])('%j is refused', (figures) => expect(() => expectedRpo(figures)).toThrow(Refused));
});

const histories = fc
  .array(fc.record({ stateAt: fc.nat(60), takes: fc.nat(30) }), { maxLength: 12 })
  .map((list) => list.map((c): Copy => ({ stateAt: c.stateAt, usableAt: c.stateAt + c.takes })));

describe('violations', () => {
  it('are exactly the time in which the achieved RPO is above the expected one, however copies overtake each other', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 40 }), (copies, rpo) => {
        const found = violations(copies, rpo, 0, 100);
        // Everything changes at whole figures only: the middle between two of them speaks for the stretch.
        for (let t = 0.5; t < 100; t++)
          expect(found.some((p) => p.from < t && t < p.to)).toBe(achievedRpo(copies, t) > rpo);
        for (const [i, p] of found.entries()) expect(p.from >= (found[i - 1]?.to ?? 0) && p.from < p.to).toBe(true);
      }),
      { numRuns },
    );
  });
  it('fall into two only where the RPO was kept in between', () => {
    const late: Copy[] = [
      { stateAt: 0, usableAt: 1 },
      { stateAt: 2, usableAt: 20 },
      { stateAt: 29, usableAt: 30 },
    ];
    expect(violations(late, 10, 1, 50)).toEqual([
      { from: 10, to: 30 },
      { from: 39, to: 50 },
    ]);
  });
  it('never happen when every replication starts by the latest start and takes what was expected', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
        (takes, hurry) => {
          const rpo = 2 * takes + 5;
          const copies: Copy[] = [{ stateAt: 0, usableAt: takes }];
          for (const h of hurry) {
            const { stateAt, usableAt } = copies[copies.length - 1] as Copy;
            const start = usableAt + h * (latestStart(stateAt, rpo, takes) - usableAt);
            copies.push({ stateAt: start, usableAt: start + takes });
          }
          const last = copies[copies.length - 1] as Copy;
          expect(violations(copies, rpo, takes, last.usableAt)).toEqual([]);
        },
      ),
      { numRuns },
    );
  });
  it('are what at risk foresees: without a copy in time there is one, and met leaves a way to keep the RPO', () => {
    fc.assert(
      fc.property(
        histories,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(100),
        (c, rpo, d, t) => {
          const known = c.filter((copy) => copy.usableAt <= t);
          const view = outlook(known, rpo, t, { expectedDurationMs: d });
          const next = [...known, { stateAt: t, usableAt: t + d }];
          const broken = violations(next, rpo, t, t + d).length > 0;
          expect(view.state === 'met').toBe(!broken);
        },
      ),
      { numRuns },
    );
  });
});

it('a copy that is usable before its state, or a replication that takes no time, is refused', () => {
  expect(() => achievedRpo([{ stateAt: 5, usableAt: 4 }], 9)).toThrow(Refused);
  expect(() => violations([{ stateAt: 5, usableAt: Number.NaN }], 1, 0, 9)).toThrow(Refused);
  expect(() => outlook([], RPO, 0, { expectedDurationMs: 0 })).toThrow(Refused);
});
