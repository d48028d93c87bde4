import * as z from 'zod';
import { guestSpec } from '../../model/vm.ts';
import { grantIoModes } from '../io/modes.ts';
import { PASSTHROUGH_LOSES } from '../io/passthrough.ts';
import type { IoMode } from '../io/path.ts';
import { type HopTally, type IoTrace, runRequests } from '../io/request.ts';
import { figure, list } from '../performance/words.ts';
import { LAB_REQUEST_BYTES, LAB_REQUESTS } from './limits.ts';
import { someOf } from './spec.ts';
import { count } from './words.ts';

export const IO_MODES = ['emulated', 'virtio', 'passthrough'] as const satisfies readonly IoMode[];

/** The way of I/O requests to their device (IO-1 to IO-5). */
export const ioSpec = z.strictObject({
  experiment: z.literal('io'),
  modes: someOf(IO_MODES),
  kind: z.enum(['disk', 'nic']).default('disk'),
  requests: z.int().min(1).max(LAB_REQUESTS),
  bytes: z.int().min(1).max(LAB_REQUEST_BYTES).describe('of each request'),
  batch: z.int().min(1).max(LAB_REQUESTS).default(1).describe('requests that share a notification; virtio alone can'),
  guest: guestSpec.default({ os: 'linux' }),
});
type Question = z.infer<typeof ioSpec>;

/** Sends the same requests through each mode. A guest without the PV driver gets full emulation for virtio (IO-2). */
export function ioLab(question: Question) {
  const { experiment, kind, requests, bytes, batch, guest } = question;
  const modes = question.modes.map((asked) => {
    const { mode, fallback } = modeFor(asked, question);
    const run = runRequests({ mode, requests, bytes, kind, batch });
    return {
      asked,
      mode,
      ...(fallback ? { fallback } : {}),
      ...described(run),
      ...(mode === 'passthrough' ? LOSES : {}),
    };
  });
  const order = modes
    .map(({ asked, exitsPerRequest, latencyNs, hostCpuNs, guestCpuNs }) => ({
      mode: asked,
      hostCpuNsPerRequest: hostCpuNs / requests,
      guestCpuNsPerRequest: guestCpuNs / requests,
      exitsPerRequest,
      latencyNs,
    }))
    .sort((a, b) => a.hostCpuNsPerRequest - b.hostCpuNsPerRequest);
  return {
    experiment,
    summary: [
      `${count(requests, 'request')} of ${count(bytes, 'byte')} to a ${kind === 'disk' ? 'disk' : 'network card'}.`,
      ...modes.map(sayMode),
      ...(order.length > 1 ? [`From least to most work for the host: ${list(order.map((o) => o.mode))} (IO-5).`] : []),
    ],
    kind,
    requests,
    bytes,
    batch,
    guest,
    modes,
    order,
  };
}

const LOSES = { loses: Object.values(PASSTHROUGH_LOSES) };

function modeFor(asked: IoMode, { kind, guest }: Question): { mode: IoMode; fallback?: string } {
  const device = { name: 'lab', id: 'lab', io: asked };
  const wanted = kind === 'disk' ? { disks: [device], nics: [] } : { disks: [], nics: [device] };
  return grantIoModes({ ...wanted, guest }).granted[0] as { mode: IoMode; fallback?: string };
}

function described({ path, notification, ...figures }: IoTrace) {
  return { path: path.map(hop), notification: notification && hop(notification), ...figures };
}

const hop = ({ name, layer, what, paidBy, copies, exit, perRequest, count: passages, ns }: HopTally) => ({
  name,
  layer,
  what,
  paidBy,
  copies,
  exit,
  sharedByRequests: !perRequest,
  count: passages,
  ns,
});

function sayMode(mode: { asked: IoMode; fallback?: string; where: string } & Omit<IoTrace, 'path' | 'notification'>) {
  const { asked, fallback, exits, notifications, latencyNs, where } = mode;
  const shared = notifications > 0 ? `, ${count(notifications, 'notification')}` : '';
  const latency = `${figure(latencyNs / 1_000)} microseconds for a request alone`;
  return `${asked}: ${fallback ? `${fallback} ` : ''}${count(exits, 'exit')}${shared}; ${latency}. ${where}`;
}
