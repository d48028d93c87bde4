import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { availabilityContract } from '../../shared/contract/availability.ts';
import { disksContract } from '../../shared/contract/disks.ts';
import { estateContract } from '../../shared/contract/estates.ts';
import { failoverContract } from '../../shared/contract/failover.ts';
import { labContract } from '../../shared/contract/laboratory.ts';
import { openapiDocument } from '../../shared/contract/openapi/document.ts';
import { type ApiOperation, READ_ONLY_ROLES } from '../../shared/contract/operation.ts';
import { protectionContract } from '../../shared/contract/protection.ts';
import { recoveryContract } from '../../shared/contract/recovery.ts';
import { recoveryReportContract } from '../../shared/contract/recovery-report.ts';
import { simContract } from '../../shared/contract/sim.ts';
import { siteSwitchContract } from '../../shared/contract/site-switch.ts';
import { systemContract } from '../../shared/contract/system.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { tenantContract } from '../../shared/contract/tenant.ts';

const operations = Object.entries(CONTRACT);
const withBody = operations.filter(([, o]) => o.body !== undefined);

describe('openapi.json', () => {
  it('is what the contract makes', () => {
    const committed = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
    const made = JSON.parse(JSON.stringify(openapiDocument(CONTRACT)));
    expect(committed, 'openapi.json is not what the contract makes: run `npm run openapi` and commit it').toEqual(made);
  });
});

describe('the contract', () => {
  it('has no operation twice', () => {
    const parts = [
      tenantContract,
      systemContract,
      estateContract,
      availabilityContract,
      failoverContract,
      disksContract,
      protectionContract,
      recoveryContract,
      recoveryReportContract,
      siteSwitchContract,
      labContract,
      simContract,
    ].flatMap((c) => Object.keys(c));
    expect([...new Set(parts)].sort()).toEqual([...parts].sort());
    expect(operations).toHaveLength(parts.length);
    const routes = operations.map(([, o]) => `${o.method} ${o.path.replace(/\{\w+\}/g, '{}')}`);
    expect([...new Set(routes)].sort()).toEqual([...routes].sort());
  });

  it.each(operations)('%s lies under the path of its face', (_, operation) => {
    const base = { tenant: /^\/v1\/(?!system\/|sim\/)/, system: /^\/v1\/system\//, sim: /^\/v1\/sim\// };
    expect(operation.path).toMatch(base[operation.face]);
  });

  it.each(withBody)('%s has an example, and it is valid', (_, operation) => {
    expect(operation.example).toBeDefined();
    const parsed = (operation.body as NonNullable<ApiOperation['body']>).safeParse(operation.example);
    expect(parsed.error?.issues ?? []).toEqual([]);
  });

  it.each(withBody.filter(([, o]) => o.method === 'patch'))('%s changes only what it is given', (_, operation) => {
    expect(operation.body?.parse(operation.example)).toEqual(operation.example);
  });

  it.each(operations.filter(([, o]) => o.readOnly))('%s may be read by those who only read', (_, operation) => {
    expect(operation.roles).toEqual(expect.arrayContaining([...READ_ONLY_ROLES[operation.face]]));
  });

  it.each(operations.filter(([, o]) => !o.readOnly))('%s is closed to those who only read', (_, operation) => {
    const readers = READ_ONLY_ROLES[operation.face];
    expect(operation.roles.filter((r) => readers.includes(r))).toEqual([]);
  });
});
