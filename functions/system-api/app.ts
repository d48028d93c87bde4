import type { Runtime } from '../../shared/aws/runtime.ts';
import { systemContract } from '../../shared/contract/system.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { mountFace } from '../http/mount.ts';
import { hostHandlers } from './hosts.ts';
import { inventoryHandlers } from './inventory.ts';
import { maintenanceHandlers } from './maintenance.ts';
import { tenantHandlers } from './tenants.ts';
import { vmHandlers } from './vms.ts';
import { watchHandlers } from './watch.ts';

/** The operator's face. */
export function systemApi(runtime: Runtime, port: HypervisorPort) {
  return mountFace(
    systemContract,
    {
      ...tenantHandlers,
      ...inventoryHandlers,
      ...hostHandlers(port),
      ...maintenanceHandlers,
      ...vmHandlers(runtime, port),
      ...watchHandlers(port),
    },
    runtime,
  );
}
