import { describe, expect, it } from 'vitest';
import {
  baselineRefusal,
  effectiveGeneration,
  migrationCpuRefusal,
  visibleGeneration,
} from '../../../shared/hypervisor/cpu/baseline.ts';
import { CPU_GENERATIONS } from '../../../shared/model/inventory.ts';

const pairs = CPU_GENERATIONS.flatMap((a, i) => CPU_GENERATIONS.map((b, j) => ({ a, b, newer: j >= i })));
const refusedBy = (rule: string) => expect.objectContaining({ refusal: expect.objectContaining({ rule }) });

describe('CPU generations (SCH-6)', () => {
  it('are Merom < Penryn < Nehalem < Westmere < Sandy Bridge < Ivy Bridge', () => {
    expect(CPU_GENERATIONS).toEqual(['Merom', 'Penryn', 'Nehalem', 'Westmere', 'Sandy Bridge', 'Ivy Bridge']);
  });

  it('a VM moves to an equal or newer one and to no older one, whose refusal names both', () => {
    for (const { a, b, newer } of pairs) {
      const refusal = baselineRefusal(a, b);
      expect(refusal === undefined).toBe(newer);
      if (refusal) expect([refusal.reason.includes(a), refusal.reason.includes(b)]).toEqual([true, true]);
    }
  });

  it('a baseline hides what is newer, and a host that is older than it is refused', () => {
    for (const { a: baseline, b: host, newer } of pairs)
      if (newer) {
        expect(effectiveGeneration(host, baseline)).toBe(baseline);
        expect(visibleGeneration(host, baseline)).toBe(baseline);
      } else {
        expect(() => effectiveGeneration(host, baseline)).toThrow(refusedBy('SCH-6'));
        expect(visibleGeneration(host, baseline)).toBe(host);
      }
  });

  it('without a baseline a host shows what it has, and where there are no generations there are none to see', () => {
    expect(effectiveGeneration('Nehalem')).toBe('Nehalem');
    expect(visibleGeneration('Nehalem', undefined)).toBe('Nehalem');
    expect(visibleGeneration(undefined, 'Nehalem')).toBeUndefined();
  });

  it('with a baseline, VMs move freely between all hosts that the cluster takes', () => {
    const hosts = CPU_GENERATIONS.slice(2).map((g) => effectiveGeneration(g, 'Nehalem'));
    for (const from of hosts) for (const to of hosts) expect(baselineRefusal(from, to)).toBeUndefined();
  });

  it('one that is not known is refused', () => {
    expect(() => baselineRefusal('Z80' as never, 'Merom')).toThrow(refusedBy('SCH-6'));
  });
});

describe('the CPU check before a migration (MIG-8)', () => {
  it('refuses another architecture first, then an older generation; ARM has none', () => {
    const [old, young] = [
      { arch: 'x86', generation: 'Penryn' },
      { arch: 'x86', generation: 'Westmere' },
    ] as const;
    expect(migrationCpuRefusal(young, { arch: 'arm' })?.rule).toBe('MIG-8');
    expect(migrationCpuRefusal({ arch: 'arm' }, old)?.rule).toBe('MIG-8');
    expect(migrationCpuRefusal(young, old)?.rule).toBe('SCH-6');
    expect(migrationCpuRefusal(old, young)).toBeUndefined();
    expect(migrationCpuRefusal({ arch: 'arm' }, { arch: 'arm' })).toBeUndefined();
  });
});
