import type { ApiOperation } from './operation.ts';
import { simContract } from './sim.ts';
import { systemContract } from './system.ts';
import { tenantContract } from './tenant.ts';

/** Every operation of the API by its id. Its handler has the same name in functions/<face>-api/. */
export const CONTRACT: Record<string, ApiOperation> = { ...tenantContract, ...systemContract, ...simContract };
