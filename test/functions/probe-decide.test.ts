import { describe, expect, it } from 'vitest';
import { decide, RETRY_MS, waitsOn } from '../../functions/probe/decide.ts';
import type { Heartbeat } from '../../shared/hypervisor/port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
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
    expect(kindOf({ state, claim: 'op_1', waiting: 3 }, sign)).toBeUndefined();
  });

  it.each([
    ['the last heartbeat, when there is one', beat(NOW - 30 * SECOND, null), NOW - 30 * SECOND],
    ['what is on record, when that is newer', beat(NOW - 90 * SECOND, null), NOW - 60 * SECOND],
    ['what is on record, when no heartbeat ever came', undefined, NOW - 60 * SECOND],
  ])('says since when a host is silent: %s', (_what, sign, at) => {
    expect(decide(host('h', { seenAt: NOW - 60 * SECOND }), sign, NOW)).toMatchObject({ kind: 'suspect', at });
  });
});

describe('VMs that wait for capacity', () => {
  it.each([
    ['are tried at once when they never were', { waiting: 1 }, true],
    ['are tried again after 20 s (HA-14)', { waiting: 1, triedAt: NOW - RETRY_MS }, true],
    ['are not tried more often', { waiting: 1, triedAt: NOW - RETRY_MS + 1 }, false],
    ['are not tried when there are none', { waiting: 0, triedAt: 0 }, false],
  ])('%s, while their host is gone and after it is back', (_what, fields, tried) => {
    expect(RETRY_MS).toBe(20 * SECOND);
    expect(kindOf({ state: 'fenced', ...fields }, 'dead')).toBe(tried ? 'recover' : undefined);
    expect(waitsOn(host('h', { state: 'online', incidentId: 'inc_1', ...fields }), NOW)).toBe(tried);
  });

  it('are looked for without an incident too: a VM may have arrived just as its new host failed', () => {
    expect(waitsOn(host('h', { state: 'online', waiting: 1 }), NOW)).toBe(true);
  });

  it.each([
    ['of a host that a workflow holds', { claim: 'op_1' }],
    ['of a host that is not back', { state: 'fenced' as const }],
  ])('%s are not looked for on a host that serves', (_what, fields) => {
    const waiting = { ...host('h', { waiting: 1, incidentId: 'inc_1' }), ...fields } as Host;
    expect(waitsOn(waiting, NOW)).toBe(false);
  });
});
