import type * as z from 'zod';
import type { failoverState as shape } from '../../shared/contract/failover.ts';
import { failoverState } from '../../shared/placement/failover-state.ts';
import { readFailover } from '../../shared/store/failover.ts';
import type { Call } from '../http/call.ts';

export const failoverHandlers = {
  async getFailoverCapacity(call: Call) {
    const { cluster, hosts, vms } = await readFailover(call.deps.store, call.param('clusterId'));
    const body: z.infer<typeof shape> = failoverState(cluster, hosts, vms) as never;
    return { status: 200, body };
  },
};
