import type { Runtime } from '../../shared/aws/runtime.ts';
import { estateContract } from '../../shared/contract/estates.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { mountFace } from '../http/mount.ts';
import { estateHandlers } from './estates.ts';

/** Where sites, clusters and hosts are added. */
export const estatesFace = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(estateContract, estateHandlers(port), runtime);
