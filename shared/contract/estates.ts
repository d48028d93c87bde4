import * as z from 'zod';
import { type ApiOperation, post } from './operation.ts';
import * as s from './shapes.ts';

/** Descriptions of sites, on the operator's face but in a function of their own, for they are parsed by much code. */
export const estateContract = {
  loadEstate: post('system', '/v1/system/estates', {
    tag: 'estates',
    summary: 'Load a description of sites, clusters, hosts, datastores, links and networks',
    body: z.record(z.string(), z.unknown()),
    example: {
      sites: [
        {
          name: 'b',
          clusters: [{ name: 'c1', hosts: { count: 2, cores: 16, mhz: 2600, memoryGiB: 128 } }],
          datastores: [{ name: 'san', capacityGiB: 10_000 }],
        },
      ],
    },
    query: s.dryRunQuery,
    response: { status: 201, schema: s.loadResult, description: 'what was added' },
    problems: ['site-unreachable'],
  }),
} satisfies Record<string, ApiOperation>;
