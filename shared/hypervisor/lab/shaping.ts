import * as z from 'zod';
import { figure } from '../performance/words.ts';
import { shapingOf } from '../qos/shaping.ts';
import { type Bucket, fullBucket, peakTime, type Shape, send } from '../qos/token-bucket.ts';
import { LAB_MBPS, LAB_SECONDS, LAB_STRETCHES } from './limits.ts';
import { count } from './words.ts';

/** What passes a shaped port (QOS-5). The ranges of its values are those of every port, and are checked with them. */
export const shapingSpec = z.strictObject({
  experiment: z.literal('shaping'),
  direction: z.enum(['send', 'receive']).default('send'),
  averageMbps: z.number(),
  peakMbps: z.number().optional().describe('at least the average, which it is without a figure'),
  burstMbit: z.number().optional().describe('bits above the average; without a figure as many as the peak'),
  load: z
    .array(z.strictObject({ seconds: z.int().min(1).max(LAB_SECONDS), mbps: z.number().min(0).max(LAB_MBPS) }))
    .min(1)
    .max(LAB_STRETCHES)
    .refine((l) => l.reduce((sum, s) => sum + s.seconds, 0) <= LAB_SECONDS, `lasts longer than ${LAB_SECONDS} seconds`)
    .describe('what is offered, one stretch after the other'),
  excess: z.enum(['wait', 'drop']).default('wait').describe('what becomes of traffic that may not pass in its second'),
});
type Question = z.infer<typeof shapingSpec>;

const MS = 1_000;
const BYTES_PER_MBIT = 125_000;
const mbit = (bytes: number): number => bytes / BYTES_PER_MBIT;

/**
 * Lets a load pass a full bucket, second by second; the load of a second is there at its beginning.
 * @throws Refused QOS-5 for values outside of their ranges, or a peak below the average
 */
export function shapingLab({ experiment, direction, load, excess, ...values }: Question) {
  const shape = shapingOf({ [direction]: values })[direction] as Shape;
  const offered = load.flatMap(({ seconds, mbps }) => new Array<number>(seconds).fill(mbps));
  let bucket: Bucket = fullBucket(shape, 0);
  let waiting = 0;
  let burstEndsAtSecond: number | null = null;
  const seconds = offered.map((mbps, second) => {
    const before = bucket.tokens;
    const wanted = waiting + mbps * BYTES_PER_MBIT;
    const { sent, bucket: after } = send(shape, bucket, wanted, (second + 1) * MS);
    bucket = after;
    waiting = excess === 'wait' ? wanted - sent : 0;
    // The peak lasts as long as the tokens do; a second that leaves some has not used them up.
    if (burstEndsAtSecond === null && before > 0 && after.tokens === 0)
      burstEndsAtSecond = second + Math.min(1, peakTime(shape, before) / MS);
    return {
      second,
      offeredMbit: mbps,
      passedMbit: mbit(sent),
      waitingMbit: mbit(waiting),
      droppedMbit: excess === 'drop' ? mbit(wanted - sent) : 0,
      tokensMbit: mbit(after.tokens),
    };
  });
  const total = (of: (s: (typeof seconds)[number]) => number) => seconds.reduce((sum, s) => sum + of(s), 0);
  const figures = {
    burstEndsAtSecond: burstEndsAtSecond as number | null,
    offeredMbit: total((s) => s.offeredMbit),
    passedMbit: total((s) => s.passedMbit),
    droppedMbit: total((s) => s.droppedMbit),
    waitingMbit: mbit(waiting),
    /** No window of this length may carry more, whatever is offered. */
    mostMbit: shape.averageMbps * seconds.length + shape.burstMbit,
    peakSeconds: peakTime(shape, fullBucket(shape, 0).tokens) / MS,
  };
  return { experiment, summary: say(shape, figures, seconds.length), direction, ...shape, ...figures, seconds };
}

function say(
  { averageMbps, peakMbps, burstMbit }: Shape,
  f: {
    burstEndsAtSecond: number | null;
    offeredMbit: number;
    passedMbit: number;
    mostMbit: number;
    peakSeconds: number;
  },
  seconds: number,
): string[] {
  const kept = f.peakSeconds > 0 ? `for ${figure(f.peakSeconds)} s at most` : 'which is the average itself';
  return [
    `The bucket holds ${figure(burstMbit)} Mbit and is filled at ${figure(averageMbps)} Mbit/s; a sender keeps the peak of ${figure(peakMbps)} Mbit/s ${kept}.`,
    `Of ${figure(f.offeredMbit)} Mbit offered, ${figure(f.passedMbit)} Mbit pass in ${count(seconds, 'second')}.`,
    f.burstEndsAtSecond === null
      ? 'The bucket never ran empty.'
      : `The burst ends after ${figure(f.burstEndsAtSecond)} s: from then on the average is the rate until tokens have come back.`,
    `Whatever is offered, ${count(seconds, 'second')} never carry more than average x time + burst = ${figure(f.mostMbit)} Mbit.`,
  ];
}
