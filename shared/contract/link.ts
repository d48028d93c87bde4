import * as z from 'zod';

/** A link between two sites. */
export const link = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  latencyMs: z.number(),
  mbps: z.number(),
  freeMbps: z.number().describe('not taken by protected groups'),
  mode: z.string(),
});
