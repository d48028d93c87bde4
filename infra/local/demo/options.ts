import { parseArgs } from 'node:util';
import { MAX_BATCH } from '../../../shared/contract/shapes.ts';

export const STORIES = ['host', 'dr'] as const;
export type StoryName = (typeof STORIES)[number];

export interface DemoOptions {
  story: StoryName;
  estate: string;
  speed: number;
  vms: number;
}

const DEFAULTS = {
  host: { estate: 'single-site', speed: 20, vms: 20 },
  dr: { estate: 'two-sites', speed: 20, vms: 30 },
} as const satisfies Record<StoryName, Omit<DemoOptions, 'story'>>;
/** Slower, and the story takes minutes; faster, and the machine's own pace shows in the figures. */
const SPEEDS = { low: 5, high: 60 };

export const USAGE = `npm run demo -- [host|dr] [--estate single-site|two-sites|three-centres|FILE] [--speed N] [--vms N]
  host      a host loses power under running VMs (default)
  dr        a whole site burns; its VMs go to another site and come home again
  --estate  where the story happens (default ${DEFAULTS.host.estate}; of dr ${DEFAULTS.dr.estate})
  --speed   cloud seconds per real second, ${SPEEDS.low} to ${SPEEDS.high} (default ${DEFAULTS.host.speed})
  --vms     VMs that are created in one call, 2 to ${MAX_BATCH} (default ${DEFAULTS.host.vms}; of dr ${DEFAULTS.dr.vms})`;

/** Cloud time that one write of a guest may seem to take, ms, before the machine's delays tell on the figures. */
const WRITE_MAY_SEEM_MS = 400;

/** The wanted speed, or on a busy machine one at which the figures still show the cloud and not the machine. */
export const bearableSpeed = (wanted: number, msPerWrite: number): number =>
  Math.min(wanted, Math.max(SPEEDS.low, Math.floor(WRITE_MAY_SEEM_MS / msPerWrite)));

/** @throws Error with what is wrong, to be shown with USAGE. */
export function readDemoOptions(argv: string[]): DemoOptions {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: argv,
    options: { estate: text, speed: text, vms: text },
    allowPositionals: true,
  });
  const [named = 'host', ...more] = positionals;
  const story = STORIES.find((s) => s === named);
  if (!story || more.length > 0)
    throw new Error(`there is no story '${positionals.join(' ')}'; there are ${STORIES.join(' and ')}`);
  const defaults = DEFAULTS[story];
  return {
    story,
    estate: values.estate ?? defaults.estate,
    speed: number('--speed', values.speed ?? String(defaults.speed), SPEEDS.low, SPEEDS.high),
    vms: wholeNumber('--vms', values.vms ?? String(defaults.vms), 2, MAX_BATCH),
  };
}

function number(name: string, text: string, low: number, high: number): number {
  const n = Number(text);
  if (text.trim() === '' || !(n >= low && n <= high))
    throw new Error(`${name} must be a number from ${low} to ${high}, not '${text}'`);
  return n;
}

function wholeNumber(name: string, text: string, low: number, high: number): number {
  const n = number(name, text, low, high);
  if (!Number.isInteger(n)) throw new Error(`${name} must be a whole number, not '${text}'`);
  return n;
}
