import { describe, expect, it } from 'vitest';
import { callsRecovery, decide, isDue, RETRY_MS } from '../../functions/probe/decide.ts';
import { togetherOf } from '../../functions/probe/probe.ts';
import type { Heartbeat } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { HOST_STATES, type Host, type HostState } from '../../shared/model/inventory.ts';
import { host } from '../placement/hosts.ts';

const NOW = 1_000 * SECOND;
const LONG_AGO = NOW - 300 * SECOND;
const beat = (managementAt: number | null, storageAt: number | null): Heartbeat => ({
  hostId: 'h',
  managementAt,
  storageAt,
  restartedAt: null,
  power: 'on',
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
  suspect: { alive: 'back', partitioned: undefined, dead: 'recover', unheard: 'recover' },
  fencing: { alive: 'recover', partitioned: 'recover', dead: 'recover', unheard: 'recover' },
  fenced: { alive: 'returned', partitioned: undefined, dead: undefined, unheard: undefined },
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

  it.each([
    ['the last heartbeat, when there is one', beat(NOW - 30 * SECOND, null), NOW - 30 * SECOND],
    ['what is on record, when that is newer', beat(NOW - 90 * SECOND, null), NOW - 60 * SECOND],
    ['what is on record, when no heartbeat ever came', undefined, NOW - 60 * SECOND],
  ])('says since when a host is silent: %s', (_what, sign, at) => {
    expect(decide(host('h', { seenAt: NOW - 60 * SECOND }), sign, NOW)).toMatchObject({ kind: 'suspect', at });
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
  const beats = new Map([
    [
      's1',
      new Map([
        ['dead', SIGNS.dead],
        ['cut', SIGNS.partitioned],
      ] as [string, Heartbeat][]),
    ],
  ]);
  const suspect = (id: string, fields: Partial<Host> = {}) => ({ host: host(id, { siteId: 's1', ...fields }), at: 0 });
  const ids = (groups: { host: Host }[][]) => groups.map((g) => g.map((s) => s.host.id));

  it('are one incident when both channels of each are silent, and each cluster has its own', () => {
    const some = [suspect('dead'), suspect('unheard'), suspect('elsewhere', { clusterId: 'c2' })];
    expect(ids(togetherOf(some, beats, NOW))).toEqual([['dead', 'unheard'], ['elsewhere']]);
  });

  it('are incidents of their own when one channel goes on: what becomes of one says nothing of the other', () => {
    expect(ids(togetherOf([suspect('dead'), suspect('cut'), suspect('unheard')], beats, NOW))).toEqual([
      ['dead', 'unheard'],
      ['cut'],
    ]);
  });
});
