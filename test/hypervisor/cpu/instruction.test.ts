import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, resolve } from '../../../shared/hypervisor/cpu/catalogue.ts';
import { architectureOf, classOf, INSTRUCTION_CLASSES, type Ring } from '../../../shared/hypervisor/cpu/instruction.ts';
import { ARCHITECTURES, numRuns, program } from './instructions.ts';

const custom = (ring: number, sensitive = false, io = false) => ({ name: 'own', ring: ring as Ring, sensitive, io });

describe('instructions', () => {
  it('x86 is CISC and ARM is RISC (CPU-4, CPU-5)', () => {
    expect([architectureOf('x86'), architectureOf('arm')]).toEqual(['cisc', 'risc']);
  });

  it.each(ARCHITECTURES)('the %s catalogue names each instruction once and keeps its own rules', (architecture) => {
    const names = CATALOGUE[architecture].map((i) => i.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(resolve(name, architecture).name).toBe(name);
  });

  it('RISC has no sensitive instruction outside of ring 0: not in the catalogue, and none can be made (CPU-4)', () => {
    expect(CATALOGUE.risc.filter((i) => i.sensitive && i.ring !== 0)).toEqual([]);
    for (const ring of [1, 2, 3])
      expect(() => resolve(custom(ring, true), 'risc')).toThrow(
        expect.objectContaining({ refusal: expect.objectContaining({ rule: 'CPU-4' }) }),
      );
    expect(resolve(custom(0, true), 'risc').privileged).toBe(true);
  });

  it('CISC has sensitive instructions in ring 3, popf, sgdt and smsw among them (CPU-5)', () => {
    for (const name of ['popf', 'sgdt', 'smsw'])
      expect(resolve(name, 'cisc')).toMatchObject({ ring: 3, sensitive: true, privileged: false });
  });

  it.each([-1, 4, 1.5, Number.NaN])('no CPU has a ring %d (CPU-1)', (ring) => {
    expect(() => resolve(custom(ring), 'cisc')).toThrow(
      expect.objectContaining({ refusal: expect.objectContaining({ rule: 'CPU-1' }) }),
    );
  });

  it('a name that the catalogue lacks is refused with the names that it has', () => {
    expect(() => resolve('popf', 'risc')).toThrow(
      expect.objectContaining({ refusal: expect.objectContaining({ fix: expect.stringContaining('tlbi') }) }),
    );
  });

  it.each([
    ['add', 'plain'],
    ['wrmsr', 'privileged'],
    ['popf', 'sensitive'],
    ['out', 'io'],
  ])('%s is %s', (name, itsClass) => {
    expect(classOf(resolve(name, 'cisc'))).toBe(itsClass);
  });

  it('privileged is what needs ring 0, whatever is claimed otherwise (CPU-3)', () => {
    expect(resolve({ ...custom(3), privileged: true } as never, 'cisc').privileged).toBe(false);
  });

  it('every instruction is of exactly one class, and plain ones are neither of ring 0, nor sensitive, nor I/O', () => {
    fc.assert(
      fc.property(program, ({ architecture, stream }) => {
        for (const given of stream) {
          const i = resolve(given, architecture);
          expect(INSTRUCTION_CLASSES).toContain(classOf(i));
          expect(classOf(i) === 'plain').toBe(!(i.ring === 0 || i.sensitive || i.io));
        }
      }),
      { numRuns },
    );
  });
});
