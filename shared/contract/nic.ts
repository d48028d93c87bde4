import * as z from 'zod';
import { nicSpec } from '../model/vm.ts';

/** A NIC as it is answered. */
export const nic = nicSpec.extend({
  id: z.string(),
  mac: z.string(),
  ip: z.string(),
  home: z
    .object({ networkId: z.string(), mac: z.string(), ip: z.string() })
    .optional()
    .describe('while the VM is at another site: what is kept for it at home, and given back when it returns'),
});
