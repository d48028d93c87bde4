import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHAPING_PRIORITY_DEFAULT } from '../../../shared/hypervisor/parameters.ts';
import { newPort, passPort, shapingOf, shareUplink } from '../../../shared/hypervisor/qos/shaping.ts';
import {
  type Bucket,
  burstBytes,
  fullBucket,
  peakTime,
  type Shape,
  send,
  sentIn,
} from '../../../shared/hypervisor/qos/token-bucket.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const L2: Shape = { averageMbps: 100, peakMbps: 200, burstMbit: 100 };
const shape: fc.Arbitrary<Shape> = fc
  .record({
    averageMbps: fc.integer({ min: 1, max: 10_000 }),
    above: fc.integer({ min: 0, max: 9_999 }),
    burstMbit: fc.integer({ min: 1, max: 10_000 }),
  })
  .map(({ averageMbps, above, burstMbit }) => ({ averageMbps, peakMbps: averageMbps + above, burstMbit }));
const bytesIn = (mbps: number, ms: number) => mbps * 125 * ms;

describe('the token bucket (algorithm 5, QOS-5)', () => {
  it('L2 (derived): average 100 Mb/s, peak 200 Mb/s, burst 12.5 MB full: 25 MB in 1.0 s at 200 Mb/s, then 100 Mb/s', () => {
    const full = fullBucket(L2, 0);
    expect(full.tokens).toBe(12_500_000);
    expect(peakTime(L2, full.tokens)).toBe(1000);
    expect(sentIn(L2, full.tokens, 1000)).toBe(25_000_000);
    let bucket = full;
    const perTenth = Array.from({ length: 20 }, (_, i) => {
      const step = send(L2, bucket, Number.MAX_SAFE_INTEGER, (i + 1) * 100);
      bucket = step.bucket;
      return step.sent;
    });
    expect(perTenth.slice(0, 10)).toEqual(Array(10).fill(2_500_000));
    expect(perTenth.slice(10)).toEqual(Array(10).fill(1_250_000));
    expect(bucket.tokens).toBe(0);
  });

  it('L3 (derived): in every window of every trace bytes <= average x T + burst, and the rate is at most the peak', () => {
    const trace = fc.array(
      fc.record({ ms: fc.integer({ min: 0, max: 5_000 }), waiting: fc.double({ min: 0, max: 2e9, noNaN: true }) }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(shape, fc.double({ min: 0, max: 1, noNaN: true }), trace, (s, filled, steps) => {
        let bucket: Bucket = { tokens: burstBytes(s) * filled, at: 0 };
        const sends = steps.map(({ ms, waiting }) => {
          const result = send(s, bucket, waiting, bucket.at + ms);
          bucket = result.bucket;
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens).toBeLessThanOrEqual(burstBytes(s));
          expect(result.sent).toBeGreaterThanOrEqual(0);
          expect(result.sent).toBeLessThanOrEqual(waiting);
          return { ms, sent: result.sent };
        });
        for (let from = 0; from < sends.length; from++) {
          let [ms, sent] = [0, 0];
          for (const step of sends.slice(from)) {
            ms += step.ms;
            sent += step.sent;
            expect(sent).toBeLessThanOrEqual((bytesIn(s.averageMbps, ms) + burstBytes(s)) * (1 + 1e-9) + 1e-3);
            expect(sent).toBeLessThanOrEqual(bytesIn(s.peakMbps, ms) * (1 + 1e-9) + 1e-3);
          }
        }
      }),
      { numRuns },
    );
  });

  it('a constantly greedy sender gets the closed form, however its time is cut', () => {
    fc.assert(
      fc.property(shape, fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 }), (s, cuts) => {
        let bucket = fullBucket(s, 0);
        let sent = 0;
        for (const ms of cuts) {
          const step = send(s, bucket, Number.MAX_VALUE, bucket.at + ms);
          bucket = step.bucket;
          sent += step.sent;
        }
        const closed = sentIn(s, burstBytes(s), bucket.at);
        expect(Math.abs(sent - closed)).toBeLessThanOrEqual(closed * 1e-9);
      }),
      { numRuns },
    );
  });

  it('refills at the average up to the burst and not beyond', () => {
    expect(send(L2, { tokens: 0, at: 0 }, 0, 500).bucket).toEqual({ tokens: 6_250_000, at: 500 });
    expect(send(L2, { tokens: 0, at: 0 }, 0, 60_000).bucket.tokens).toBe(12_500_000);
  });

  it('time that does not pass lets nothing pass, and time that goes back changes nothing', () => {
    const bucket = { tokens: 5, at: 100 };
    expect(send(L2, bucket, 10, 100)).toEqual({ sent: 0, bucket });
    expect(send(L2, bucket, 10, 50)).toEqual({ sent: 0, bucket });
  });
});

describe('shaping of ports (QOS-5)', () => {
  it('L1 (VMware vSphere 7.0 Networking): each port of a group has its own bucket; what one sends costs no other', () => {
    const shaping = shapingOf({ send: { averageMbps: 100, peakMbps: 200, burstMbit: 100 } });
    const [a, b] = [newPort(shaping, 0), newPort(shaping, 0)];
    const waiting = { send: 1e9, receive: 0 };
    expect(passPort(shaping, a, waiting, 1000).passed.send).toBe(25_000_000);
    expect(passPort(shaping, b, waiting, 1000).passed.send).toBe(25_000_000);
  });

  it('the directions are independent, and one without shaping passes all', () => {
    const shaping = shapingOf({ send: { averageMbps: 8 }, receive: { averageMbps: 80 } });
    const port = newPort(shaping, 0);
    const both = passPort(shaping, port, { send: 1e9, receive: 1e9 }, 1000).passed;
    expect(both).toEqual({ send: 1_000_000, receive: 10_000_000 });
    expect(passPort(shaping, port, { send: 0, receive: 1e9 }, 1000).passed.receive).toBe(both.receive);
    const oneWay = shapingOf({ receive: { averageMbps: 8 } });
    expect(passPort(oneWay, newPort(oneWay, 0), { send: 1e9, receive: 1e9 }, 1000).passed).toEqual({
      send: 1e9,
      receive: 1_000_000,
    });
  });

  it('defaults: peak is the average, burst is the peak, priority is 7', () => {
    expect(shapingOf({ send: { averageMbps: 300 } })).toEqual({
      send: { averageMbps: 300, peakMbps: 300, burstMbit: 300 },
      priority: SHAPING_PRIORITY_DEFAULT,
    });
    expect(shapingOf({ receive: { averageMbps: 1, peakMbps: 10_000 }, priority: 2 }).receive?.burstMbit).toBe(10_000);
  });

  it.each([
    { send: { averageMbps: 0 } },
    { send: { averageMbps: 10_001 } },
    { send: { averageMbps: 1.5 } },
    { receive: { averageMbps: 100, peakMbps: 99 } },
    { receive: { averageMbps: 100, burstMbit: 10_001 } },
    { send: { peakMbps: 100 } },
    { priority: 1 },
    { priority: 8 },
    { sned: {} },
    null,
  ])('refused by QOS-5: %o', (bad) => {
    expect(() => shapingOf(bad)).toThrow(/QOS-5/);
  });

  it('on a full uplink a lower priority number goes first, and equal ones share', () => {
    expect(
      shareUplink(1000, [
        { id: 'late', priority: 7, wantedMbps: 500 },
        { id: 'first', priority: 2, wantedMbps: 600 },
        { id: 'also late', priority: 7, wantedMbps: 500 },
      ]),
    ).toEqual([
      { id: 'late', mbps: 200 },
      { id: 'first', mbps: 600 },
      { id: 'also late', mbps: 200 },
    ]);
  });
});
