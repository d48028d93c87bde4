import { describe, expect, it } from 'vitest';
import type { GroupStatus } from '../../shared/hypervisor/replication-port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import type { Execution } from '../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { PLAN_STATES, type RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { TAKE_OVER, type TakeOverCase, takeOverFlaws, takeOverOf } from '../../shared/recovery/take-over.ts';
import { group, NOW, plan, spec, tested } from './things.ts';

const pair = (fields: Partial<ProtectedGroup> = {}): ProtectedGroup =>
  group('pg_1', ['vm_1'], {
    replication: { mode: 'sync', targetSiteId: 'b' },
    legs: [{ siteId: 'b', from: 'a', mode: 'sync', linkId: 'link_ab', mbps: 100 }],
    ...fields,
  });
const point = { sequence: 7, stateAt: NOW, usableAt: NOW };
const copy = (fields: Partial<NonNullable<GroupStatus['copy']>> = {}): ReadonlyMap<string, GroupStatus> =>
  new Map([
    [
      'pg_1',
      {
        groupId: 'pg_1',
        role: 'secondary',
        epoch: 1,
        version: 1,
        head: { sequence: 7, at: NOW },
        legs: [],
        copy: { from: 'a', mode: 'sync', state: 'behind', linkUp: false, points: [point], ...fields },
      },
    ],
  ]);
/** Site `a` is lost for the control plane and for `b`, and its lease is over. */
function lost(fields: Partial<TakeOverCase> & { of?: Partial<RecoveryPlan> } = {}) {
  const { of = {}, ...rest } = fields;
  const groups = rest.groups ?? [pair()];
  return takeOverOf(
    {
      plan: { ...tested(plan(['pg_1'], { takeOver: 'automatic' }), [pair()]), ...of },
      silent: new Set(['a']),
      leaseOverAt: NOW,
      there: copy(),
      ...rest,
      groups,
    },
    NOW,
  );
}

describe('a synchronous pair whose site is lost', () => {
  it('is taken over when the control plane and the other copy have both lost it, and its lease is over', () => {
    expect(lost()).toEqual({ kind: 'failover', toSiteId: 'b' });
  });

  it.each<[string, Parameters<typeof lost>[0]]>([
    ['its lease still runs', { leaseOverAt: NOW + 1 }],
    ['the other copy hears it: only the control plane is cut off', { there: copy({ linkUp: true }) }],
    ['a person decides', { of: { takeOver: 'byHand' } }],
    ['an operation works on the plan', { of: { claim: 'op_1' } }],
    ['one of its groups is not there', { of: { groups: ['pg_1', 'pg_2'] } }],
    ['it has been taken over', { of: { state: 'recoveredPeerPending' } }],
  ])('is left alone: %s', (_why, found) => {
    expect(lost(found)).toEqual({ kind: 'rest' });
  });

  it.each<[RegExp, Parameters<typeof lost>[0]]>([
    [/went on without the copy at b: writes would be lost/, { groups: [pair({ aloneSince: NOW - 1 })] }],
    [/is not complete/, { there: copy({ state: 'initial' }) }],
    [/is not complete/, { there: copy({ points: [] }) }],
    [
      /was not sent to: writes would be lost/,
      { there: copy({ state: 'suspended' }), groups: [pair({ state: 'error' })] },
    ],
    [/has been told of 2 writes that it has not/, { there: copy({ points: [{ ...point, sequence: 5 }] }) }],
    [/does not hold 1 of its VMs yet/, { there: copy({ lacks: ['vm_2'] }) }],
    [/no synchronous copy at b/, { there: new Map() }],
    [/no synchronous copy at b/, { there: copy({ mode: 'async' }) }],
    [/is suspended/, { groups: [pair({ state: 'suspended' })] }],
    [/is used by plan plan_2/, { groups: [pair({ usedBy: 'plan_2' })] }],
    [/not tested/, { of: { testedAt: undefined } as object }],
    [/no site that holds a copy answers/, { silent: new Set(['a', 'b']) }],
  ])('is left to a person, who is told: %s', (reason, found) => {
    expect(lost(found)).toEqual({ kind: 'blocked', reason: expect.stringMatching(reason) });
  });

  it.each(PLAN_STATES)(
    'with a plan that is %s begins only what the plan takes, and nothing that a person began',
    (state) => {
      const { kind } = lost({ of: { state } });
      const takes = ['ready', 'testComplete'].includes(state);
      const over = ['recovered', 'recoveredPeerPending'].includes(state);
      expect(kind).toBe(takes ? 'failover' : over ? 'rest' : 'blocked');
    },
  );
});

describe('what was taken over', () => {
  const previous = (fields: Partial<Execution> = {}) =>
    ({ action: 'failover', startedBy: TAKE_OVER, toSiteId: 'b', finishedAt: NOW, ...fields }) as Execution;
  const former = { siteId: 'a', epoch: 1, demoted: true, divergent: { count: 0, bytes: 0, discarded: false } } as const;
  const later = (found: Parameters<typeof lost>[0] = {}) =>
    lost({
      silent: new Set(),
      previous: previous(),
      groups: [pair({ state: 'invalid', primarySiteId: 'b', former })],
      ...found,
      of: { state: 'recovered', ...found.of },
    });

  it('is protected the other way round once the old site is back with nothing of its own (I8)', () => {
    expect(later()).toEqual({ kind: 'reprotect' });
  });

  it.each<[string, Parameters<typeof lost>[0]]>([
    ['a person has switched it', { previous: previous({ startedBy: 'tenant admin' }) }],
    [
      'the old site has writes of its own (DR-14)',
      {
        groups: [
          pair({ primarySiteId: 'b', former: { ...former, divergent: { count: 1, bytes: 512, discarded: false } } }),
        ],
      },
    ],
    [
      'the old site was not heard yet',
      {
        groups: [pair({ primarySiteId: 'b', former: { siteId: 'a', epoch: 1 } })],
        of: { state: 'recoveredPeerPending' },
      },
    ],
  ])('waits for a person: %s', (_why, found) => {
    expect(later(found)).toEqual({ kind: 'rest' });
  });

  it('is tried again for VMs that found no place, after half of the time since the loss, and a minute at least', () => {
    const partial = { of: { state: 'failoverPartialFailure' as const } };
    const at = (finishedAt: number, leaseOverAt = NOW - 20 * MINUTE) =>
      later({ ...partial, previous: previous({ finishedAt }), leaseOverAt }).kind;
    expect(at(NOW - 59_999, NOW - 60_000)).toBe('rest');
    expect(at(NOW - MINUTE, NOW - MINUTE)).toBe('failover');
    // Ten minutes after the loss it ended: five more have to pass.
    expect(at(NOW - 4 * MINUTE, NOW - 14 * MINUTE)).toBe('rest');
    expect(at(NOW - 5 * MINUTE, NOW - 15 * MINUTE)).toBe('failover');
  });
});

describe('a plan that is to take over by itself', () => {
  it('has synchronous groups only: every other one is named', () => {
    const groups = [pair(), group('pg_2', ['vm_2'])];
    expect(takeOverFlaws(spec(['pg_1', 'pg_2'], { takeOver: 'automatic' }), groups)).toEqual([
      expect.objectContaining({ location: 'body.takeOver', message: expect.stringContaining('pg_2') }),
    ]);
    expect(takeOverFlaws(spec(['pg_1', 'pg_2']), groups)).toEqual([]);
  });
});
