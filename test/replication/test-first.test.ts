import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import {
  admitSwitch,
  type PlanTestEvent,
  type PlanTests,
  stepTest,
  untested,
} from '../../shared/replication/test-first.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const test: PlanTestEvent = { kind: 'test', snapshots: ['s1', 's2'] };
const cleaned = (...snapshots: string[]): PlanTestEvent => ({ kind: 'cleaned', snapshots });
const given = (...events: PlanTestEvent[]): PlanTests => events.reduce(stepTest, untested);
const reasons = (plan: PlanTests): string[] => admitSwitch(plan).map((r) => r.reason);

describe('I11 (Huawei ReplicationDirector documentation): one successful test before any failover or planned migration', () => {
  it('a plan that was never tested is refused as not tested', () => {
    expect(reasons(untested)).toEqual(['not tested']);
  });
  it('after a successful test that is cleaned up it is admitted, and stays so', () => {
    const good = given(test, { kind: 'testDone' }, { kind: 'cleanup' }, cleaned('s1', 's2'));
    expect(reasons(good)).toEqual([]);
    const failedLater = [test, { kind: 'stepFailed' as const }, { kind: 'cleanup' as const }, cleaned('s1', 's2')];
    expect(reasons(failedLater.reduce(stepTest, good))).toEqual([]);
  });
  it('a test that failed does not count, until it was run again to a good end', () => {
    const failed = given(test, { kind: 'stepFailed' });
    expect(reasons([{ kind: 'cleanup' as const }, cleaned('s1', 's2')].reduce(stepTest, failed))).toEqual([
      'not tested',
    ]);
    const again = [{ kind: 'rerun' as const }, { kind: 'testDone' as const }].reduce(stepTest, failed);
    expect(reasons(again)).toEqual(['a test is testComplete']);
  });
  it('a test must be cleaned up: while one of its snapshots is left, the plan is not ready', () => {
    const cleaning = given(test, { kind: 'testDone' }, { kind: 'cleanup' });
    expect(() => stepTest(cleaning, cleaned('s1'))).toThrow(/s2/);
    expect(reasons(cleaning)).toEqual(['a test is cleaning']);
    const failed = stepTest(cleaning, { kind: 'stepFailed' });
    expect(() => stepTest(failed, test)).toThrow(Refused);
    expect([{ kind: 'rerun' as const }, cleaned('s1', 's2')].reduce(stepTest, failed)).toEqual({
      state: 'ready',
      succeeded: true,
      snapshots: [],
    });
  });
});

it('whatever happens, a switch is admitted only after a success and never beside a snapshot', () => {
  const events: PlanTestEvent[] = [
    test,
    { kind: 'testDone' },
    { kind: 'stepFailed' },
    { kind: 'rerun' },
    { kind: 'cleanup' },
    cleaned('s1'),
    cleaned('s1', 's2'),
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (list) => {
      let plan = untested;
      let succeeded = false;
      for (const event of list) {
        try {
          plan = stepTest(plan, event);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
          continue;
        }
        succeeded ||= event.kind === 'testDone';
        expect(admitSwitch(plan).length === 0).toBe(succeeded && plan.snapshots.length === 0);
      }
    }),
    { numRuns },
  );
});
