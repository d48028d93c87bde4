import * as z from 'zod';
import { admissionSpec, RECOVERY_METHODS } from '../model/ha.ts';
import { type ApiOperation, get } from './operation.ts';

const base = z.object({ vcpus: z.int(), mhz: z.int(), memoryMiB: z.int() });

export const failoverState = z.object({
  policy: admissionSpec,
  recovery: z.enum(RECOVERY_METHODS),
  failoverHosts: z.array(z.string()),
  kept: z.boolean().describe('in sum, as power-ons are judged; a cluster without a policy promises nothing'),
  reasons: z.array(z.string()).describe('why it is not kept'),
  figures: z
    .record(z.string(), z.union([z.number(), z.string()]))
    .describe('of the policy: slots and their size (MHz, MiB), or what is free (%), or failover hosts that are ready'),
  promisedFailures: z.int().describe('hosts whose failure the cluster has promised to bear'),
  toleratedFailures: z
    .int()
    .describe('hosts that can fail now, the largest first, while each VM of them finds a host by the placement rules'),
  atLeast: z.boolean().describe('it was not looked further: more may fail'),
  fragmentation: z
    .object({
      keptInSum: z.boolean(),
      placeable: z.boolean(),
      example: z
        .object({
          vmId: z.string(),
          name: z.string(),
          failedHosts: z.array(z.string()),
          needs: base,
          freeInSum: base,
          mostOnOneHost: base,
          lackingInSum: z.array(z.enum(['vcpus', 'mhz', 'memoryMiB'])),
          ruledOut: z.record(z.string(), z.int()),
        })
        .optional()
        .describe('the first VM that finds no host when one more host fails'),
    })
    .describe('kept in sum is not yet placeable: what is free may lie scattered over hosts'),
});

/** What a cluster keeps for failures (HA-13). In a function of its own: it reads all VMs of a cluster, and writes nothing. */
export const failoverContract = {
  getFailoverCapacity: get('system', '/v1/system/clusters/{clusterId}/failover-capacity', {
    tag: 'inventory',
    summary: 'What a cluster keeps for failures of hosts, and how many can fail now',
    response: { status: 200, schema: failoverState, description: 'the promise, and how it stands' },
  }),
} satisfies Record<string, ApiOperation>;
