import { describe, expect, it } from 'vitest';
import { DomainError } from '../../shared/kernel/errors.ts';
import { hostMachine } from '../../shared/model/inventory.ts';
import { isFinal, operationMachine } from '../../shared/model/operation.ts';
import { groupMachine } from '../../shared/model/protection.ts';
import { planMachine } from '../../shared/model/recovery-plan.ts';
import type { StateMachine } from '../../shared/model/state-machine.ts';
import { vmMachine } from '../../shared/model/vm.ts';

type Rows = Record<string, Record<string, string>>;

/** The vocabulary's tables, for the events that exist here; where it leaves a choice, the part that is in the event. */
const S1: Rows = {
  creating: { createDone: 'stopped', createStarted: 'running' },
  stopped: { start: 'starting', coldMigrate: 'migrating', recycle: 'recycling', delete: 'deleting' },
  starting: { startDone: 'running', startFailed: 'stopped' },
  running: {
    stop: 'stopping',
    forceStop: 'stopping',
    reboot: 'running',
    pause: 'paused',
    hibernate: 'hibernating',
    liveMigrate: 'migrating',
    hostFault: 'faultResuming',
    guestFault: 'faultResuming',
    agentLost: 'unknown',
  },
  stopping: { stopDone: 'stopped', stopFailed: 'running' },
  paused: { resume: 'running', forceStop: 'stopping', hostFault: 'faultResuming' },
  hibernating: { hibernateDone: 'hibernated', hibernateFailed: 'running' },
  hibernated: { start: 'starting', delete: 'deleting', recycle: 'recycling' },
  migrating: {
    migrateDone: 'running',
    migrateFailed: 'running',
    coldMigrateDone: 'stopped',
    coldMigrateFailed: 'stopped',
    hostFault: 'faultResuming',
  },
  faultResuming: { recovered: 'running', recoveredStopped: 'stopped', recoveryError: 'unknown', stop: 'faultResuming' },
  unknown: { agentBack: 'running', hostFenced: 'stopped' },
  recycling: { restore: 'stopped', delete: 'deleting' },
  deleting: {},
};
const S2: Rows = {
  reconciling: { reconciled: 'online', reconcileFailed: 'suspect' },
  online: { heartbeatMissed: 'suspect', enterMaintenance: 'maintenance' },
  suspect: { heartbeatBack: 'online', secondChannelAlive: 'suspect', secondChannelDead: 'fencing' },
  fencing: { fenceConfirmed: 'fenced', fenceFailed: 'fencing', heartbeatBack: 'fencing' },
  fenced: { hostBack: 'reconciling', remove: 'gone' },
  maintenance: { exitMaintenance: 'reconciling' },
  gone: { add: 'reconciling' },
};
/** What "rerun" begins again is part of the event. */
const S4: Rows = {
  unprotected: { protect: 'initialSync' },
  initialSync: { syncDone: 'protected', linkDown: 'error', syncFailed: 'error' },
  protected: {
    suspend: 'suspended',
    linkDown: 'error',
    datastoreFault: 'error',
    planTest: 'testing',
    planMigrate: 'migrating',
    planFailover: 'failingOver',
    unprotect: 'unprotected',
  },
  suspended: { resume: 'protected', unprotect: 'unprotected', planFailover: 'failingOver' },
  error: { repaired: 'protected', planFailover: 'failingOver' },
  testing: { testDone: 'testComplete', testFailed: 'testComplete' },
  testComplete: { cleanup: 'cleaning' },
  cleaning: { cleanupDone: 'protected', cleanupFailed: 'cleaning' },
  migrating: { migrated: 'invalid', stepFailed: 'partiallyRecovered' },
  failingOver: { recovered: 'invalid', stepFailed: 'partiallyRecovered' },
  partiallyRecovered: { rerunMigrate: 'migrating', rerunFailover: 'failingOver' },
  invalid: { reprotect: 'reprotecting' },
  reprotecting: { reprotected: 'protected', stepFailed: 'partiallyReprotected' },
  partiallyReprotected: { rerunReprotect: 'reprotecting' },
};
/** A rerun is the same action once more; how an action ends is part of the event. */
const S5: Rows = {
  ready: { test: 'testing', migrate: 'migrating', failover: 'failingOver' },
  testing: { testDone: 'testComplete', testFailed: 'testPartialFailure' },
  testPartialFailure: { test: 'testing', cleanup: 'cleaning' },
  testComplete: { cleanup: 'cleaning' },
  cleaning: { cleaned: 'ready', cleanupFailed: 'cleanupPartialFailure' },
  cleanupPartialFailure: { cleanup: 'cleaning' },
  migrating: { migrateFailed: 'migratePartialFailure', migrated: 'recovered' },
  migratePartialFailure: { migrate: 'migrating', failover: 'failingOver' },
  failingOver: { failedOver: 'recoveredPeerPending', failoverFailed: 'failoverPartialFailure' },
  failoverPartialFailure: { failover: 'failingOver' },
  recoveredPeerPending: { peerSettled: 'recovered' },
  recovered: { reprotect: 'reprotecting' },
  reprotecting: { reprotected: 'ready', reprotectFailed: 'reprotectPartialFailure' },
  reprotectPartialFailure: { reprotect: 'reprotecting' },
};
const S8: Rows = {
  waiting: { begin: 'running', cancel: 'failed' },
  running: { complete: 'success', fail: 'failed', cancel: 'cancelling' },
  cancelling: { compensated: 'failed', tooLate: 'success' },
  success: {},
  failed: {},
};

/** Where a machine departs from its table on purpose; the reasons stand beside the machines. */
const MACHINES: { machine: StateMachine<string, string>; table: Rows; departures: string[] }[] = [
  {
    machine: vmMachine as never,
    table: S1,
    departures: [
      'creating + hostFault -> faultResuming',
      'deleting + delete -> deleting',
      'deleting + hostFault -> deleting',
      'faultResuming + delete -> deleting',
      'faultResuming + switchSite -> starting',
      'faultResuming + switchSiteStopped -> stopped',
      'hibernated + switchSiteStopped -> stopped',
      'hibernating + switchSite -> starting',
      'hibernating + switchSiteStopped -> stopped',
      'migrating + restart -> starting',
      'migrating + switchSite -> starting',
      'migrating + switchSiteStopped -> stopped',
      'paused + delete -> deleting',
      'paused + switchSite -> starting',
      'paused + switchSiteStopped -> stopped',
      'running + coldMigrate -> migrating',
      'running + delete -> deleting',
      'running + switchSite -> starting',
      'running + switchSiteStopped -> stopped',
      'starting + agentLost -> unknown',
      'starting + hostFault -> faultResuming',
      'starting + switchBack -> migrating',
      'starting + switchSite -> starting',
      'starting + switchSiteStopped -> stopped',
      'stopped + switchSiteStopped -> stopped',
      'stopping + agentLost -> unknown',
      'stopping + delete -> deleting',
      'stopping + recoveredStopped -> stopped',
      'stopping + switchSiteStopped -> stopped',
      'unknown + delete -> deleting',
      'unknown + hostFault -> faultResuming',
      'unknown + recover -> faultResuming',
      'unknown + recovered -> running',
      'unknown + stop -> stopping',
      'unknown + switchSite -> starting',
      'unknown + switchSiteStopped -> stopped',
    ],
  },
  {
    machine: groupMachine as never,
    table: S4,
    departures: [
      'cleaning + planFailover -> failingOver',
      'error + suspend -> suspended',
      'error + unprotect -> unprotected',
      'failingOver + givenUp -> error',
      'initialSync + unprotect -> unprotected',
      'invalid + planFailover -> failingOver',
      'invalid + unprotect -> unprotected',
      'migrating + givenUp -> protected',
      'partiallyRecovered + rollback -> protected',
      'testComplete + planFailover -> failingOver',
      'testComplete + planTest -> testing',
    ],
  },
  {
    machine: planMachine as never,
    table: S5,
    departures: [
      'cleanupPartialFailure + failover -> failingOver',
      'failingOver + givenUp -> ready',
      'failoverPartialFailure + peerSettled -> recovered',
      'migratePartialFailure + rollback -> ready',
      'migrating + givenUp -> ready',
      'testComplete + failover -> failingOver',
      'testPartialFailure + failover -> failingOver',
      'testing + givenUp -> ready',
    ],
  },
  { machine: hostMachine as never, table: S2, departures: ['reconciling + heartbeatMissed -> suspect'] },
  {
    machine: operationMachine as never,
    table: S8,
    departures: [
      'cancelling + compensated -> cancelled',
      'waiting + cancel -> cancelling',
      'waiting + complete -> success',
      'waiting + fail -> failed',
    ],
  },
];

const eventsOf = (rows: Rows) => [...new Set(Object.values(rows).flatMap(Object.keys))];

describe.each(MACHINES)('the machine of a $machine.kind', ({ machine, table, departures }) => {
  const rows = machine.table as Rows;
  const events = eventsOf(rows);
  const pairs = Object.keys(rows).flatMap((state) => events.map((event) => [state, event] as const));

  it('leads only to states that it knows', () => {
    const reached = Object.values(rows).flatMap(Object.values);
    expect(reached.filter((state) => !(state in rows))).toEqual([]);
  });

  it.each(pairs)('%s + %s: either leads on as listed, or is refused and says what is allowed', (state, event) => {
    const listed = rows[state]?.[event];
    expect(machine.can(state, event)).toBe(listed !== undefined);
    expect(machine.statesFor(event).includes(state)).toBe(listed !== undefined);
    if (listed !== undefined) {
      expect(machine.next(state, event)).toBe(listed);
      return;
    }
    let refused: unknown;
    try {
      machine.next(state, event);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(DomainError);
    expect(refused).toMatchObject({ code: 'illegal-transition', figures: { state, event } });
    expect((refused as DomainError).figures.allowed).toEqual(Object.keys(rows[state] ?? {}));
  });

  it('follows the vocabulary, but for the departures that are listed here', () => {
    const differing = pairs.filter(([state, event]) => rows[state]?.[event] !== table[state]?.[event]);
    const told = differing.map(([state, event]) => `${state} + ${event} -> ${rows[state]?.[event] ?? 'refused'}`);
    expect(told.sort()).toEqual(departures);
  });

  it('knows every event of its table', () => {
    expect(eventsOf(table).filter((event) => !events.includes(event))).toEqual([]);
  });
});

it('an operation that has ended takes no event any more, and only such a one is final', () => {
  const ended = Object.entries(operationMachine.table).filter(([, row]) => Object.keys(row).length === 0);
  expect(ended.map(([state]) => state)).toEqual(['success', 'failed', 'cancelled']);
  expect(Object.keys(operationMachine.table).filter((s) => isFinal(s as never))).toEqual(ended.map(([s]) => s));
});
