import * as z from 'zod';
import { FIXED_PAGES } from '../hypervisor/memory/pages.ts';

/** Figures by name, all of one type. */
export const each = <K extends string, T extends z.ZodType>(type: T, ...names: K[]) =>
  Object.fromEntries(names.map((name) => [name, type])) as Record<K, T>;
export const figures = <K extends string>(...names: K[]) => each(z.number(), ...names);
export const texts = <K extends string>(...names: K[]) => each(z.string(), ...names);
export const flags = <K extends string>(...names: K[]) => each(z.boolean(), ...names);

/** An answer of an experiment. */
export const answer = <E extends string, S extends z.ZodRawShape>(experiment: E, shape: S) =>
  z.object({
    experiment: z.literal(experiment),
    summary: z.array(z.string()).describe('what happened, in sentences'),
    ...shape,
  });

export const refusal = z.object({
  ...texts('rule', 'reason', 'fix'),
  figures: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
});
export const page = z.enum(FIXED_PAGES);
