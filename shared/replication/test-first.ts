import { type Refusal, Refused } from '../hypervisor/refusal.ts';

/**
 * I11 and DR-8: a plan needs one successful test before it may be used in earnest, and a test works on snapshots at the
 * DR site that must be cleaned up. The part of state machine S5 between ready and ready.
 */
export interface PlanTests {
  state: 'ready' | 'testing' | 'testPartialFailure' | 'testComplete' | 'cleaning' | 'cleanupPartialFailure';
  /** Whether any test of the plan has been successful. */
  succeeded: boolean;
  /** Snapshots at the DR site that the present test has made and that are still there. */
  snapshots: readonly string[];
}
export type PlanTestEvent =
  | { kind: 'test'; snapshots: readonly string[] }
  | { kind: 'testDone' | 'stepFailed' | 'rerun' | 'cleanup' }
  /** These snapshots are gone. */
  | { kind: 'cleaned'; snapshots: readonly string[] };

export const untested: PlanTests = { state: 'ready', succeeded: false, snapshots: [] };

const NEXT: Record<PlanTests['state'], Partial<Record<PlanTestEvent['kind'], PlanTests['state']>>> = {
  ready: { test: 'testing' },
  testing: { testDone: 'testComplete', stepFailed: 'testPartialFailure' },
  testPartialFailure: { rerun: 'testing', cleanup: 'cleaning' },
  testComplete: { cleanup: 'cleaning' },
  cleaning: { cleaned: 'ready', stepFailed: 'cleanupPartialFailure' },
  cleanupPartialFailure: { rerun: 'cleaning' },
};

/**
 * The plan after an event of its test. It is ready again only when no snapshot of the test is left.
 * @throws `Refused` DR-8 when the state does not take the event, or a snapshot is left after the cleanup
 */
export function stepTest(plan: PlanTests, event: PlanTestEvent): PlanTests {
  const state = NEXT[plan.state][event.kind];
  const refuse = (reason: string, fix: string) =>
    new Refused({ rule: 'DR-8', reason, fix, figures: { state: plan.state, event: event.kind } });
  if (state === undefined)
    throw refuse(
      `a plan that is ${plan.state} does not take '${event.kind}'`,
      `it takes ${Object.keys(NEXT[plan.state]).join(', ')}`,
    );
  if (event.kind === 'test') return { ...plan, state, snapshots: event.snapshots };
  if (event.kind === 'testDone') return { ...plan, state, succeeded: true };
  if (event.kind === 'cleaned') {
    const left = plan.snapshots.filter((s) => !event.snapshots.includes(s));
    if (left.length > 0) throw refuse(`snapshots are left: ${left.join(', ')}`, 'delete them, then report the cleanup');
    return { ...plan, state, snapshots: [] };
  }
  return { ...plan, state };
}

/** Why a plan may not be used for a failover or planned migration; nothing when it may (I11). */
export function admitSwitch(plan: PlanTests): Refusal[] {
  const why = (reason: string, fix: string): Refusal => ({ rule: 'DR-8', reason, fix, figures: { state: plan.state } });
  return [
    ...(plan.succeeded ? [] : [why('not tested', 'run one successful test of the plan')]),
    ...(plan.state === 'ready' ? [] : [why(`a test is ${plan.state}`, 'end the test and clean up after it')]),
  ];
}
