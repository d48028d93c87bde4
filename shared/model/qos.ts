import * as z from 'zod';

/** QOS-6: caps of a disk. Bytes in KB/s (1000 bytes), requests per second; 0 or absent = none. */
const cap = (least: number, most: number) =>
  z
    .int()
    .min(0)
    .max(most)
    .refine((n) => n === 0 || n >= least, `must be 0, which is off, or at least ${least} (QOS-6)`);
const diskCap = z.strictObject({
  kbps: cap(8, Number.MAX_SAFE_INTEGER).optional(),
  iops: cap(16, 4_294_967_295).optional(),
});
export const diskQosSpec = z
  .strictObject({ read: diskCap.optional(), write: diskCap.optional(), total: diskCap.optional() })
  .describe('QOS-6: caps on reads, on writes, and on both together; the tighter one binds');
export type DiskQos = z.infer<typeof diskQosSpec>;

/** QOS-5: traffic shaping of a port in one direction. The burst counts the bits above the average. */
const direction = z
  .strictObject({
    averageMbps: z.int().min(1).max(10_000),
    peakMbps: z.int().min(1).max(10_000).optional().describe('at least the average, which it is without a figure'),
    burstMbit: z.int().min(1).max(10_000).optional().describe('without a figure as large as the peak'),
  })
  .refine((d) => d.peakMbps === undefined || d.peakMbps >= d.averageMbps, {
    path: ['peakMbps'],
    message: 'is below the average (QOS-5)',
  });
export const shapingSpec = z
  .strictObject({
    send: direction.optional(),
    receive: direction.optional(),
    priority: z.int().min(2).max(7).optional().describe('2 goes first; 7 without a figure'),
  })
  .describe('QOS-5: each port is shaped by itself, each direction by itself');
export type Shaping = z.infer<typeof shapingSpec>;
export type ShapedDirection = z.infer<typeof direction>;
