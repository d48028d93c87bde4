import type { Runtime } from '../../shared/aws/runtime.ts';
import { tenantContract } from '../../shared/contract/tenant.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { CapacityReader } from '../../shared/store/capacity.ts';
import { mountFace } from '../http/mount.ts';
import { networkHandlers } from './networks/handlers.ts';
import { vpcHandlers } from './networks/vpcs.ts';
import { operationHandlers } from './operations.ts';
import { vdcHandlers } from './vdcs.ts';
import { vmHandlers } from './vms/handlers.ts';

/** The tenants' face. */
export function tenantApi(runtime: Runtime, port: HypervisorPort) {
  const deps = { ...runtime, port, capacity: new CapacityReader(runtime.store, runtime.clock) };
  return mountFace(
    tenantContract,
    { ...vdcHandlers, ...vpcHandlers, ...networkHandlers, ...vmHandlers(deps), ...operationHandlers },
    deps,
  );
}
