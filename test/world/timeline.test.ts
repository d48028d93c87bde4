import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import type { FaultKind } from '../../shared/model/fault.ts';
import { HEARTBEAT_MS, HOST_BOOT_MS, WATCHDOG_MS } from '../../shared/world/constants.ts';
import { agentReachable, hostTimeline, lastHeartbeat, powerAt, serves, within } from '../../shared/world/timeline.ts';
import { fault, worldHost } from './facts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const s = (seconds: number) => seconds * SECOND;
const FOREVER = Number.POSITIVE_INFINITY;

describe('a host', () => {
  it('that nothing happens to has power, serves, can be asked and beats on both channels', () => {
    const t = hostTimeline(worldHost(), []);
    expect([powerAt(t, s(9)), serves(t, s(9)), agentReachable(t, s(9)), t.kills]).toEqual(['on', true, true, []]);
    expect(lastHeartbeat(t, 'management', worldHost(), s(9))).toBe(s(8));
    expect(lastHeartbeat(t, 'storage', worldHost(), s(9))).toBe(s(8));
  });

  it('that loses power is off, boots when it has it back, and then serves with nothing of what ran before', () => {
    const t = hostTimeline(worldHost(), [fault('host-power-loss', 'h1', s(100), s(200))]);
    const states = [99, 100, 199, 200, 259, 260].map((at) => powerAt(t, s(at)));
    expect(states).toEqual(['on', 'off', 'off', 'booting', 'booting', 'on']);
    expect(HOST_BOOT_MS).toBe(s(60));
    expect(t.kills).toEqual([s(100)]);
  });

  it.each([
    ['shorter than the watchdog goes on as if nothing had been', s(100) + WATCHDOG_MS - 1, [], 'on'],
    ['as long as the watchdog is reset by it', s(100) + WATCHDOG_MS, [s(160)], 'booting'],
    ['without end is cured by the watchdog', undefined, [s(160)], 'booting'],
  ])('that hangs %s', (_how, until, kills, after) => {
    const t = hostTimeline(worldHost(), [fault('host-hang', 'h1', s(100), until)]);
    expect([serves(t, s(99)), serves(t, s(100)), serves(t, s(159))]).toEqual([true, false, false]);
    expect(t.kills).toEqual(kills);
    expect(powerAt(t, s(160))).toBe(after);
    expect(serves(t, s(220))).toBe(true);
  });

  it('that has lost both channels kills what runs on it 60 s later by its own watchdog (HA-7)', () => {
    const lost = [fault('management-partition', 'h1', s(100)), fault('storage-partition', 'h1', s(110))];
    const t = hostTimeline(worldHost(), lost);
    expect(t.kills).toEqual([s(170)]);
    expect(powerAt(t, s(169))).toBe('on');
  });

  it.each([
    ['the management network alone', [fault('management-partition', 'h1', s(100))]],
    ['the storage network alone', [fault('storage-partition', 'h1', s(100))]],
    [
      'both channels, one after the other',
      [fault('management-partition', 'h1', s(100), s(200)), fault('storage-partition', 'h1', s(200), s(300))],
    ],
    [
      'both channels for less than the watchdog',
      [fault('management-partition', 'h1', s(100), s(200)), fault('storage-partition', 'h1', s(141), s(300))],
    ],
  ])('that loses %s kills nothing', (_what, faults) => {
    expect(hostTimeline(worldHost(), faults).kills).toEqual([]);
  });

  it('whose agent is lost runs on, and beats on the storage network alone', () => {
    const t = hostTimeline(worldHost(), [fault('agent-lost', 'h1', s(100))]);
    expect([serves(t, s(200)), agentReachable(t, s(200))]).toEqual([true, false]);
    expect(lastHeartbeat(t, 'management', worldHost(), s(200))).toBe(s(98));
    expect(lastHeartbeat(t, 'storage', worldHost(), s(200))).toBe(s(200));
  });

  it('obeys its controller: off from one order to the next, then booting', () => {
    const bmc = [
      { at: s(100), power: 'off' as const },
      { at: s(300), power: 'on' as const },
    ];
    const t = hostTimeline(worldHost({ bmc }), []);
    expect([99, 100, 299, 300, 360].map((at) => powerAt(t, s(at)))).toEqual(['on', 'off', 'off', 'booting', 'on']);
    expect(t.kills).toEqual([s(100)]);
  });

  it('that hangs and is power-cycled is cured: the watchdog of the old hang does not strike again', () => {
    const bmc = [
      { at: s(110), power: 'off' as const },
      { at: s(120), power: 'on' as const },
    ];
    const t = hostTimeline(worldHost({ bmc }), [fault('host-hang', 'h1', s(100))]);
    expect(t.kills).toEqual([s(110)]);
    expect([within(t.hung, s(105)), serves(t, s(180))]).toEqual([true, true]);
  });

  it('that is switched off while it has no power anyway dies once', () => {
    const host = worldHost({ bmc: [{ at: s(120), power: 'off' }] });
    const t = hostTimeline(host, [fault('host-power-loss', 'h1', s(100), s(200))]);
    expect([t.off, t.kills]).toEqual([[{ from: s(100), to: FOREVER }], [s(100)]]);
  });

  it.each([
    ['its site', 's1', true],
    ['its rack', 'r1', true],
    ['itself', 'h1', true],
    ['another host', 'h2', false],
  ])('is struck by a fault of %s as it should be', (_what, target, struck) => {
    const t = hostTimeline(worldHost({ rack: 'r1' }), [fault('host-power-loss', target, s(100))]);
    expect(powerAt(t, s(100)) === 'off').toBe(struck);
  });

  it('of a lost site has neither power nor channels nor controller', () => {
    const t = hostTimeline(worldHost(), [fault('site-loss', 's1', s(100))]);
    const lost = [t.off, t.managementLost, t.storageLost, t.bmcLost];
    expect(lost.map((spans) => within(spans, s(100)))).toEqual([true, true, true, true]);
  });
});

const KINDS: FaultKind[] = [
  'host-power-loss',
  'host-hang',
  'management-partition',
  'storage-partition',
  'agent-lost',
  'site-loss',
];
const instant = fc.integer({ min: 0, max: 600_000 });
const someFault = fc
  .tuple(fc.constantFrom(...KINDS), instant, fc.option(fc.integer({ min: 1, max: 300_000 }), { nil: undefined }))
  .map(([kind, at, lasts]) => fault(kind, kind === 'site-loss' ? 's1' : 'h1', at, lasts && at + lasts));

describe('a heartbeat', () => {
  it.each([
    ['that no host ever sent is none', 5000, 5001, null],
    ['is sent at the commissioning, when that is a beat', 4000, 5001, 4000],
  ])('%s', (_what, commissionedAt, at, expected) => {
    const host = worldHost({ commissionedAt });
    expect(lastHeartbeat(hostTimeline(host, []), 'management', host, at)).toBe(expected);
  });

  it('is never sent while the host is silent, and none that was sent is forgotten', () => {
    fc.assert(
      fc.property(fc.array(someFault, { maxLength: 6 }), instant, fc.boolean(), (faults, at, management) => {
        const host = worldHost();
        const t = hostTimeline(host, faults);
        const silent = [...t.off, ...t.booting, ...t.hung, ...(management ? t.managementLost : t.storageLost)];
        let expected: number | null = null;
        for (let beat = 0; beat <= at; beat += HEARTBEAT_MS) if (!within(silent, beat)) expected = beat;
        expect(lastHeartbeat(t, management ? 'management' : 'storage', host, at)).toBe(expected);
      }),
      { numRuns },
    );
  });
});
