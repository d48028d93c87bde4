import type { Runtime } from '../../shared/aws/runtime.ts';
import { protectionContract } from '../../shared/contract/protection.ts';
import { recoveryContract } from '../../shared/contract/recovery.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { mountFace } from '../http/mount.ts';
import { executionHandlers } from './executions/handlers.ts';
import { groupHandlers } from './groups/handlers.ts';
import { planHandlers } from './plans/handlers.ts';

/** The tenants' face of disaster recovery. */
export const recovery = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(
    { ...protectionContract, ...recoveryContract },
    { ...groupHandlers(port), ...planHandlers(port), ...executionHandlers },
    runtime,
  );
