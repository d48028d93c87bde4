import * as z from 'zod';
import { FAULT_KINDS } from '../model/fault.ts';
import { time } from './shapes.ts';

/** Shapes of the simulation face. */
export const createFault = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  target: z.string().min(1).max(256),
  at: time.optional(),
  for: z.number().positive().max(31_536_000).optional().describe('seconds of cloud time'),
});
export const fault = z.object({
  id: z.string(),
  kind: z.string(),
  target: z.string(),
  at: time,
  until: time.optional(),
  active: z.boolean(),
});
export const clock = z.object({ now: time, speed: z.number() });
export const setClock = z.union([
  z.strictObject({ speed: z.number().min(0.01).max(10_000) }),
  z.strictObject({ advanceSeconds: z.number().min(0).max(31_536_000) }),
]);
export const blockWrite = z.strictObject({
  data: z.base64().max(5_464).describe('base64 of at most 4096 bytes'),
  hostId: z.string().optional().describe('the copy on this host writes; to see a stale copy refused'),
});
export const block = z.object({ data: z.string(), sequence: z.int() });
/** A figure that a table can hold: not beyond all measure, and not so small that it is none. */
const figure = (largest: number) =>
  z
    .number()
    .min(0)
    .max(largest)
    .refine((n) => n === 0 || n >= 1e-6, 'must be 0, or at least 0.000001');
export const workload = z.strictObject({
  cpu: figure(1).optional(),
  dirtyMiBps: figure(1_000_000).optional(),
  readIops: figure(1_000_000_000).optional(),
  writeIops: figure(1_000_000_000).optional(),
  requestKiB: z.int().min(1).max(16_384).optional(),
  sendMbps: figure(10_000_000).optional(),
  receiveMbps: figure(10_000_000).optional(),
  netMbps: figure(10_000_000).optional().describe('sendMbps, by its former name'),
  touchedMiB: figure(1_024_000).optional().describe('memory that the guest has ever used'),
  activeMiB: figure(1_024_000).optional().describe('memory that it uses all the time'),
});
export const world = z.object({
  now: time,
  hosts: z.array(z.record(z.string(), z.unknown())),
  processes: z.array(z.record(z.string(), z.unknown())),
  migrations: z.array(z.record(z.string(), z.unknown())),
  volumes: z.array(z.record(z.string(), z.unknown())),
  copies: z.array(z.record(z.string(), z.unknown())),
  links: z.array(z.record(z.string(), z.unknown())),
  faults: z.array(fault),
});
