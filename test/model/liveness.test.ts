import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import { assess, LIVENESS, lastSign, mustKeepOrder } from '../../shared/model/liveness.ts';
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
