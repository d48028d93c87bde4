import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import type { CapacityReader } from '../../shared/store/capacity.ts';
import type { FaceDeps } from '../http/deps.ts';

export interface TenantDeps extends FaceDeps {
  capacity: CapacityReader;
  port: HypervisorPort;
}
