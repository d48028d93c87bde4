import { availabilityContract } from './availability.ts';
import { disksContract } from './disks.ts';
import { estateContract } from './estates.ts';
import { failoverContract } from './failover.ts';
import { labContract } from './laboratory.ts';
import type { ApiOperation } from './operation.ts';
import { protectionContract } from './protection.ts';
import { recoveryContract } from './recovery.ts';
import { recoveryReportContract } from './recovery-report.ts';
import { simContract } from './sim.ts';
import { siteSwitchContract } from './site-switch.ts';
import { systemContract } from './system.ts';
import { tenantContract } from './tenant.ts';

/** Every operation of the API by its id. Its handler has the same name in the function of its face. */
export const CONTRACT: Record<string, ApiOperation> = {
  ...tenantContract,
  ...systemContract,
  ...estateContract,
  ...availabilityContract,
  ...failoverContract,
  ...disksContract,
  ...protectionContract,
  ...recoveryContract,
  ...recoveryReportContract,
  ...siteSwitchContract,
  ...labContract,
  ...simContract,
};
