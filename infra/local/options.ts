import { parseArgs } from 'node:util';

export interface StartOptions {
  estate: string;
  memory: boolean;
  speed: number;
  seed: number;
  workload?: string;
  port: number;
  folder: string;
}

/** Cloud seconds per real second: an 80 s recovery is watched in 4. */
export const DEFAULT_SPEED = 20;
const DEFAULT_PORT = 8787;

export const USAGE = `npm start -- [--estate single-site|two-sites|three-centres|FILE] [--memory] [--speed N] [--seed N] [--workload FILE]
  --estate    what stands in the data centres, loaded on the first start (default single-site)
  --memory    keep nothing on disk
  --speed     cloud seconds per real second, 0.01 to 10000 (default ${DEFAULT_SPEED})
  --seed      for every choice by chance (default 1)
  --workload  a parquet file of tasks; their VMs are created and carry their load
Environment: PORT (default ${DEFAULT_PORT}), STRATA_DATA (folder of the state, default .strata).`;

/** @throws Error with what is wrong, to be shown with USAGE. */
export function readOptions(argv: string[], env: Record<string, string | undefined>): StartOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      estate: { type: 'string', default: 'single-site' },
      memory: { type: 'boolean', default: false },
      speed: { type: 'string', default: String(DEFAULT_SPEED) },
      seed: { type: 'string', default: '1' },
      workload: { type: 'string' },
    },
  });
  const number = (name: string, text: string, low: number, high: number, whole: boolean): number => {
    const n = Number(text);
    if (text.trim() === '' || !(n >= low && n <= high) || (whole && !Number.isInteger(n)))
      throw new Error(`${name} must be a ${whole ? 'whole ' : ''}number from ${low} to ${high}, not '${text}'`);
    return n;
  };
  return {
    estate: values.estate,
    memory: values.memory,
    speed: number('--speed', values.speed, 0.01, 10_000, false),
    seed: number('--seed', values.seed, 0, 2 ** 32 - 1, true),
    port: number('PORT', env.PORT || String(DEFAULT_PORT), 0, 65_535, true),
    folder: env.STRATA_DATA || '.strata',
    ...(values.workload ? { workload: values.workload } : {}),
  };
}
