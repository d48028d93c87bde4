import type { Runtime } from '../../shared/aws/runtime.ts';
import { labContract } from '../../shared/contract/laboratory.ts';
import { mountFace } from '../http/mount.ts';
import { labHandlers } from './lab.ts';

/** The hypervisor's laboratory. */
export const hypervisorLab = (runtime: Runtime) => mountFace(labContract, labHandlers, runtime);
