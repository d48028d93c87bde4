import * as z from 'zod';
import { diskSpec } from '../model/vm.ts';

/** A disk as the faces show it. */
export const disk = diskSpec.extend({
  id: z.string(),
  resizing: z
    .object({ fromGiB: z.int(), operationId: z.string(), reason: z.string().optional() })
    .optional()
    .describe('it is being made larger; with a reason: that was given up, and can be asked for once more'),
});
