import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import type { FaultKind } from '../../shared/model/fault.ts';
import { LIVENESS } from '../../shared/model/liveness.ts';
import { heartbeats } from '../../shared/world/agent/watch.ts';
import { GUEST_SHUTDOWN_MS, HEARTBEAT_MS, ISOLATION_MS, WATCHDOG_MS } from '../../shared/world/constants.ts';
import type { Fault, WorldHost } from '../../shared/world/records.ts';
import { hostTimeline, lastHeartbeat } from '../../shared/world/timeline.ts';
import type { World } from '../../shared/world/world.ts';
import { fault, worldHost } from './facts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const s = (seconds: number) => seconds * SECOND;

/** What the site's manager tells of the host at that instant. */
async function signs(faults: Fault[], at: number, host: Partial<WorldHost> = {}) {
  const world = { hosts: async () => [worldHost(host)], faults: async () => faults } as unknown as World;
  const [beat] = await heartbeats({ world, clock: { now: () => at } as never }, 's1');
  if (!beat) throw new Error('nothing is told');
  return beat;
}

describe('of a host is told', () => {
  it.each<[string, Fault[], object]>([
    [
      'that is well',
      [],
      {
        answersPing: true,
        power: 'on',
        aloneSince: null,
        storageLostSince: null,
        managementAt: s(120),
        storageAt: s(120),
      },
    ],
    [
      'whose agent is lost: its kernel answers, and its storage heartbeat goes on',
      [fault('agent-lost', 'h1', s(101))],
      { answersPing: true, managementAt: s(100), storageAt: s(120), aloneSince: null },
    ],
    [
      'that is cut off from the management network: no ping either, and it sees its neighbours',
      [fault('management-partition', 'h1', s(101))],
      { answersPing: false, managementAt: s(100), storageAt: s(120), aloneSince: null },
    ],
    [
      'whose own link is down: that it sees nobody',
      [fault('nic-down', 'h1', s(101))],
      { answersPing: false, managementAt: s(100), storageAt: s(120), aloneSince: s(101) },
    ],
    [
      'that has lost its storage: its agent says so',
      [fault('storage-partition', 'h1', s(101))],
      { answersPing: true, managementAt: s(120), storageAt: s(100), storageLostSince: s(101) },
    ],
    [
      'that hangs: nothing but that it has power',
      [fault('host-hang', 'h1', s(101))],
      { answersPing: false, managementAt: s(100), storageAt: s(100), power: 'on' },
    ],
    [
      'without power: that it has none',
      [fault('host-power-loss', 'h1', s(101))],
      { answersPing: false, managementAt: s(100), storageAt: s(100), power: 'off' },
    ],
    [
      'whose power controller is out of reach: nothing of its power',
      [fault('bmc-unreachable', 'h1', s(101)), fault('host-power-loss', 'h1', s(101))],
      { power: 'unknown' },
    ],
    [
      'whose link goes down as it hangs: not that it sees nobody, since it cannot say so',
      [fault('host-hang', 'h1', s(101)), fault('nic-down', 'h1', s(101))],
      { aloneSince: null, storageAt: s(100) },
    ],
    [
      'that loses both channels: not that its storage is lost, since nobody hears it',
      [fault('management-partition', 'h1', s(101)), fault('storage-partition', 'h1', s(101))],
      { storageLostSince: null, aloneSince: null },
    ],
    [
      'whose storage is back: that it has it',
      [fault('storage-partition', 'h1', s(101), s(119))],
      { storageLostSince: null, storageAt: s(120) },
    ],
  ])('%s', async (_what, faults, expected) => {
    expect(await signs(faults, s(121))).toMatchObject(expected);
  });
});

describe('an isolated host', () => {
  const told = (response: 'leaveOn' | 'powerOff' | 'shutDown', at = 0) => ({ isolation: [{ at, response }] });
  const alone = [fault('nic-down', 'h1', s(100))];
  const ends = (host: Partial<WorldHost>, faults: Fault[] = alone) => hostTimeline(worldHost(host), faults).kills;

  it.each([
    ['that was told nothing leaves its VMs on', {}, []],
    ['that is to leave them on does so', told('leaveOn'), []],
    ['that is to power them off does so 30 s later', told('powerOff'), [s(130)]],
    ['that is to shut them down has done so 60 s later', told('shutDown'), [s(160)]],
    ['does what it was told before, not what it is told later', told('powerOff', s(101)), []],
  ])('%s', (_what, host, kills) => {
    expect([ISOLATION_MS, GUEST_SHUTDOWN_MS]).toEqual([s(30), s(30)]);
    expect(ends(host)).toEqual(kills);
  });

  it.each([
    ['sees others again before: nothing is stopped', [fault('nic-down', 'h1', s(100), s(129))], []],
    ['hangs then: it stops them when it goes on', [...alone, fault('host-hang', 'h1', s(125), s(140))], [s(140)]],
    ['hangs for good: its watchdog does it', [...alone, fault('host-hang', 'h1', s(120))], [s(180)]],
    [
      'loses power before: that is what ends them',
      [...alone, fault('host-power-loss', 'h1', s(120), s(125))],
      [s(120)],
    ],
    ['has only lost its way to the manager: it sees its neighbours', [fault('management-partition', 'h1', s(100))], []],
  ])('that is to power off, and %s', (_what, faults, kills) => {
    expect(ends(told('powerOff'), faults)).toEqual(kills);
  });

  it('says by its storage heartbeat that what it ran has ended, and not before that', async () => {
    expect(await signs(alone, s(129), told('powerOff'))).toMatchObject({ restartedAt: null, aloneSince: s(100) });
    expect(await signs(alone, s(131), told('powerOff'))).toMatchObject({ restartedAt: s(130), storageAt: s(130) });
  });

  it('that is told otherwise afterwards has still done what it did', () => {
    const isolation = [...told('powerOff').isolation, { at: s(300), response: 'leaveOn' as const }];
    const past = fault('nic-down', 'h1', s(100), s(200));
    expect(ends({ isolation }, [past])).toEqual([s(130)]);
    expect(ends({ isolation }, [past, fault('nic-down', 'h1', s(400))])).toEqual([s(130)]);
  });
});

describe('the watchdog of a host', () => {
  const kills = (...faults: Fault[]) => hostTimeline(worldHost(), faults).kills;
  it('counts a lost agent as a lost channel: with the storage gone as well nothing is heard of the host', () => {
    expect(kills(fault('agent-lost', 'h1', s(100)), fault('storage-partition', 'h1', s(110)))).toEqual([s(170)]);
  });

  it('counts silences together between which no heartbeat got through', () => {
    const cut = (from: number, to: number) => [
      fault('management-partition', 'h1', from, to),
      fault('storage-partition', 'h1', from, to),
    ];
    expect(kills(fault('host-hang', 'h1', s(100), s(140)), ...cut(s(140), s(180)))).toEqual([s(160)]);
    expect(kills(...cut(s(100), s(140) + 1), ...cut(s(142), s(180)))).toEqual([s(160)]);
    expect(kills(...cut(s(100), s(140)), ...cut(s(140) + 1, s(180)))).toEqual([]);
  });

  const KINDS: FaultKind[] = [
    'host-power-loss',
    'host-hang',
    'management-partition',
    'storage-partition',
    'agent-lost',
    'nic-down',
    'bmc-unreachable',
  ];
  const instant = fc.integer({ min: 0, max: 400_000 });
  const someFault = fc
    .tuple(fc.constantFrom(...KINDS), instant, fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }))
    .map(([kind, at, lasts]) => fault(kind, 'h1', at, lasts && at + lasts));

  it('has stopped, before a lease can have run out, all that ran when the host was last heard: for any faults (HA-7)', () => {
    let silences = 0;
    fc.assert(
      fc.property(fc.array(someFault, { minLength: 1, maxLength: 8 }), (faults) => {
        const host = worldHost();
        const t = hostTimeline(host, faults);
        for (let at = 0; at <= 800_000; at += 1_000) {
          const last = Math.max(
            lastHeartbeat(t, 'management', host, at) ?? -1,
            lastHeartbeat(t, 'storage', host, at) ?? -1,
          );
          if (at - last < WATCHDOG_MS + HEARTBEAT_MS) continue;
          silences++;
          expect(
            t.kills.some((kill) => kill > last && kill <= at),
            `silent from ${last} to ${at}`,
          ).toBe(true);
        }
      }),
      { numRuns },
    );
    expect(WATCHDOG_MS + HEARTBEAT_MS).toBeLessThan(LIVENESS.leaseMs);
    expect(silences).toBeGreaterThan(0);
  });
});
