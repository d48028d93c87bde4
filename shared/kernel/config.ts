import * as z from 'zod';

/**
 * Settings by schema: what the deployment sets and what the code reads share one type.
 * @throws Error that names every wrong setting, at start, before anything is done.
 */
export function readConfig<S extends z.ZodType>(schema: S, env: Record<string, string | undefined>): z.infer<S> {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((i) => `  ${i.path.join('.')}: ${i.message}`);
  throw new Error(`The settings are not valid:\n${lines.join('\n')}`);
}

/** The tables, as every function is told of them. */
export const tableSettings = z.object({
  CONTROL_TABLE: z.string().min(1).optional(),
  EVENTS_TABLE: z.string().min(1).optional(),
  WORLD_TABLE: z.string().min(1).optional(),
});
