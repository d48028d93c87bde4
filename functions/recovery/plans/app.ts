import type { Runtime } from '../../../shared/aws/runtime.ts';
import { recoveryContract } from '../../../shared/contract/recovery.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { mountFace } from '../../http/mount.ts';
import { executionHandlers } from '../executions/handlers.ts';
import { planHandlers } from './handlers.ts';

/** The tenants' face of disaster recovery: recovery plans and their executions. */
export const recoveryPlans = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(recoveryContract, { ...planHandlers(port), ...executionHandlers }, runtime);
