import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Architecture } from '../../../shared/hypervisor/cpu/instruction.ts';
import { busyGuest, type Mix, mixOf, mixWithin, overheadOf } from '../../../shared/hypervisor/cpu/mix.ts';
import { CPU_MODES } from '../../../shared/hypervisor/cpu/modes.ts';
import { runStream } from '../../../shared/hypervisor/cpu/run.ts';
import { ARCHITECTURES, architecture, numRuns, program } from './instructions.ts';

const rate = fc.double({ min: 0, max: 1e9, noNaN: true });
const mixFor = (of: Architecture): fc.Arbitrary<Mix> =>
  fc.record({ plain: rate, privileged: rate, sensitive: of === 'cisc' ? rate : fc.constant(0), io: rate });
const anyMix = architecture.chain((of) => fc.record({ of: fc.constant(of), mix: mixFor(of) }));
const mode = fc.constantFrom(...CPU_MODES);

describe('the cost of a mix', () => {
  it('is what a stream of the same composition counts', () => {
    fc.assert(
      fc.property(program, mode, ({ architecture: of, stream }, m) => {
        const c = runStream(stream, { mode: m, architecture: of }).counters;
        const o = overheadOf({ plain: c.plain, privileged: c.privileged, sensitive: c.sensitive, io: c.io }, m, of);
        expect(o).toMatchObject({
          exitsPerSecond: c.exits,
          translationsPerSecond: c.translations,
          handedOverPerSecond: c.handedOver,
          trapsPerSecond: c.traps,
        });
        expect(o.overheadMhz * 1e6).toBeCloseTo(c.vmmCycles, 6);
        expect((o.overheadMhz + o.usefulMhz) * 1e6).toBeCloseTo(c.cycles, 6);
      }),
      { numRuns },
    );
  });

  it('keeps the order of CPU-12: full on CISC above para above hardware', () => {
    fc.assert(
      fc.property(
        mixFor('cisc').filter((m) => m.plain > 1 && m.privileged + m.sensitive + m.io > 1),
        (mix) => {
          const cost = CPU_MODES.map((m) => overheadOf(mix, m, 'cisc').overheadMhz) as [number, number, number, number];
          const [none, full, para, hardware] = cost;
          expect(none).toBe(0);
          expect(full).toBeGreaterThan(para);
          expect(para).toBeGreaterThan(hardware);
          expect(hardware).toBeGreaterThan(0);
        },
      ),
      { numRuns },
    );
  });

  it('is highest with full on CISC, also against full on RISC and for applications alone', () => {
    fc.assert(
      fc.property(
        mixFor('risc').filter((m) => m.plain + m.privileged + m.io > 1),
        (mix) => {
          const full = overheadOf(mix, 'full', 'cisc').overheadMhz;
          for (const of of ARCHITECTURES)
            for (const m of CPU_MODES)
              if (!(m === 'full' && of === 'cisc')) expect(full).toBeGreaterThan(overheadOf(mix, m, of).overheadMhz);
        },
      ),
      { numRuns },
    );
  });

  it('is a part of the whole between 0 and 1, also for no instruction at all', () => {
    fc.assert(
      fc.property(anyMix, mode, ({ of, mix }, m) => {
        const { overheadRatio } = overheadOf(mix, m, of);
        expect(overheadRatio >= 0 && overheadRatio <= 1).toBe(true);
      }),
      { numRuns },
    );
    expect(overheadOf({ plain: 0, privileged: 0, sensitive: 0, io: 0 }, 'full', 'cisc').overheadRatio).toBe(0);
  });
});

describe('a mix by its parts', () => {
  const parts = anyMix.filter(({ mix }) => mix.plain > 1);
  const mhz = fc.integer({ min: 1, max: 200_000 });

  it('needs the MHz that were asked for: useful ones alone, or all with the VMM', () => {
    fc.assert(
      fc.property(parts, mhz, mode, ({ of, mix }, wanted, m) => {
        expect(overheadOf(mixOf(mix, wanted, of), m, of).usefulMhz / wanted).toBeCloseTo(1, 9);
        const { usefulMhz, overheadMhz } = overheadOf(mixWithin(mix, wanted, m, of), m, of);
        expect((usefulMhz + overheadMhz) / wanted).toBeCloseTo(1, 9);
      }),
      { numRuns },
    );
  });

  it.each(ARCHITECTURES)(
    'the busy %s guest is whole, issues all that its CPU has, and pays little with hardware',
    (of) => {
      const mix = busyGuest(of);
      expect(mix.plain + mix.privileged + mix.sensitive + mix.io).toBeCloseTo(1, 12);
      expect(mix.sensitive > 0).toBe(of === 'cisc');
      const { overheadRatio } = overheadOf(mixOf(mix, 2400, of), 'hardware', of);
      expect(overheadRatio).toBeGreaterThan(0);
      expect(overheadRatio).toBeLessThan(0.05);
    },
  );
});

describe('a mix is refused', () => {
  const bare = { plain: 1, privileged: 0, sensitive: 0, io: 0 };
  const refusedBy = (rule: string) => expect.objectContaining({ refusal: expect.objectContaining({ rule }) });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('with a rate of %d', (io) => {
    expect(() => overheadOf({ ...bare, io }, 'hardware', 'cisc')).toThrow(refusedBy('CPU-12'));
  });

  it('with sensitive RISC instructions outside of ring 0', () => {
    expect(() => overheadOf({ ...bare, sensitive: 1 }, 'full', 'risc')).toThrow(refusedBy('CPU-4'));
  });

  it.each([
    [{ ...bare, plain: 0 }, 100],
    [bare, -1],
    [bare, Number.NaN],
  ])('when %j is to need %d MHz', (mix, wanted) => {
    expect(() => mixOf(mix, wanted, 'cisc')).toThrow(refusedBy('CPU-12'));
  });
});
