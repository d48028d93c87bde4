import { describe, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import { conditionOf, judge, type Signs, STORAGE_LOSS_MS, watchOf } from '../../shared/model/condition.ts';
import { FLAP_WINDOW_MS, FLAPS, flaps } from '../../shared/model/flapping.ts';
import { DEFAULT_HA } from '../../shared/model/ha.ts';
import { hostAlarms } from '../../shared/model/host-alarms.ts';
import { CONDITIONS, type Condition } from '../../shared/model/inventory.ts';

const NOW = 10_000 * SECOND;
const SINCE = NOW - 1_000 * SECOND;
const HOST = { servesSince: SINCE };
const watch = watchOf({ ha: DEFAULT_HA }, NOW);
const heard = NOW - SECOND;
const silent = NOW - watch.liveness.silentMs;

const BOOLS = [false, true];
const ALL: { signs: Signs; mgmt: boolean; stor: boolean; restarted: boolean }[] = BOOLS.flatMap((mgmt) =>
  BOOLS.flatMap((stor) =>
    BOOLS.flatMap((restarted) =>
      BOOLS.flatMap((answersPing) =>
        BOOLS.flatMap((alone) =>
          BOOLS.flatMap((noStorage) =>
            (['on', 'off', 'booting', 'unknown'] as const).map((power) => ({
              mgmt,
              stor,
              restarted,
              signs: {
                managementAt: mgmt ? heard : silent,
                storageAt: stor ? heard : silent,
                restartedAt: restarted ? SINCE + 1 : SINCE,
                power,
                answersPing,
                aloneSince: alone ? SINCE + 2 : null,
                storageLostSince: noStorage ? heard : null,
              },
            })),
          ),
        ),
      ),
    ),
  ),
);

/** For a reader: what must be seen of a host for each condition, and nothing else. */
const MEANS: Record<Condition, (c: (typeof ALL)[number]) => boolean> = {
  restarted: ({ mgmt, restarted }) => mgmt && restarted,
  storageLost: ({ mgmt, restarted, signs }) => mgmt && !restarted && signs.storageLostSince !== null,
  alive: ({ mgmt, restarted, signs }) => mgmt && !restarted && signs.storageLostSince === null,
  isolated: ({ mgmt, stor, signs }) => !mgmt && stor && signs.aloneSince !== null,
  agentLost: ({ mgmt, stor, signs }) => !mgmt && stor && signs.aloneSince === null && signs.answersPing,
  partitioned: ({ mgmt, stor, signs }) => !mgmt && stor && signs.aloneSince === null && !signs.answersPing,
  dead: ({ mgmt, stor, signs }) => !mgmt && !stor && (signs.power === 'off' || signs.power === 'booting'),
  hung: ({ mgmt, stor, signs }) => !mgmt && !stor && signs.power === 'on',
  lost: ({ mgmt, stor, signs }) => !mgmt && !stor && signs.power === 'unknown',
};

describe('the signs of a host', () => {
  it.each(CONDITIONS)('say "%s" exactly when they must, in all 256 combinations', (condition) => {
    const wrong = ALL.filter(
      (c) => (conditionOf(c.signs, HOST, NOW, watch.liveness) === condition) !== MEANS[condition](c),
    );
    expect(wrong).toEqual([]);
    expect(ALL.length).toBe(256);
  });

  it('fit one condition and no other', () => {
    expect(ALL.filter((c) => Object.values(MEANS).filter((fits) => fits(c)).length !== 1)).toEqual([]);
  });

  it('that are none at all leave it lost; a channel that never was heard is silent', () => {
    expect(conditionOf(undefined, HOST, NOW, watch.liveness)).toBe('lost');
    const { signs } = ALL.find((c) => MEANS.hung(c)) as (typeof ALL)[number];
    expect(conditionOf({ ...signs, managementAt: null, storageAt: null }, HOST, NOW, watch.liveness)).toBe('hung');
  });
});

describe('what follows', () => {
  const one = (condition: Condition, restarted = false): Signs =>
    (ALL.find((c) => MEANS[condition](c) && c.restarted === restarted) as (typeof ALL)[number]).signs;

  it.each([
    ['alive', 'alive', undefined],
    ['agentLost', 'partitioned', undefined],
    ['partitioned', 'partitioned', undefined],
    ['isolated', 'partitioned', undefined],
    ['hung', 'dead', undefined],
    ['dead', 'dead', undefined],
    ['lost', 'dead', undefined],
  ] as const)('of a host that is %s: it is judged %s', (condition, verdict, fence) => {
    expect(judge(one(condition), HOST, NOW, watch)).toEqual({ condition, verdict, ...(fence ? { fence } : {}) });
  });

  it('of a host that boots: what it ran has ended, and that is the fence', () => {
    const signs: Signs = { ...one('dead'), power: 'booting' };
    expect(judge(signs, HOST, NOW, watch)).toEqual({ condition: 'dead', verdict: 'dead', fence: 'itself' });
    expect(judge({ ...signs, power: 'off' }, HOST, NOW, watch)).toEqual({ condition: 'dead', verdict: 'dead' });
  });

  it('of a host that has restarted: its agent is the fence', () => {
    expect(judge(one('restarted', true), HOST, NOW, watch)).toEqual({
      condition: 'restarted',
      verdict: 'dead',
      fence: 'agent',
    });
  });

  it.each(['agentLost', 'partitioned', 'isolated'] as const)(
    'of a host that is %s and says by its storage that all it ran has ended: that is the fence',
    (condition) => {
      expect(judge(one(condition, true), HOST, NOW, watch)).toEqual({ condition, verdict: 'dead', fence: 'itself' });
    },
  );

  it.each([
    ['recover', STORAGE_LOSS_MS - 1, 'partitioned'],
    ['recover', STORAGE_LOSS_MS, 'dead'],
    ['alarm', STORAGE_LOSS_MS, 'partitioned'],
    ['alarm', 100 * STORAGE_LOSS_MS, 'partitioned'],
  ] as const)('of a lost storage with "%s" after %d ms: it is judged %s', (storageLoss, ms, verdict) => {
    const signs = { ...one('storageLost'), storageLostSince: NOW - ms };
    expect(STORAGE_LOSS_MS).toBe(60 * SECOND);
    expect(judge(signs, HOST, NOW, { ...watch, storageLoss })).toMatchObject({ condition: 'storageLost', verdict });
  });
});

describe('a host flaps', () => {
  it.each([
    ['when it was suspect three times within 10 minutes', [NOW - FLAP_WINDOW_MS, NOW - 1, NOW], true],
    ['not when the three are further apart', [NOW - FLAP_WINDOW_MS - 1, NOW - 1, NOW], false],
    ['not when it was suspect twice', [NOW - 1, NOW], false],
    ['not when it never was', undefined, false],
  ])('%s', (_what, at, expected) => {
    expect([FLAPS, FLAP_WINDOW_MS]).toEqual([3, 600 * SECOND]);
    expect(flaps(at ? { flaps: at } : {})).toBe(expected);
  });
});

describe('alarms of a host', () => {
  const flapping = { id: 'h', name: 'h', flaps: [NOW - 2, NOW - 1, NOW] };
  const codes = (fields: object) => hostAlarms({ id: 'h', name: 'h', ...fields }).map((a) => a.code);

  it('are one for each condition but alive, each of its own', () => {
    const each = CONDITIONS.flatMap((condition) => codes({ condition }));
    expect(new Set(each).size).toBe(CONDITIONS.length - 1);
    expect(codes({ condition: 'alive' })).toEqual([]);
    expect(codes({})).toEqual([]);
  });

  it('say that it flaps while it may come back, and no more when it has failed in earnest', () => {
    expect(codes(flapping)).toEqual(['host-flapping']);
    expect(codes({ ...flapping, condition: 'partitioned' })).toEqual(['host-management-lost', 'host-flapping']);
    for (const condition of ['hung', 'dead', 'lost', 'restarted'])
      expect(codes({ ...flapping, condition })).toHaveLength(1);
  });
});

describe('in a cluster whose VMs are not restarted', () => {
  const { leaseMs } = watch.liveness;
  const off = watchOf({ ha: { ...DEFAULT_HA, enabled: false } }, NOW);
  const heard = (ago: number, power: Signs['power']): Signs => ({
    managementAt: NOW - ago,
    storageAt: NOW - ago,
    restartedAt: null,
    power,
    answersPing: false,
    aloneSince: null,
    storageLostSince: null,
  });
  it.each([
    ['one that may only be cut off is not switched off', heard(leaseMs - 1, 'unknown'), 'partitioned'],
    ['nor one that hangs: it may go on', heard(leaseMs - 1, 'on'), 'partitioned'],
    ['once its lease is over it has stopped itself, and is fenced', heard(leaseMs, 'unknown'), 'dead'],
    ['one without power is fenced at once: nothing runs there', heard(60_000, 'off'), 'dead'],
  ] as const)('%s', (_what, signs, verdict) => {
    expect(judge(signs, HOST, NOW, off).verdict).toBe(verdict);
    expect(judge(signs, HOST, NOW, watch).verdict).toBe('dead');
  });
});
