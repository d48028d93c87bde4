import type { Runtime } from '../../../shared/aws/runtime.ts';
import { recoveryContract } from '../../../shared/contract/recovery.ts';
import { recoveryReportContract } from '../../../shared/contract/recovery-report.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { mountFace } from '../../http/mount.ts';
import { executionHandlers } from '../executions/handlers.ts';
import { planHandlers } from './handlers.ts';
import { reportHandlers } from './overview.ts';

/** Recovery plans and their executions, on the tenants' face; and what an operator is told of all of them. */
export const recoveryPlans = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(
    { ...recoveryContract, ...recoveryReportContract },
    { ...planHandlers(port), ...executionHandlers, ...reportHandlers },
    runtime,
  );
