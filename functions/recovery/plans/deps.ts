import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { FaceDeps } from '../../http/deps.ts';

export type RecoveryDeps = FaceDeps & { port: HypervisorPort };
