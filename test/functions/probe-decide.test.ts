import { describe, expect, it } from 'vitest';
import { believed, callsRecovery, decide, isDue, RETRY_MS } from '../../functions/probe/decide.ts';
import { togetherOf } from '../../functions/probe/probe.ts';
import type { Heartbeat } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { watchOf } from '../../shared/model/condition.ts';
import { STEADY_MS } from '../../shared/model/flapping.ts';
import { DEFAULT_HA } from '../../shared/model/ha.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Condition, HOST_STATES, type Host, type HostState } from '../../shared/model/inventory.ts';
import { host } from '../placement/hosts.ts';

const NOW = 1_000 * SECOND;
const LONG_AGO = NOW - 300 * SECOND;
const beat = (managementAt: number | null, storageAt: number | null): Heartbeat => ({
  hostId: 'h',
  managementAt,
  storageAt,
  restartedAt: null,
  power: 'on',
  answersPing: false,
  aloneSince: null,
  storageLostSince: null,
});
const SIGNS = {
  alive: beat(NOW, NOW),
  partitioned: beat(LONG_AGO, NOW),
  dead: beat(LONG_AGO, LONG_AGO),
  unheard: undefined,
};
type Sign = keyof typeof SIGNS;

/** What is done about a host that nobody holds, by what is believed of it and what is seen. */
const TABLE: Record<HostState, Record<Sign, string | undefined>> = {
  reconciling: { alive: 'returned', partitioned: 'suspect', dead: 'suspect', unheard: 'suspect' },
  online: { alive: undefined, partitioned: 'suspect', dead: 'suspect', unheard: 'suspect' },
  suspect: { alive: 'back', partitioned: 'noted', dead: 'recover', unheard: 'recover' },
  fencing: { alive: 'recover', partitioned: 'recover', dead: 'recover', unheard: 'recover' },
  fenced: { alive: 'returned', partitioned: 'noted', dead: 'noted', unheard: 'noted' },
  maintenance: { alive: undefined, partitioned: undefined, dead: undefined, unheard: undefined },
  gone: { alive: undefined, partitioned: undefined, dead: undefined, unheard: undefined },
};
const cases = HOST_STATES.flatMap((state) =>
  (Object.keys(SIGNS) as Sign[]).map((sign) => [state, sign, TABLE[state][sign]] as const),
);
const kindOf = (fields: Partial<Host>, sign: Sign) => decide(host('h', fields), SIGNS[sign], NOW)?.kind;

describe('the probe', () => {
  it.each(cases)('of a host that is %s and %s finds: %s', (state, sign, expected) => {
    expect(kindOf({ state }, sign)).toBe(expected);
  });

  it.each(cases)('leaves a host alone that is %s and %s while a workflow holds it', (state, sign) => {
    expect(kindOf({ state, claim: 'op_1', callsRecovery: 'vm_1/2' }, sign)).toBeUndefined();
  });

  it.each(cases.filter(([, , expected]) => expected === 'noted'))(
    'has nothing to note of a host that is %s and %s when its condition is on record',
    (state, sign) => {
      const condition = decide(host('h', { state }), SIGNS[sign], NOW)?.condition as Condition;
      expect(kindOf({ state, condition }, sign)).toBeUndefined();
    },
  );

  it.each([
    ['the last heartbeat, when there is one', beat(NOW - 30 * SECOND, null), NOW - 30 * SECOND],
    ['what is on record, when that is newer', beat(NOW - 90 * SECOND, null), NOW - 60 * SECOND],
    ['what is on record, when no heartbeat ever came', undefined, NOW - 60 * SECOND],
  ])('says since when a host is silent: %s', (_what, sign, at) => {
    expect(decide(host('h', { seenAt: NOW - 60 * SECOND }), sign, NOW)).toMatchObject({ kind: 'suspect', at });
  });
});

describe('in a cluster that is disarmed, the probe', () => {
  const watch = { ...watchOf({ ha: DEFAULT_HA }, NOW), armed: false };
  const found = (fields: Partial<Host>, sign: Sign) => decide(host('h', fields), SIGNS[sign], NOW, watch)?.kind;
  it.each([
    ['suspects a host that fell silent', { state: 'online' as const }, 'dead' as const, 'suspect'],
    ['lets one be that is dead', { state: 'suspect' as const, condition: 'hung' as const }, 'dead' as const, undefined],
    ['goes on with no fence', { state: 'fencing' as const, condition: 'hung' as const }, 'dead' as const, undefined],
    [
      'tries no VM that waits',
      { state: 'fenced' as const, condition: 'hung' as const, callsRecovery: 'vm_1/2' },
      'dead' as const,
      undefined,
    ],
    ['lets a host come back that was never gone', { state: 'suspect' as const }, 'alive' as const, 'back'],
    ['lets a fenced host be reconciled', { state: 'fenced' as const }, 'alive' as const, 'returned'],
  ])('%s', (_what, fields, sign, expected) => {
    expect(found(fields, sign)).toBe(expected);
  });

  it('looks for no VM that waits on a host that serves', () => {
    expect(callsRecovery(host('h', { state: 'online', callsRecovery: 'vm_1/2' }), watch)).toBe(false);
  });
});

describe('a host that flaps', () => {
  const instants = [NOW - 400 * SECOND, NOW - 300 * SECOND, NOW - 200 * SECOND];
  const damped = (fields: Partial<Host> = {}) => ({ state: 'suspect' as const, flaps: instants, ...fields });
  it.each([
    ['is noted to be well, and stays suspect', damped({ condition: 'partitioned' }), 'alive', 'noted'],
    [
      'stays suspect while it was well for less than 5 minutes',
      damped({ condition: 'alive', conditionAt: NOW - STEADY_MS + 1 }),
      'alive',
      undefined,
    ],
    [
      'is back when it was well for 5 minutes',
      damped({ condition: 'alive', conditionAt: NOW - STEADY_MS }),
      'alive',
      'back',
    ],
    [
      'begins to be steady anew when it was away meanwhile',
      damped({ condition: 'alive', conditionAt: NOW - 1 }),
      'partitioned',
      'noted',
    ],
    [
      'is recovered at once when it fails in earnest',
      damped({ condition: 'alive', conditionAt: NOW - 1 }),
      'dead',
      'recover',
    ],
  ] as const)('%s', (_what, fields, sign, expected) => {
    expect(kindOf(fields as Partial<Host>, sign)).toBe(expected);
  });

  it('begins anew once it was steady, failed in earnest or was reconciled', () => {
    for (const kind of ['back', 'recover', 'returned'] as const)
      expect(believed({ host: host('h', damped()), condition: 'alive', kind }, NOW).flaps, kind).toEqual([]);
    const noted = believed({ host: host('h', damped()), condition: 'hung', kind: 'noted' }, NOW);
    expect(noted).toEqual({ condition: 'hung', conditionAt: NOW });
  });

  it('is remembered by its last three suspicions', () => {
    const found = { host: host('h', { flaps: [1, 2, 3] }), condition: 'hung' as const, kind: 'suspect' as const };
    expect(believed(found, NOW)).toEqual({ condition: 'hung', conditionAt: NOW, flaps: [2, 3, NOW] });
  });
});

describe('the time of silence of a cluster decides when a host is missed', () => {
  it.each([
    [4, 3.9, undefined],
    [4, 4, 'suspect'],
    [6, 5.9, undefined],
    [6, 6, 'suspect'],
    [30, 29.9, undefined],
    [30, 30, 'suspect'],
  ])('of %d s: silent for %d s', (silentSeconds, seconds, expected) => {
    const watch = watchOf({ ha: { ...DEFAULT_HA, silentSeconds } }, NOW);
    const last = NOW - seconds * SECOND;
    expect(decide(host('h', { state: 'online' }), beat(last, last), NOW, watch)?.kind).toBe(expected);
  });
});

describe('an incident', () => {
  const incident = (fields: Partial<Incident>): Incident => ({
    id: 'inc_1',
    siteId: 's1',
    clusterId: 'c1',
    hosts: [],
    hostIds: [],
    state: 'open',
    openedAt: NOW,
    waiting: 0,
    timeline: [],
    parts: [],
    version: 1,
    ...fields,
  });

  it.each([
    ['whose VMs wait and were never tried is due', { waiting: 1 }, true],
    ['whose VMs wait is due after 20 s (HA-14)', { waiting: 1, triedAt: NOW - RETRY_MS }, true],
    ['is not tried more often', { waiting: 1, triedAt: NOW - RETRY_MS + 1 }, false],
    ['for which no VM waits is not due', { waiting: 0, triedAt: 0 }, false],
    ['whose pass broke is due at once', { due: true as const, triedAt: NOW }, true],
    ['is left alone while an execution works on it', { waiting: 1, due: true as const, claim: 'op_1' }, false],
  ])('%s', (_what, fields, due) => {
    expect(RETRY_MS).toBe(20 * SECOND);
    expect(isDue(incident(fields), NOW)).toBe(due);
  });
});

describe('a VM that an operation leaves to the recovery', () => {
  it.each([
    ['of a host that serves: it arrived just as that host was gone', { state: 'online' as const }, true],
    ['of a host that a workflow holds is not', { state: 'online' as const, claim: 'op_1' }, false],
    ['of a host that is judged anyway is not', { state: 'suspect' as const }, false],
  ])('is looked for: %s', (_what, fields, looked) => {
    expect(callsRecovery(host('h', { callsRecovery: 'vm_1/2', ...fields }))).toBe(looked);
  });

  it('is looked for on a fenced host', () => {
    expect(kindOf({ state: 'fenced', callsRecovery: 'vm_1/2' }, 'dead')).toBe('recover');
  });
});

describe('hosts that fall silent in one look', () => {
  const suspect = (id: string, sign: Sign, fields: Partial<Host> = {}, watch = watchOf({ ha: DEFAULT_HA }, NOW)) => {
    const found = decide(host(id, { siteId: 's1', ...fields }), SIGNS[sign], NOW, watch);
    if (found?.kind !== 'suspect') throw new Error(`${id} is not suspect`);
    return { ...found, also: {} };
  };
  const ids = (groups: { host: Host }[][]) => groups.map((g) => g.map((s) => s.host.id));

  it('are one incident when both channels of each are silent, and each cluster has its own', () => {
    const some = [suspect('a', 'dead'), suspect('b', 'unheard'), suspect('elsewhere', 'dead', { clusterId: 'c2' })];
    expect(ids(togetherOf(some))).toEqual([['a', 'b'], ['elsewhere']]);
  });

  it('are incidents of their own when one channel goes on: what becomes of one says nothing of the other', () => {
    expect(ids(togetherOf([suspect('a', 'dead'), suspect('cut', 'partitioned'), suspect('b', 'unheard')]))).toEqual([
      ['a', 'b'],
      ['cut'],
    ]);
  });

  it('are silent as their cluster says: where 4 s are enough, 5 s make one incident', () => {
    const watch = watchOf({ ha: { ...DEFAULT_HA, silentSeconds: 4 } }, NOW);
    const sign = beat(NOW - 5 * SECOND, NOW - 5 * SECOND);
    const some = ['a', 'b'].map((id) => ({ ...decide(host(id), sign, NOW, watch), also: {} }) as never);
    expect(ids(togetherOf(some))).toEqual([['a', 'b']]);
  });
});
