import type { Runtime } from '../../shared/aws/runtime.ts';
import { availabilityContract } from '../../shared/contract/availability.ts';
import { mountFace } from '../http/mount.ts';
import { incidentHandlers } from './incidents.ts';

/** The operator's face of high availability. */
export const availability = (runtime: Runtime) => mountFace(availabilityContract, { ...incidentHandlers }, runtime);
