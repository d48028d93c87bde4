import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import type { Execution, ExecutionVm, Phase } from '../../shared/model/execution.ts';
import { drillHistory, groupRpo, lostOf, phasesOf, planRto, rpoSeconds, rtoOf } from '../../shared/recovery/report.ts';
import { NOW, plan } from './things.ts';

const at = (s: number) => NOW + s * SECOND;
const phase = (name: string, from: number, to?: number): Phase => ({
  name,
  startedAt: at(from),
  ...(to === undefined ? {} : { finishedAt: at(to) }),
});
const execution = (more: Partial<Execution> = {}): Execution => ({
  id: 'exec_1',
  tenantId: 'ten_1',
  planId: 'plan_1',
  action: 'failover',
  state: 'running',
  operationId: 'op_1',
  startedAt: NOW,
  phases: [],
  groups: [],
  fromSiteId: 'a',
  toSiteId: 'b',
  vms: 0,
  waits: [],
  version: 1,
  ...more,
});
const vm = (id: string, priority: number, readyAfter?: number, more: Partial<ExecutionVm> = {}): ExecutionVm => ({
  id,
  name: id,
  groupId: 'pg_1',
  priority,
  outcome: readyAfter === undefined ? 'waiting' : 'ready',
  ...(readyAfter === undefined ? {} : { readyAt: at(readyAfter) }),
  ...more,
});
const told = (e: Execution) =>
  phasesOf(e).map((p) => [p.name, (p.startedAt - NOW) / SECOND, p.finishedAt && (p.finishedAt - NOW) / SECOND]);

describe('phases follow each other without a gap', () => {
  it('what lies between two of them belongs to the one before', () => {
    const phases = [phase('fence', 2, 10), phase('promote', 15, 16), phase('start', 16)];
    expect(told(execution({ phases, finishedAt: at(80) }))).toEqual([
      ['accepted', 0, 2],
      ['fence', 2, 15],
      ['promote', 15, 16],
      ['start', 16, 80],
    ]);
  });
  it('while it runs the last one is open', () => {
    expect(told(execution({ phases: [phase('fence', 0, 4)] }))).toEqual([['fence', 0, undefined]]);
    expect(told(execution())).toEqual([]);
  });
  it('their lengths sum up to the whole, in whichever order they were written', () => {
    const phases = [phase('c', 30, 31), phase('a', 1, 2), phase('b', 2, 50)];
    const sum = phasesOf(execution({ phases, finishedAt: at(70) })).reduce(
      (s, p) => s + (p.finishedAt as number) - p.startedAt,
      0,
    );
    expect(sum).toBe(70 * SECOND);
  });
});

describe('RTO (DR-20)', () => {
  const ended = execution({ finishedAt: at(300) });
  it('of a VM is the time from the word until it served', () => {
    expect([rtoOf(ended, vm('a', 1, 61.5)), rtoOf(ended, vm('b', 1))]).toEqual([61.5, undefined]);
  });
  it('of the plan is that of the last VM of the most urgent priority, and of all', () => {
    const vms = [vm('a', 2, 40), vm('b', 2, 61), vm('c', 5, 200), vm('s', 1, undefined, { outcome: 'left' })];
    expect(planRto(ended, vms)).toEqual({ criticalSeconds: 61, allSeconds: 200 });
  });
  it('is compared with what was promised', () => {
    const of = (minutes: number) => planRto(ended, [vm('a', 1, 61)], { rtoMinutes: minutes }).met;
    expect([of(1), of(2)]).toEqual([false, true]);
  });
  it('is open while a VM is not ready, and broken once one has failed for good', () => {
    const vms = [vm('a', 1, 10), vm('b', 1, undefined, { outcome: 'failed' })];
    expect(planRto(execution(), vms, { rtoMinutes: 5 })).toEqual({ expectedSeconds: 300 });
    expect(planRto(ended, vms, { rtoMinutes: 5 })).toEqual({ expectedSeconds: 300, met: false });
  });
});

describe('what was lost', () => {
  const group = (id: string, lost?: Execution['groups'][number]['lost'], point = at(-100)) => ({
    groupId: id,
    expectedRpoMs: 15 * MINUTE,
    ...(lost ? { lost, point: { sequence: 5, stateAt: point } } : {}),
  });
  const some = { count: 3, bytes: 12_288, from: at(-90), to: at(-40), known: 'exact' as const };
  const none = { count: 0, bytes: 0, known: 'exact' as const };

  it('is summed over groups, and as sure as the least sure of them', () => {
    const groups = [
      group('pg_1', some),
      group('pg_2', { ...some, from: at(-120), known: 'atLeast' }),
      group('pg_3', none),
    ];
    expect(lostOf(execution({ groups, finishedAt: at(1) }))).toEqual({
      count: 6,
      bytes: 24_576,
      from: at(-120),
      to: at(-40),
      known: 'atLeast',
    });
  });
  it('is not said to be nothing before it is known', () => {
    expect(lostOf(execution({ groups: [group('pg_1')] })).known).toBe('pending');
    expect(lostOf(execution({ groups: [group('pg_1')], action: 'test' })).known).toBe('exact');
  });
  it('gives the RPO that was achieved: from the point to the last write that is not in it', () => {
    expect(groupRpo(group('pg_1', some))).toEqual({ expectedSeconds: 900, achievedSeconds: 60, met: true });
    expect(groupRpo(group('pg_1', some, at(-2_000)))).toMatchObject({ achievedSeconds: 1_960, met: false });
    expect(groupRpo(group('pg_1', none))).toMatchObject({ achievedSeconds: 0, met: true });
    expect(groupRpo(group('pg_1'))).toEqual({ expectedSeconds: 900 });
    expect(rpoSeconds(execution({ groups: [group('pg_1', none), group('pg_2', some)] }))).toBe(60);
    expect(rpoSeconds(execution())).toBe(0);
  });
});

it('the history of drills has the tests, and when the next one is due', () => {
  const all = [
    execution({ id: 'e3', action: 'test', state: 'success' }),
    execution({ id: 'e2' }),
    execution({ id: 'e1', action: 'test', state: 'failed' }),
  ];
  const history = drillHistory(plan(['pg_1'], { drillEveryDays: 7, testedAt: NOW }), all, NOW);
  expect(history.tests.map((t) => [t.executionId, t.state])).toEqual([
    ['e3', 'success'],
    ['e1', 'failed'],
  ]);
  expect(history.calendar?.overdueDays).toBe(0);
});
