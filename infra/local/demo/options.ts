import { parseArgs } from 'node:util';
import { MAX_BATCH } from '../../../shared/contract/shapes.ts';

export interface DemoOptions {
  estate: string;
  speed: number;
  vms: number;
}

const DEFAULTS = { estate: 'single-site', speed: 20, vms: 20 };
/** Slower, and the story takes minutes; faster, and the machine's own pace shows in the figures. */
const SPEEDS = { low: 5, high: 60 };

export const USAGE = `npm run demo -- [--estate single-site|two-sites|three-centres|FILE] [--speed N] [--vms N]
  --estate  where the story happens (default ${DEFAULTS.estate})
  --speed   cloud seconds per real second, ${SPEEDS.low} to ${SPEEDS.high} (default ${DEFAULTS.speed})
  --vms     VMs that are created in one call, 2 to ${MAX_BATCH} (default ${DEFAULTS.vms})`;

/** Cloud time that one write of a guest may seem to take, ms, before the machine's delays tell on the figures. */
const WRITE_MAY_SEEM_MS = 400;

/** The wanted speed, or on a busy machine one at which the figures still show the cloud and not the machine. */
export const bearableSpeed = (wanted: number, msPerWrite: number): number =>
  Math.min(wanted, Math.max(SPEEDS.low, Math.floor(WRITE_MAY_SEEM_MS / msPerWrite)));

/** @throws Error with what is wrong, to be shown with USAGE. */
export function readDemoOptions(argv: string[]): DemoOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: argv, options: { estate: text, speed: text, vms: text } });
  return {
    estate: values.estate ?? DEFAULTS.estate,
    speed: number('--speed', values.speed ?? String(DEFAULTS.speed), SPEEDS.low, SPEEDS.high),
    vms: wholeNumber('--vms', values.vms ?? String(DEFAULTS.vms), 2, MAX_BATCH),
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
