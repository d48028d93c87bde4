import type { Runtime } from '../../shared/aws/runtime.ts';
import { failoverContract } from '../../shared/contract/failover.ts';
import { mountFace } from '../http/mount.ts';
import { failoverHandlers } from './failover-capacity.ts';

/** What clusters keep for failures, on the operator's face. */
export const failoverFace = (runtime: Runtime) => mountFace(failoverContract, failoverHandlers, runtime);
