import { describe, expect, it } from 'vitest';
import type { GroupStatus, LegStatus } from '../../shared/hypervisor/replication-port.ts';
import { DAY, MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { rehearsePlan } from '../../shared/recovery/capacity.ts';
import { type ReadinessFacts, readinessOf } from '../../shared/recovery/readiness.ts';
import { expectedRpoMs, standingOf } from '../../shared/recovery/standing.ts';
import { group, NOW, OUT, picture, plan, tested, vm } from './things.ts';

const g = group('pg_1', ['db']);
const syncGroup = group('pg_1', ['db'], {
  replication: { mode: 'sync', targetSiteId: 'b' },
  legs: [{ siteId: 'b', from: 'a', mode: 'sync', linkId: 'l', mbps: 10 }],
});
const point = (sequence: number, ago: number) => ({ sequence, stateAt: NOW - ago, usableAt: NOW - ago + SECOND });
const leg = (more: Partial<LegStatus> = {}): LegStatus => ({
  siteId: 'b',
  from: 'a',
  mode: 'async',
  state: 'behind',
  linkUp: true,
  backlogBytes: 0,
  sentBytes: 0,
  newest: point(40, 2 * MINUTE),
  ...more,
});
const primary = (head: number, legs = [leg()]): GroupStatus => ({
  groupId: 'pg_1',
  role: 'primary',
  epoch: 1,
  version: 1,
  head: { sequence: head, at: NOW },
  legs,
});
const target = (points = [point(30, 7 * MINUTE), point(40, 2 * MINUTE)], head = 44): GroupStatus => ({
  groupId: 'pg_1',
  role: 'secondary',
  epoch: 1,
  version: 1,
  head: { sequence: head, at: NOW },
  legs: [],
  copy: { from: 'a', mode: 'async', state: 'behind', linkUp: true, points },
});
const stand = (seen: { primary?: GroupStatus; target?: GroupStatus }, of: ProtectedGroup = g) =>
  standingOf(of, OUT, new Map(Object.entries(seen).map(([at, s]) => [at === 'primary' ? 'a' : 'b', s])), NOW);

describe('how a group stands now', () => {
  it('the age of its newest complete point, and what would be lost, exactly where the primary answers', () => {
    expect(stand({ primary: primary(50), target: target() })).toMatchObject({
      rpoMs: 2 * MINUTE,
      expectedRpoMs: 15 * MINUTE,
      rpo: 'met',
      wouldLose: { count: 10, known: 'exact' },
      heard: { primary: true, target: true },
    });
  });
  it('and at least what the recovery site was told of, where it does not', () => {
    expect(stand({ target: target() })).toMatchObject({
      wouldLose: { count: 4, known: 'atLeast' },
      heard: { primary: false },
    });
  });
  it('nothing would be lost of a synchronous leg that is synced, and nobody says so of one that is behind', () => {
    const legs = (state: LegStatus['state']) => [leg({ mode: 'sync', state })];
    expect(stand({ primary: primary(50, legs('synced')), target: target() }, syncGroup)).toMatchObject({
      rpoMs: 0,
      rpo: 'met',
      expectedRpoMs: 0,
      wouldLose: { count: 0, known: 'exact' },
    });
    expect(stand({ primary: primary(50, legs('behind')), target: target() }, syncGroup)).toMatchObject({
      rpo: 'violated',
      wouldLose: { count: 10 },
    });
  });
  it('an old point is a violation; one whose successor will be late is at risk', () => {
    const old = [point(40, 16 * MINUTE)];
    expect(stand({ primary: primary(50, [leg({ newest: old[0] as never })]), target: target(old) }).rpo).toBe(
      'violated',
    );
    const late = leg({ begunAt: NOW - MINUTE, usableAt: NOW + 20 * MINUTE });
    expect(stand({ primary: primary(50, [late]), target: target() }).rpo).toBe('atRisk');
  });
  it('nothing is known of a group of which nobody answers', () => {
    const seen = stand({});
    expect(seen.rpo).toBe('unknown');
    expect(seen.wouldLose).toBeUndefined();
    expect(seen.rpoMs).toBeUndefined();
  });
  it('the third centre is promised what an asynchronous leg can give', () => {
    const replication = { mode: 'sync', targetSiteId: 'b', thirdSiteId: 'c', topology: 'cascade' } as const;
    expect(expectedRpoMs({ legs: [], replication }, { ...OUT, toSiteId: 'c' })).toBe(15 * MINUTE);
    expect(expectedRpoMs({ legs: [], replication }, OUT)).toBe(0);
  });
});

const facts = (more: Partial<ReadinessFacts> = {}): ReadinessFacts => ({
  plan: tested(plan(['pg_1']), [g]),
  groups: [g],
  vms: [vm('db')],
  standings: [stand({ primary: primary(50), target: target() })],
  capacity: rehearsePlan(plan(['pg_1']), [vm('db')], OUT, picture()),
  flaws: [],
  now: NOW,
  ...more,
});
const codes = (more: Partial<ReadinessFacts>) => readinessOf(facts(more)).findings.map((f) => f.code);

describe('the readiness of a plan', () => {
  it('is 100 where nothing is found', () => {
    expect(readinessOf(facts())).toEqual({ score: 100, ready: true, findings: [] });
  });

  it.each([
    ['not-tested', { plan: plan(['pg_1']) }, 70, false],
    ['drill-overdue', { plan: tested(plan(['pg_1'], { drillEveryDays: 1 }), [g], NOW - 2 * DAY) }, 90, true],
    ['plan-state', { plan: { ...tested(plan(['pg_1']), [g]), state: 'recovered' as const } }, 40, false],
    ['group-in-use', { groups: [{ ...g, usedBy: 'plan_2' }] }, 40, false],
    ['group-state', { groups: [{ ...g, state: 'error' as const, reason: 'its link is down' }] }, 49, false],
    [
      'no-point',
      { standings: [stand({ primary: primary(5, [leg({ newest: undefined as never })]), target: target([]) })] },
      49,
      false,
    ],
    ['site-silent', { standings: [stand({ target: target() })] }, 85, true],
    [
      'link-down',
      { standings: [stand({ primary: primary(50, [leg({ linkUp: false })]), target: target() })] },
      80,
      true,
    ],
    ['capacity', { capacity: rehearsePlan(plan(['pg_1']), [vm('db')], OUT, picture(1, 100)) }, 70, false],
    ['mapping', { flaws: [{ location: 'body.networkMap.net_1', message: 'does not reach site b' }] }, 70, false],
    [
      'vm-outdated',
      { vms: [vm('db', { protection: { groupId: 'pg_1', replicas: [], outdated: 'a disk has grown' } })] },
      90,
      true,
    ],
    [
      'divergence',
      {
        standings: [
          stand(
            { primary: primary(50), target: target() },
            {
              ...g,
              former: { siteId: 'a', epoch: 1, demoted: true, divergent: { count: 2, bytes: 9, discarded: false } },
            },
          ),
        ],
      },
      80,
      true,
    ],
  ] as const)('%s is found, with what would mend it', (code, more, score, ready) => {
    const found = readinessOf(facts(more as Partial<ReadinessFacts>));
    expect(found.findings.map((f) => f.code)).toEqual([code]);
    expect(found.findings[0]?.fix.length).toBeGreaterThan(5);
    expect([found.score, found.ready]).toEqual([score, ready]);
  });

  it('a synchronous copy that is behind is told as that, not as a late point', () => {
    const behind = stand({ primary: primary(50, [leg({ mode: 'sync' })]), target: target() }, syncGroup);
    expect(codes({ standings: [behind], groups: [syncGroup], plan: tested(plan(['pg_1']), [syncGroup]) })).toEqual([
      'not-synced',
    ]);
  });

  it('a violated RPO is told in figures', () => {
    const old = [point(40, 40 * MINUTE)];
    const [found] = readinessOf(
      facts({ standings: [stand({ primary: primary(50, [leg({ newest: old[0] as never })]), target: target(old) })] }),
    ).findings;
    expect(found).toMatchObject({ code: 'rpo-violated', figures: { rpoSeconds: 2400, expectedRpoSeconds: 900 } });
  });

  it('a kind of finding costs its points once, and the score is never below zero', () => {
    const flaws = [1, 2, 3].map((n) => ({ location: `body.ipMap.${n}`, message: 'is taken' }));
    expect(readinessOf(facts({ flaws })).score).toBe(70);
    const worst = readinessOf(
      facts({
        plan: plan(['pg_1'], { state: 'recovered' }),
        groups: [{ ...g, state: 'error', usedBy: 'plan_2' }],
        flaws,
        standings: [stand({})],
      }),
    );
    expect(worst.score).toBe(0);
  });
});
