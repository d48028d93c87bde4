import { labAnswer, labRequest } from './lab.ts';
import { type ApiOperation, post } from './operation.ts';

/** The hypervisor's laboratory, on the operator's face but in a function of its own: it needs no table, only physics. */
export const labContract = {
  runLab: post('system', '/v1/system/hypervisor/lab', {
    tag: 'hypervisor',
    summary:
      'Try a technique of a hypervisor and see every step: instructions, addresses, I/O, contention, NUMA and more',
    body: labRequest,
    readOnly: true,
    example: {
      experiment: 'instructions',
      architecture: 'x86',
      modes: ['full', 'para', 'hardware'],
      stream: ['add', 'mov-cr3', 'popf', 'out'],
    },
    roles: ['system-admin', 'system-operator', 'system-auditor'],
    response: {
      status: 200,
      schema: labAnswer,
      description: 'the steps, the figures, and sentences that say what happened',
    },
  }),
} satisfies Record<string, ApiOperation>;
