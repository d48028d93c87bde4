import type { Runtime } from '../../shared/aws/runtime.ts';
import { protectionContract } from '../../shared/contract/protection.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { mountFace } from '../http/mount.ts';
import { groupHandlers } from './groups/handlers.ts';

/** The tenants' face of disaster recovery: what is protected, and how. */
export const recovery = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(protectionContract, groupHandlers(port), runtime);
