import { describe, expect, it } from 'vitest';
import { DomainError } from '../../shared/kernel/errors.ts';
import { type Execution, PLAN_ACTIONS, type PlanAction } from '../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { PLAN_STATES, type RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { type Asked, decide, weigh } from '../../shared/recovery/actions.ts';
import { rehearsePlan } from '../../shared/recovery/capacity.ts';
import { group, OUT, picture, plan, tenantId, tested, vm } from './things.ts';

const g1 = group('pg_1', ['db']);
const ready = tested(plan(['pg_1']), [g1]);
const earlier = (action: PlanAction): Execution =>
  ({ id: 'exec_0', tenantId, planId: 'plan_1', action, fromSiteId: 'a', toSiteId: 'b', vms: 1 }) as Execution;
const ask = (action: PlanAction, more: Partial<Asked> = {}) =>
  decide({ action, plan: ready, groups: [g1], overridden: false, ...more });
const refusal = (action: PlanAction, more: Partial<Asked> = {}): DomainError => {
  try {
    ask(action, more);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};
const being = (state: ProtectedGroup['state'], more: Partial<ProtectedGroup> = {}) => ({ ...g1, state, ...more });
const in_ = (state: RecoveryPlan['state'], more: Partial<RecoveryPlan> = {}) => ({ ...ready, state, ...more });

describe('an action of a plan that is ready', () => {
  it.each([
    ['test', 'testing', 'testing'],
    ['migrate', 'migrating', 'migrating'],
    ['failover', 'failingOver', 'failingOver'],
  ] as const)('%s is taken', (action, planState, groupState) => {
    const decided = ask(action);
    expect(decided).toMatchObject({ planState, route: OUT, untested: false });
    expect(decided.groups.map((g) => g.state)).toEqual([groupState]);
    expect(decided.rerunOf).toBeUndefined();
  });

  it.each(['cleanup', 'reprotect', 'rollback'] as const)('%s is refused, and it is said what can be done', (action) => {
    expect(refusal(action)).toMatchObject({ code: 'illegal-transition', figures: { state: 'ready', event: action } });
  });

  it('failback is refused where nothing is away', () => {
    expect(refusal('failback').message).toMatch(/are at a, where they were when it was made/);
  });
});

describe('I11: a switch needs a successful test', () => {
  const untested = plan(['pg_1']);
  it.each(['migrate', 'failover'] as const)('%s without one is refused, with what to do', (action) => {
    const error = refusal(action, { plan: untested });
    expect(error).toMatchObject({ code: 'not-tested', status: 409, figures: { rule: 'I11' } });
    expect(error.flaws[0]?.fix).toMatch(/plan_1\/test and then \/cleanup, or send override/);
  });

  it('an override lets it pass, and says that it did', () => {
    expect(ask('failover', { plan: untested, overridden: true }).untested).toBe(true);
    expect(ask('failover', { overridden: true }).untested).toBe(false);
  });

  it.each([
    ['members', { vms: ['db', 'web'] }],
    ['policy', { replication: { ...g1.replication, rpoMinutes: 30 } }],
    ['direction', { primarySiteId: 'b', legs: [{ ...g1.legs[0], siteId: 'a', from: 'b' }] as ProtectedGroup['legs'] }],
  ])('a change of a group, of its %s, makes the test void', (_, change) => {
    expect(refusal('migrate', { groups: [{ ...g1, ...change }] }).message).toMatch(
      /was of the plan before it or its groups have changed/,
    );
  });

  it('what does not matter to it does not: a version, a state that came and went, the order of members', () => {
    const both = group('pg_1', ['db', 'web']);
    const of = tested(plan(['pg_1']), [both]);
    expect(() =>
      ask('migrate', { plan: of, groups: [{ ...both, vms: ['web', 'db'], version: 9, epoch: 4 }] }),
    ).not.toThrow();
  });

  it('a test needs none, and what was begun needs none to be gone on with', () => {
    expect(() => ask('test', { plan: untested })).not.toThrow();
    const half = in_('migratePartialFailure', { executionId: 'exec_0' });
    delete half.testedAt;
    const groups = [being('partiallyRecovered')];
    expect(ask('migrate', { plan: half, groups, previous: earlier('migrate') }).untested).toBe(false);
    expect(ask('failover', { plan: half, groups, previous: earlier('migrate') }).untested).toBe(false);
  });
});

describe('DR-19: one plan at a time', () => {
  it('a group that another plan works with is refused, with the id of that plan', () => {
    const error = refusal('failover', { groups: [being('testComplete', { usedBy: 'plan_2' })] });
    expect(error).toMatchObject({ code: 'in-use', figures: { rule: 'DR-19', groupId: 'pg_1', planId: 'plan_2' } });
  });

  it('one that an operation holds, with the id of that operation', () => {
    expect(refusal('test', { groups: [being('protected', { claim: 'op_7' })] })).toMatchObject({
      code: 'operation-in-progress',
      figures: { groupId: 'pg_1', operationId: 'op_7' },
    });
  });

  it('but a disaster does not wait for work on the group itself, only for that of a plan', () => {
    expect(ask('failover', { groups: [being('protected', { claim: 'op_7' })] }).groups[0]?.state).toBe('failingOver');
    const groups = [being('protected', { claim: 'op_7', usedBy: 'plan_1' })];
    expect(refusal('failover', { groups }).code).toBe('operation-in-progress');
  });

  it('and so is a plan that executes', () => {
    expect(refusal('cleanup', { plan: in_('testComplete', { claim: 'op_8' }) })).toMatchObject({
      code: 'operation-in-progress',
      figures: { operationId: 'op_8' },
    });
  });
});

describe('states of groups', () => {
  it('every group that does not take it is named at once', () => {
    const of = tested(plan(['pg_1', 'pg_2', 'pg_3']), [g1]);
    const groups = [
      being('suspended'),
      { ...group('pg_2', []), state: 'error' as const, reason: 'link down' },
      group('pg_3', []),
    ];
    const error = refusal('migrate', { plan: of, groups });
    expect(error.flaws.map((f) => f.message)).toEqual([
      'group pg_1 (pg_1) is suspended',
      'group pg_2 (pg_2) is error: link down',
    ]);
    expect(error.flaws[0]?.fix).toContain('protected');
  });

  it.each(['suspended', 'error', 'testComplete', 'cleaning'] as const)(
    'a disaster does not wait for one that is %s',
    (state) => {
      const planState =
        state === 'cleaning' ? 'cleanupPartialFailure' : state === 'testComplete' ? 'testComplete' : 'ready';
      const decided = ask('failover', { plan: in_(planState), groups: [being(state)], previous: earlier('test') });
      expect(decided.groups[0]?.state).toBe('failingOver');
    },
  );

  it('one whose first copy is not complete cannot be failed over', () => {
    expect(refusal('failover', { groups: [being('initialSync')] }).code).toBe('illegal-transition');
  });

  it('a group that is gone is named', () => {
    expect(refusal('test', { groups: [] })).toMatchObject({ code: 'not-ready', figures: { groups: ['pg_1'] } });
  });
});

describe('what has failed in parts is gone on with', () => {
  it.each([
    ['test', 'testPartialFailure', 'testComplete', 'testing'],
    ['cleanup', 'cleanupPartialFailure', 'cleaning', 'cleaning'],
    ['migrate', 'migratePartialFailure', 'partiallyRecovered', 'migrating'],
    ['failover', 'migratePartialFailure', 'partiallyRecovered', 'failingOver'],
    ['failover', 'failoverPartialFailure', 'partiallyRecovered', 'failingOver'],
    ['reprotect', 'reprotectPartialFailure', 'partiallyReprotected', 'reprotecting'],
    ['rollback', 'migratePartialFailure', 'partiallyRecovered', 'partiallyRecovered'],
  ] as const)('%s in %s', (action, state, groupState, then) => {
    const decided = ask(action, { plan: in_(state), groups: [being(groupState)], previous: earlier('migrate') });
    expect(decided.groups.map((g) => g.state)).toEqual([then]);
    expect(decided.rerunOf?.id).toBe('exec_0');
  });

  it('towards the site where it was going, though a group is there already', () => {
    const of = tested(plan(['pg_1', 'pg_2'], { state: 'failoverPartialFailure' }), [g1]);
    const there = { ...group('pg_2', []), state: 'invalid' as const, primarySiteId: 'b', legs: [] };
    const decided = ask('failover', {
      plan: of,
      groups: [being('partiallyRecovered'), there],
      previous: earlier('failover'),
    });
    expect(decided.route).toEqual(OUT);
    expect(decided.groups.map((g) => g.state)).toEqual(['failingOver', 'invalid']);
  });

  it('a roll-back changes the state of the plan only at its end', () => {
    const decided = ask('rollback', {
      plan: in_('migratePartialFailure'),
      groups: [being('partiallyRecovered')],
      previous: earlier('migrate'),
    });
    expect(decided.planState).toBe('migratePartialFailure');
  });
});

describe('three centres', () => {
  const three = group('pg_1', ['db'], {
    replication: { mode: 'sync', targetSiteId: 'b', thirdSiteId: 'c', topology: 'cascade' },
    legs: [
      { siteId: 'c', from: 'b', mode: 'async', linkId: 'l2', mbps: 10 },
      { siteId: 'b', from: 'a', mode: 'sync', linkId: 'l1', mbps: 10 },
    ],
  });
  const of = tested(plan(['pg_1']), [three]);
  it('the near one takes over, unless the far one is asked for', () => {
    expect(ask('failover', { plan: of, groups: [three] }).route.toSiteId).toBe('b');
    expect(ask('failover', { plan: of, groups: [three], toSiteId: 'c' }).route.toSiteId).toBe('c');
  });
  it('a site without a copy is refused, with those that have one', () => {
    expect(refusal('failover', { plan: of, groups: [three], toSiteId: 'd' })).toMatchObject({
      code: 'not-ready',
      figures: { sites: ['b', 'c'] },
    });
  });
});

describe('DR-12, DR-14: reprotection overwrites nothing that nobody has looked at', () => {
  const former = { siteId: 'a', epoch: 1, demoted: true as const };
  const away = (more: object) => [being('invalid', { primarySiteId: 'b', legs: [], former: { ...former, ...more } })];
  const recovered = in_('recovered');
  it('not while the former primary has writes of its own, with how many', () => {
    const divergent = { count: 3, bytes: 12_288, discarded: false };
    const error = refusal('reprotect', { plan: recovered, groups: away({ divergent }) });
    expect(error.message).toMatch(/site a holds 3 writes \(12288 bytes\)/);
    expect(error.flaws[0]?.fix).toContain('/discard-divergence');
  });
  it('not before it has confirmed that it writes no more', () => {
    const { demoted: _, ...silent } = former;
    const groups = [being('invalid', { primarySiteId: 'b', legs: [], former: silent })];
    expect(refusal('reprotect', { plan: recovered, groups }).code).toBe('not-ready');
  });
  it('but once they are discarded', () => {
    const groups = away({ divergent: { count: 3, bytes: 12_288, discarded: true } });
    expect(ask('reprotect', { plan: recovered, groups })).toMatchObject({
      planState: 'reprotecting',
      route: { fromSiteId: 'b', toSiteId: 'a', back: true },
    });
  });
});

it('failback is a migration home, and needs a test of that direction', () => {
  const away = {
    ...g1,
    primarySiteId: 'b',
    legs: [{ ...(g1.legs[0] as ProtectedGroup['legs'][number]), siteId: 'a', from: 'b' }],
  };
  expect(refusal('failback', { groups: [away] }).code).toBe('not-tested');
  const decided = ask('failback', { plan: tested(plan(['pg_1']), [away]), groups: [away] });
  expect(decided).toMatchObject({ planState: 'migrating', route: { fromSiteId: 'b', toSiteId: 'a', back: true } });
});

it('no action is taken in a state in which one is under way', () => {
  const moving = PLAN_STATES.filter((s) =>
    ['testing', 'cleaning', 'migrating', 'failingOver', 'reprotecting'].includes(s),
  );
  for (const state of moving)
    for (const action of PLAN_ACTIONS)
      expect(refusal(action, { plan: in_(state) }).code, `${action} in ${state}`).toBe('illegal-transition');
});

describe('what stands in the way at the recovery site', () => {
  const many = Array.from({ length: 30 }, (_, i) => vm(`vm-${i}`));
  const capacity = rehearsePlan(plan(['pg_1']), many, OUT, picture(1, 40_000));
  const flaw = { location: 'body.networkMap.net_lan', message: 'network lan does not reach site b' };

  it.each(['test', 'migrate', 'failback'] as const)('keeps a %s from beginning, with figures', (action) => {
    const work = () => weigh({ action, plan: ready }, { flaws: [], capacity });
    expect(work).toThrow(/\d+ of 30 VMs find no place at site b \(.*122880 memoryMiB needed, 40000 free/);
    expect(work).toThrow(expect.objectContaining({ code: 'no-capacity', status: 507 }));
  });

  it('is said all together', () => {
    expect(() => weigh({ action: 'migrate', plan: ready }, { flaws: [flaw], capacity })).toThrow(
      expect.objectContaining({
        code: 'not-ready',
        flaws: [
          { location: 'plan.networkMap.net_lan', message: 'network lan does not reach site b' },
          expect.objectContaining({ location: 'plan.clusterMap' }),
        ],
      }),
    );
  });

  it('does not keep a failover from saving what can be saved (DR-10)', () => {
    expect(weigh({ action: 'failover', plan: ready }, { flaws: [flaw], capacity })).toHaveLength(2);
  });

  it('is nothing where all find a place', () => {
    const enough = rehearsePlan(plan(['pg_1']), many.slice(0, 3), OUT, picture());
    expect(weigh({ action: 'migrate', plan: ready }, { flaws: [], capacity: enough })).toEqual([]);
  });
});
