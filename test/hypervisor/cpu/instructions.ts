import fc from 'fast-check';
import { CATALOGUE } from '../../../shared/hypervisor/cpu/catalogue.ts';
import type { Architecture, InstructionFigures, Ring } from '../../../shared/hypervisor/cpu/instruction.ts';

export const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
export const ARCHITECTURES: readonly Architecture[] = ['cisc', 'risc'];
export const architecture = fc.constantFrom(...ARCHITECTURES);

/** Instructions that an architecture allows: of the catalogue, and made up. */
export const instruction = (of: Architecture): fc.Arbitrary<string | InstructionFigures> =>
  fc.oneof(
    fc.constantFrom(...CATALOGUE[of].map((i) => i.name)),
    fc
      .record({
        name: fc.constant('made-up'),
        ring: fc.constantFrom<Ring>(0, 1, 2, 3),
        sensitive: fc.boolean(),
        io: fc.boolean(),
      })
      .filter((i) => of === 'cisc' || !i.sensitive || i.ring === 0),
  );
export const stream = (of: Architecture) => fc.array(instruction(of), { maxLength: 60 });
/** An architecture with a stream for it. */
export const program = architecture.chain((of) => fc.record({ architecture: fc.constant(of), stream: stream(of) }));
