/** Bandwidths in Mbit/s. `burstMbit` is the size of the bucket: what may be sent above the average, in Mbit. */
export interface Shape {
  averageMbps: number;
  peakMbps: number;
  burstMbit: number;
}

/** What a bucket holds, bytes, at an instant, ms. */
export interface Bucket {
  tokens: number;
  at: number;
}

const BYTES_PER_MBIT = 125_000;
const MS_PER_SECOND = 1_000;
const bytesIn = (mbps: number, ms: number): number => (mbps * BYTES_PER_MBIT * ms) / MS_PER_SECOND;

export const burstBytes = (shape: Shape): number => shape.burstMbit * BYTES_PER_MBIT;
export const fullBucket = (shape: Shape, at: number): Bucket => ({ tokens: burstBytes(shape), at });

/** Bytes that a sender who always has more gets through in `ms` milliseconds: at peak, then at average (algorithm 5). */
export const sentIn = (shape: Shape, tokens: number, ms: number): number =>
  Math.min(bytesIn(shape.peakMbps, ms), tokens + bytesIn(shape.averageMbps, ms));

/** How long such a sender keeps the peak, ms. 0 when the peak is the average: nothing is above it then. */
export function peakTime(shape: Shape, tokens: number): number {
  const above = bytesIn(shape.peakMbps - shape.averageMbps, 1);
  return above > 0 ? tokens / above : 0;
}

/**
 * Lets pass, between the bucket's instant and `now`, as many of the bytes that wait as the shape allows (QOS-5,
 * algorithm 5). An instant that is not later lets nothing pass.
 */
export function send(shape: Shape, bucket: Bucket, waiting: number, now: number): { sent: number; bucket: Bucket } {
  if (now <= bucket.at) return { sent: 0, bucket };
  const ms = now - bucket.at;
  const sent = Math.min(Math.max(0, waiting), sentIn(shape, bucket.tokens, ms));
  const tokens = bucket.tokens + bytesIn(shape.averageMbps, ms) - sent;
  // Rounding may leave a trace below zero.
  return { sent, bucket: { tokens: Math.min(burstBytes(shape), Math.max(0, tokens)), at: now } };
}
