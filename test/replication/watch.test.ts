import { describe, expect, it } from 'vitest';
import type { GroupStatus, LegStatus } from '../../shared/hypervisor/replication-port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { GROUP_STATES, type ProtectedGroup } from '../../shared/model/protection.ts';
import { afterLoss, standingOf } from '../../shared/replication/standing.ts';
import { decideGroup, isComplete, TAKE_UP_MS } from '../../shared/replication/watch.ts';
import { group as madeGroup } from '../recovery/things.ts';

const NOW = 1_000 * MINUTE;
const group = (fields: Partial<ProtectedGroup> = {}): ProtectedGroup => madeGroup('pg', ['v'], fields);
const syncGroup = (fields: Partial<ProtectedGroup> = {}) =>
  group({
    replication: { mode: 'sync', targetSiteId: 'b', onLinkLoss: 'goOn' },
    legs: [{ siteId: 'b', from: 'a', mode: 'sync', linkId: 'link_ab', mbps: 100 }],
    ...fields,
  });
const point = (at: number) => ({ sequence: 5, stateAt: at, usableAt: at });
const leg = (fields: Partial<LegStatus> = {}): LegStatus => ({
  siteId: 'b',
  from: 'a',
  mode: 'async',
  state: 'behind',
  linkUp: true,
  backlogBytes: 0,
  newest: point(NOW - 5 * MINUTE),
  sentBytes: 0,
  ...fields,
});
const primary = (legs: LegStatus[], fields: Partial<GroupStatus> = {}): GroupStatus => ({
  groupId: 'pg',
  role: 'primary',
  epoch: 1,
  version: 1,
  head: { sequence: 5, at: NOW },
  writes: 'allowed',
  legs,
  ...fields,
});
const synced = leg({ mode: 'sync', state: 'synced', newest: point(NOW) });
const decide = (of: ProtectedGroup, a: GroupStatus | undefined, more: [string, GroupStatus | undefined][] = []) =>
  decideGroup(of, new Map([...(a ? [['a', a] as const] : []), ...more]), NOW);
const kinds = (of: ProtectedGroup, a: GroupStatus | undefined, more: [string, GroupStatus | undefined][] = []) =>
  decide(of, a, more)
    .filter((f) => f.kind !== 'alarm')
    .map((f) => f.kind);
const raised = (of: ProtectedGroup, a: GroupStatus) =>
  decide(of, a).flatMap((f) => (f.kind === 'alarm' && f.raised ? [f.code] : []));

describe('while all is well', () => {
  it.each([
    ['asynchronous', group(), leg()],
    ['synchronous', syncGroup(), synced],
  ])('nothing is done: %s', (_, of, status) => {
    expect([kinds(of, primary([status])), raised(of, primary([status]))]).toEqual([[], []]);
  });
  it('and while nobody answers, nothing is known, so nothing is done', () => {
    expect(decide(group(), undefined)).toEqual([]);
    expect(decide(syncGroup(), undefined)).toEqual([]);
  });
});

describe('a leg to which nothing is sent', () => {
  it.each([
    ['asynchronous', group(), leg({ state: 'suspended' })],
    ['synchronous', syncGroup(), leg({ mode: 'sync', state: 'suspended' })],
  ])('is an error of a group that nobody has suspended: %s', (_, of, status) => {
    expect(decide(of, primary([status]))).toContainEqual({
      kind: 'error',
      event: 'linkDown',
      reason: expect.stringContaining('nothing is sent from a to b'),
    });
    expect(kinds({ ...of, state: 'suspended' }, primary([status]))).toEqual([]);
    expect(kinds({ ...of, state: 'error', takenUpAt: NOW }, primary([status]))).toEqual([]);
  });
});

describe('guests of a synchronous pair that are held back', () => {
  const heldBack = primary([{ ...synced, linkUp: false }], { writes: 'held-back' });
  it('go on alone, and the group is in error', () =>
    expect(kinds(syncGroup(), heldBack)).toEqual(['goAlone', 'error']));
  it.each([
    ['the first time, by a first order', {}, undefined, { order: 1, noted: false }],
    [
      'by the noted order, while the site would obey it',
      { aloneSince: 1, aloneOrder: 3 },
      2,
      { order: 3, noted: true },
    ],
    ['by a new one, where that is over', { aloneSince: 1, aloneOrder: 3 }, 3, { order: 4, noted: false }],
    ['by a new one in the next outage', { aloneOrder: 3 }, 3, { order: 4, noted: false }],
    ['by one that the site has not declared over', {}, 7, { order: 8, noted: false }],
  ])('go on %s', (_, fields, together, order) => {
    const status = { ...heldBack, ...(together === undefined ? {} : { together }) };
    expect(decide(syncGroup(fields), status)).toContainEqual({ kind: 'goAlone', sites: ['b'], ...order });
  });
  it('stay held back where the policy says so', () => {
    const replication = { mode: 'sync', targetSiteId: 'b', onLinkLoss: 'holdBack' } as const;
    expect(kinds(syncGroup({ replication }), heldBack)).toEqual(['error']);
  });
  it('go on also while an operation or a test has the group', () => {
    expect(kinds(syncGroup({ claim: 'op' }), heldBack)).toEqual(['goAlone']);
    expect(kinds(syncGroup({ state: 'testing' }), heldBack)).toEqual(['goAlone']);
  });
  it.each([
    ['an older epoch', { epoch: 0 }],
    ['no primary', { role: 'demoted' as const }],
  ])('never by the word of %s', (_, fields) => {
    expect(kinds(syncGroup(), { ...heldBack, ...fields })).not.toContain('goAlone');
  });
  it.each(['migrating', 'failingOver', 'reprotecting', 'invalid'] as const)('never while a plan is %s', (state) => {
    expect(kinds(syncGroup({ state }), heldBack)).toEqual([]);
  });
  it('and together again, the note is taken away: not while one of them is missing', () => {
    const alone = syncGroup({ aloneSince: NOW - 1 });
    expect(kinds(alone, primary([synced]))).toEqual(['together']);
    expect(kinds(alone, primary([{ ...synced, state: 'behind' }]))).toEqual([]);
    expect(raised(alone, primary([{ ...synced, state: 'behind' }]))).toContain('sync-copy-behind');
  });
  it('by storage that does not answer, the link being well, are in error too', () => {
    expect(decide(syncGroup(), primary([synced], { writes: 'held-back' }))).toContainEqual(
      expect.objectContaining({ kind: 'error', event: 'datastoreFault' }),
    );
  });
});

describe('a group that is in error', () => {
  const broken = group({ state: 'error' });
  it('is repaired when its copies are complete again', () =>
    expect(kinds(broken, primary([leg()]))).toEqual(['complete']));
  it('not while the link is down', () => expect(kinds(broken, primary([leg({ linkUp: false })]))).toEqual([]));
  it('not before the first point', () => {
    const { newest: _, ...none } = leg({ state: 'initial' });
    expect(kinds(broken, primary([none]))).toEqual([]);
  });
  it('is told its sites anew where they do not know it, or have not obeyed', () => {
    expect(kinds(broken, undefined, [['a', undefined]])).toEqual(['takeUp']);
    expect(kinds({ ...broken, orderVersion: 2 }, primary([leg()]))).toEqual(['takeUp']);
    expect(kinds({ ...broken, leaving: ['w'] }, primary([leg()]))).toEqual(['takeUp']);
  });
  it('and that at most once a minute', () => {
    const takenUpAt = NOW - TAKE_UP_MS + 1;
    expect(kinds({ ...broken, orderVersion: 2, takenUpAt }, primary([leg()]))).toEqual([]);
    expect(kinds({ ...broken, orderVersion: 2, takenUpAt: takenUpAt - 1 }, primary([leg()]))).toEqual(['takeUp']);
  });
  it('is left to the operation that has it', () =>
    expect(kinds({ ...broken, claim: 'op', orderVersion: 2 }, primary([leg()]))).toEqual([]));
});

describe('a promise', () => {
  it('is kept, broken, or about to be broken', () => {
    expect(raised(group(), primary([leg({ newest: point(NOW - 16 * MINUTE) })]))).toEqual(['rpo-violated']);
    const late = leg({ newest: point(NOW - 10 * MINUTE), begunAt: NOW - MINUTE, usableAt: NOW + 6 * MINUTE });
    expect(raised(group(), primary([late]))).toEqual(['rpo-at-risk']);
    expect(raised(group(), primary([{ ...late, usableAt: NOW + 4 * MINUTE }]))).toEqual([]);
  });
  it('is not judged before there is a first copy', () =>
    expect(raised(group({ state: 'initialSync' }), primary([leg({ newest: point(0) })]))).toEqual([]));
});

describe('a former primary', () => {
  const switched = group({
    state: 'invalid',
    primarySiteId: 'b',
    epoch: 2,
    legs: [],
    former: { siteId: 'a', epoch: 1, executionId: 'exec' },
  });
  const at = (fields: Partial<GroupStatus>) => decide(switched, primary([], fields));
  const divergent = { count: 3, bytes: 30, from: 1, to: 2, discarded: false };

  it('that still believes it may write is demoted first', () =>
    expect(at({ role: 'primary' })).toEqual([{ kind: 'demote', siteId: 'a', epoch: 2 }]));
  it('that was demoted is believed, with what it alone has, and an alarm tells of it', () =>
    expect(at({ role: 'demoted', divergent })).toMatchObject([
      { kind: 'former', former: { siteId: 'a', demoted: true, divergent: { count: 3 }, executionId: 'exec' } },
      { kind: 'alarm', code: 'divergent-writes', raised: true },
    ]));
  it('that knows the group no more has nothing of it', () =>
    expect(decide(switched, undefined, [['a', undefined]])).toMatchObject([
      { kind: 'former', former: { demoted: true, divergent: { count: 0 } } },
      { raised: false },
    ]));
  it('that is silent is waited for', () => expect(decide(switched, undefined)).toEqual([]));
  it('whose writes were given up is told of no more', () => {
    const former = { siteId: 'a', epoch: 1, demoted: true as const, divergent: { ...divergent, discarded: true } };
    expect(decide({ ...switched, former }, primary([], { role: 'demoted', divergent }))).toMatchObject([
      { kind: 'alarm', raised: false },
    ]);
  });
});

it('in no state is anything done that the state does not take', () => {
  for (const state of GROUP_STATES)
    for (const writes of ['allowed', 'held-back'] as const)
      for (const linkUp of [true, false]) {
        const of = syncGroup({ state });
        const found = decide(of, primary([{ ...synced, linkUp }], { writes }));
        const event = found.flatMap((f) => ('event' in f ? [f.event] : []));
        expect(event.length, `${state} ${writes} ${linkUp}`).toBeLessThanOrEqual(1);
        if (event.length > 0) expect(['initialSync', 'protected', 'error']).toContain(state);
      }
});

describe('a group is complete', () => {
  it('by the word of the primary of its epoch that has obeyed the newest order', () => {
    expect(isComplete(group(), primary([leg()]), 0)).toBe(true);
    expect(isComplete(group({ epoch: 2 }), primary([leg()]), 0)).toBe(false);
    expect(isComplete(group({ orderVersion: 2 }), primary([leg()]), 0)).toBe(false);
    expect(isComplete(group(), primary([]), 0)).toBe(false);
  });
  it('when each copy has a point that is new enough, or takes part in each write', () => {
    expect(isComplete(group(), primary([leg()]), NOW)).toBe(false);
    expect(isComplete(syncGroup(), primary([{ ...synced, state: 'behind' }]), 0)).toBe(false);
    expect(isComplete(syncGroup(), primary([synced]), 0)).toBe(true);
    expect(isComplete(group(), primary([leg({ state: 'suspended' })]), 0)).toBe(false);
  });
});

describe('who is protected after which loss', () => {
  const cascade = syncGroup({
    replication: { mode: 'sync', targetSiteId: 'b', topology: 'cascade', thirdSiteId: 'c', rpoMinutes: 15 },
    legs: [
      { siteId: 'b', from: 'a', mode: 'sync', linkId: 'x', mbps: 1 },
      { siteId: 'c', from: 'b', mode: 'async', linkId: 'y', mbps: 1 },
    ],
  });
  const far = leg({ siteId: 'c', from: 'b', newest: point(NOW - 4 * MINUTE) });
  const told = (of: ProtectedGroup, legs: LegStatus[]) =>
    afterLoss(of, standingOf(of, new Map([['a', primary(legs)]]), NOW)).map((l) => [
      l.lost.join('+'),
      l.siteId,
      l.lossMs,
    ]);

  it('I8: one of the near ones costs nothing, both of them the lag of the far one', () =>
    expect(told(cascade, [synced, far])).toEqual([
      ['a', 'b', 0],
      ['b', 'a', 0],
      ['c', 'a', 0],
      ['a+b', 'c', 4 * MINUTE],
    ]));
  it('what is behind, or not there yet, is not promised', () => {
    const behind = { ...synced, state: 'behind' as const, newest: point(NOW - MINUTE) };
    const { newest: _, ...none } = { ...far, state: 'initial' as const };
    expect(told(cascade, [behind, none])).toEqual([
      ['a', 'b', MINUTE],
      ['b', 'a', 0],
      ['c', 'a', 0],
      ['a+b', undefined, undefined],
    ]);
  });
  it('of what nobody says nothing is promised', () => {
    const [first] = afterLoss(cascade, standingOf(cascade, new Map(), NOW));
    expect(first).toMatchObject({ lost: ['a'], why: expect.stringMatching(/nobody can say/) });
    expect(first?.siteId).toBeUndefined();
  });
});
