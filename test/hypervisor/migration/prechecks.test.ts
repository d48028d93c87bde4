import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MigratingVm,
  type MigrationHost,
  type MigrationTarget,
  migrationRefusals,
} from '../../../shared/hypervisor/migration/prechecks.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const vm: MigratingVm = {
  cpu: { arch: 'x86', generation: 'Nehalem' },
  vcpus: 4,
  mhz: 2000,
  memoryMiB: 8192,
  volumes: [
    { name: 'system', datastoreId: 'ds1', local: false },
    { name: 'data', datastoreId: 'ds2', local: false },
  ],
  switchIds: ['dvs1'],
  passthroughDevices: [],
};
const source: MigrationHost = {
  id: 'h1',
  online: true,
  cpu: { arch: 'x86', generation: 'Nehalem' },
  datastoreIds: ['ds1', 'ds2'],
  switchIds: ['dvs1'],
};
const target: MigrationTarget = { ...source, id: 'h2', freeVcpus: 4, freeMhz: 2000, freeMemoryMiB: 8192 };

/** Each fault by itself: what it changes, and the rule and words that it must be refused with. */
const FAULTS: { vm?: Partial<MigratingVm>; target?: Partial<MigrationTarget>; rule: string; says: RegExp }[] = [
  { target: { online: false }, rule: 'MIG-8', says: /h2 is not online/ },
  { target: { cpu: { arch: 'x86', generation: 'Merom' } }, rule: 'SCH-6', says: /Nehalem.*Merom/ },
  { vm: { passthroughDevices: ['gpu0'] }, rule: 'IO-4', says: /passthrough device: gpu0/ },
  { vm: { volumes: [{ name: 'scratch', datastoreId: 'disk1', local: true }] }, rule: 'STO-1', says: /holds scratch/ },
  { target: { datastoreIds: [] }, rule: 'MIG-8', says: /h2 does not reach datastore ds/ },
  { target: { switchIds: ['dvs2'] }, rule: 'NET-2', says: /not connected to switch dvs1/ },
  { target: { freeVcpus: 3 }, rule: 'MIG-8', says: /has 3 vCPUs free, the VM needs 4/ },
  { target: { freeMhz: 1999 }, rule: 'MIG-8', says: /has 1999 MHz free, the VM needs 2000/ },
  { target: { freeMemoryMiB: 8191 }, rule: 'MIG-8', says: /has 8191 MiB free, the VM needs 8192/ },
];
const LOCAL = 3;

describe('the checks before a migration (MIG-8)', () => {
  it('let a VM go to a host that has just enough of everything', () => {
    expect(migrationRefusals({ vm, source, target })).toEqual([]);
  });

  it('find every fault at once, and nothing else', () => {
    fc.assert(
      fc.property(fc.subarray(FAULTS.map((_, i) => i)), (chosen) => {
        const faults = chosen.map((i) => FAULTS[i] as (typeof FAULTS)[number]);
        const merged = { vm, target };
        for (const [n, fault] of faults.entries()) {
          merged.target = { ...merged.target, ...fault.target };
          const volumes = chosen[n] === LOCAL ? [...vm.volumes, ...(fault.vm?.volumes ?? [])] : merged.vm.volumes;
          merged.vm = { ...merged.vm, ...fault.vm, volumes };
        }
        const found = migrationRefusals({ ...merged, source });
        expect(found.map((r) => r.rule)).toEqual(faults.map((f) => f.rule));
        for (const [n, fault] of faults.entries()) expect(found[n]?.reason).toMatch(fault.says);
      }),
      { numRuns },
    );
  });

  it('never let a VM change its architecture (VIRT-2)', () => {
    const arm = { arch: 'arm' } as const;
    for (const migration of [
      { vm, source, target: { ...target, cpu: arm } },
      { vm: { ...vm, cpu: arm }, source, target },
    ])
      expect(migrationRefusals(migration)).toMatchObject([{ reason: expect.stringMatching(/architecture/) }]);
    expect(migrationRefusals({ vm: { ...vm, cpu: arm }, source, target: { ...target, cpu: arm } })).toEqual([]);
  });

  it('let a VM go to a newer CPU generation (SCH-6)', () => {
    const newer = { ...target, cpu: { arch: 'x86', generation: 'Ivy Bridge' } as const };
    expect(migrationRefusals({ vm, source, target: newer })).toEqual([]);
  });

  it('never refuse for the vendor (MIG-1)', () => {
    const of = <T>(host: T, vendor: string) => ({ ...host, vendor });
    expect(migrationRefusals({ vm, source: of(source, 'Huawei'), target: of(target, 'Inspur') })).toEqual([]);
  });

  it('want both hosts to reach the storage, and the target to be another host', () => {
    const blind = migrationRefusals({ vm, source: { ...source, datastoreIds: ['ds1'] }, target });
    expect(blind).toMatchObject([{ rule: 'MIG-8', figures: { host: 'h1', datastores: 'ds2' } }]);
    expect(migrationRefusals({ vm, source, target: { ...target, id: 'h1' } })).toMatchObject([
      { rule: 'MIG-8', reason: 'the VM already runs on h1' },
    ]);
  });
});
