import type * as z from 'zod';
import type { labAnswer, labRequest } from '../../shared/contract/lab.ts';
import { runLab } from '../../shared/hypervisor/lab/lab.ts';
import type { Call } from '../http/call.ts';
import { askPhysics } from '../http/refused.ts';

export const labHandlers = {
  /** Computes what a hypervisor would do; nothing is read or changed. */
  async runLab(call: Call<z.infer<typeof labRequest>>) {
    const body: z.infer<typeof labAnswer> = askPhysics(() => runLab(call.body));
    return { status: 200, body };
  },
};
