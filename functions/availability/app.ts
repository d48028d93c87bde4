import type { Runtime } from '../../shared/aws/runtime.ts';
import { availabilityContract } from '../../shared/contract/availability.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { mountFace } from '../http/mount.ts';
import { armingHandlers } from './arming.ts';
import { fencingHandlers } from './fencing.ts';
import { incidentHandlers } from './incidents.ts';
import { recoverHandlers } from './recover.ts';
import { reportHandlers } from './report/handler.ts';

/** The operator's face of high availability. */
export const availability = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(
    availabilityContract,
    { ...incidentHandlers, ...reportHandlers, ...recoverHandlers, ...armingHandlers, ...fencingHandlers(port) },
    runtime,
  );
