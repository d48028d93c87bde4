import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import {
  clusterHaChange,
  clusterHaSpec,
  DEFAULT_HA,
  formerLeasesAfter,
  MAX_LEASE_SECONDS,
} from '../../shared/model/ha.ts';
import { assess, LIVENESS, lastSign, leaseInForce, livenessOf, mustKeepOrder } from '../../shared/model/liveness.ts';
import { HEARTBEAT_MS, WATCHDOG_MS } from '../../shared/world/constants.ts';

const NOW = 1_000 * SECOND;
const ago = (seconds: number) => NOW - seconds * SECOND;

describe('the times that decide over life and death', () => {
  it('keep their order, and the hosts’ own watchdog is the one that is counted on (worked example E1)', () => {
    expect(mustKeepOrder(LIVENESS)).toBe(LIVENESS);
    expect(LIVENESS.watchdogMs).toBe(WATCHDOG_MS);
    expect(LIVENESS.silentMs).toBeGreaterThan(2 * HEARTBEAT_MS);
  });

  it.each([
    ['the lease ends with the watchdog', { leaseMs: LIVENESS.watchdogMs }],
    ['the lease ends before the watchdog', { leaseMs: LIVENESS.watchdogMs - 1 }],
    ['silence lasts as long as the watchdog', { silentMs: LIVENESS.watchdogMs }],
    ['silence lasts longer than the watchdog', { silentMs: LIVENESS.watchdogMs + 1 }],
    ['a time is no number', { leaseMs: Number.NaN }],
  ])('are refused when %s, with all three figures', (_what, wrong) => {
    expect(() => mustKeepOrder({ ...LIVENESS, ...wrong })).toThrow(/silent .* < watchdog .* < lease/);
  });
});

describe('a host', () => {
  const { silentMs } = LIVENESS;
  it.each([
    ['is heard on both channels', ago(1), ago(1), 'alive'],
    ['is heard on the management network alone', ago(1), ago(600), 'alive'],
    ['is heard on the storage network alone', ago(600), ago(1), 'partitioned'],
    ['was last heard just within the time of silence', NOW - silentMs + 1, null, 'alive'],
    ['was last heard exactly the time of silence ago', NOW - silentMs, NOW - silentMs, 'dead'],
    ['is silent on both channels', ago(60), ago(60), 'dead'],
    ['was never heard', null, null, 'dead'],
  ])('that %s is judged so', (_what, managementAt, storageAt, verdict) => {
    expect(assess({ managementAt, storageAt }, NOW)).toBe(verdict);
  });

  it('of which the site’s manager says nothing is dead', () => {
    expect(assess(undefined, NOW)).toBe('dead');
  });
});

it.each([
  ['the newer of both channels', { managementAt: ago(5), storageAt: ago(3) }, ago(9), ago(3)],
  ['what was known before, when nothing newer came', { managementAt: ago(5), storageAt: null }, ago(2), ago(2)],
  ['what was known before, when there is no report', undefined, ago(2), ago(2)],
])('the last sign of life is %s', (_what, beat, before, expected) => {
  expect(lastSign(beat, before)).toBe(expected);
});

describe('the times of a cluster', () => {
  it('keep their order, whatever a cluster may be set to', () => {
    for (const silentSeconds of [4, 6, 59])
      for (const leaseSeconds of [61, 120, MAX_LEASE_SECONDS]) {
        const ha = clusterHaSpec.parse({ silentSeconds, leaseSeconds });
        const expected = { silentMs: silentSeconds * SECOND, watchdogMs: WATCHDOG_MS, leaseMs: leaseSeconds * SECOND };
        expect(livenessOf(ha)).toEqual(expected);
      }
    expect(livenessOf(DEFAULT_HA)).toEqual(LIVENESS);
  });

  it.each([
    ['silentSeconds', 60, /<=59/],
    ['silentSeconds', 3, />=4/],
    ['leaseSeconds', 60, />=61/],
    ['leaseSeconds', 3601, /<=3600/],
  ])('%s of %d breaks the order: it is refused with the figure that it may have', (field, value, figure) => {
    const { success, error } = clusterHaChange.safeParse({ [field]: value });
    expect(success).toBe(false);
    expect(error?.issues.map((i) => i.message).join()).toMatch(figure);
  });

  it('out of order are never worked with, should they stand on record', () => {
    expect(() => livenessOf({ silentSeconds: 60, leaseSeconds: 120 })).toThrow(/silent \(60000 ms\) < watchdog/);
  });
});

describe('a lease that was shortened', () => {
  const cluster = (leaseSeconds: number, formerLeases: { seconds: number; until: number }[] = []) => ({
    ha: { ...DEFAULT_HA, leaseSeconds },
    formerLeases,
  });
  const shortened = cluster(61, formerLeasesAfter(cluster(300), 61, NOW));

  it.each([
    ['still runs for a host that was heard last before', NOW - 10 * SECOND, 300],
    ['still runs for a host that was heard last just then', NOW, 300],
    ['is the short one for a host that was heard since', NOW + 1, 61],
  ])('%s', (_what, seenAt, seconds) => {
    expect(leaseInForce(shortened, seenAt)).toBe(seconds * SECOND);
  });

  it('and lengthened again is the longest that was promised', () => {
    const again = cluster(200, formerLeasesAfter(shortened, 200, NOW + SECOND));
    expect(leaseInForce(again, NOW - 1)).toBe(300 * SECOND);
    expect(leaseInForce(again, NOW + 1)).toBe(200 * SECOND);
    expect(leaseInForce(cluster(400, formerLeasesAfter(again, 400, NOW)), NOW - 1)).toBe(400 * SECOND);
  });

  it('is forgotten when the longest lease that there is has passed, and what a longer one covers is not kept', () => {
    const hour = MAX_LEASE_SECONDS * SECOND;
    expect(formerLeasesAfter(shortened, 61, NOW + hour - 1)).toEqual([{ seconds: 300, until: NOW }]);
    expect(formerLeasesAfter(shortened, 61, NOW + hour)).toEqual([]);
    const longer = cluster(400, [{ seconds: 300, until: NOW - 1 }]);
    expect(formerLeasesAfter(longer, 61, NOW)).toEqual([{ seconds: 400, until: NOW }]);
    expect(formerLeasesAfter(cluster(120), 120, NOW)).toEqual([]);
  });
});
