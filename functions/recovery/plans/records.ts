import { type Execution, VMS_PER_PART } from '../../../shared/model/execution.ts';
import { keys } from '../../../shared/store/keys.ts';
import type { Key } from '../../../shared/store/tables.ts';

/** Where the VMs of an execution stand. */
export const partKeys = (execution: Pick<Execution, 'id' | 'tenantId' | 'vms'>): Key[] =>
  Array.from({ length: Math.ceil(execution.vms / VMS_PER_PART) }, (_, n) =>
    keys.executionPart(execution.tenantId, execution.id, n),
  );
