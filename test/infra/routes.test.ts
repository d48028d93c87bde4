import { expect, it } from 'vitest';
import { functionAt } from '../../infra/local/http/routes.ts';
import type { FunctionId } from '../../infra/topology.ts';
import { availabilityContract } from '../../shared/contract/availability.ts';
import { disksContract } from '../../shared/contract/disks.ts';
import { estateContract } from '../../shared/contract/estates.ts';
import { failoverContract } from '../../shared/contract/failover.ts';
import { labContract } from '../../shared/contract/laboratory.ts';
import type { ApiOperation } from '../../shared/contract/operation.ts';
import { protectionContract } from '../../shared/contract/protection.ts';
import { recoveryContract } from '../../shared/contract/recovery.ts';
import { recoveryReportContract } from '../../shared/contract/recovery-report.ts';
import { simContract } from '../../shared/contract/sim.ts';
import { siteSwitchContract } from '../../shared/contract/site-switch.ts';
import { systemContract } from '../../shared/contract/system.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { tenantContract } from '../../shared/contract/tenant.ts';

const FACES: Partial<Record<FunctionId, Record<string, ApiOperation>>> = {
  'tenant-api': tenantContract,
  'system-api': systemContract,
  estates: estateContract,
  availability: availabilityContract,
  failover: failoverContract,
  disks: disksContract,
  recovery: protectionContract,
  'recovery-plans': { ...recoveryContract, ...recoveryReportContract },
  'site-switches': siteSwitchContract,
  'hypervisor-lab': labContract,
  'sim-api': simContract,
};
const served = Object.entries(FACES).flatMap(([id, contract]) =>
  Object.entries(contract).map(([operationId, { path }]) => [operationId, path, id] as const),
);

it('every operation of the contract has a function', () => {
  expect(served.map(([operationId]) => operationId).sort()).toEqual(Object.keys(CONTRACT).sort());
});

it.each(served)('%s, %s, reaches the function that serves it', (_, path, id) => {
  expect(functionAt(path.replace(/\{\w+\}/g, 'thing_a-1.x~2'))).toBe(id);
});

it.each([
  ['/v1/system/estates/more', 'system-api'],
  ['/v1/system/estatesX', 'system-api'],
  ['/v1/system/incidentsX', 'system-api'],
  ['/openapiXjson', undefined],
  ['/openapi.json/x', undefined],
  ['/v1', undefined],
] as const)('%s is nobody else’s path', (path, id) => {
  expect(functionAt(path)).toBe(id);
});
