import * as z from 'zod';
import { RESTART_PRIORITIES } from '../model/ha.ts';
import { OUTCOMES } from '../model/incident.ts';
import { time } from './shapes.ts';

const spread = {
  vms: z.int(),
  fastestSeconds: z.number(),
  medianSeconds: z.number(),
  slowestSeconds: z.number(),
};
const phase = z
  .string()
  .describe(
    'detect, decide, fence, place, room (it waited for some), start, boot; they follow one another without a gap',
  );

/** The report of an incident (HA-22). */
export const incidentReport = z.object({
  id: z.string(),
  summary: z.string().describe('in one line'),
  state: z.string(),
  vms: z.int().describe('VMs of the incident'),
  movedInTime: z.int().describe('VMs that a migration had brought to another host before the fault'),
  timeline: z.array(
    z.object({
      at: time,
      link: z
        .string()
        .describe('fault, detection, decision, fence, plan, start, ready, return; note: beside the chain'),
      what: z.string(),
      effect: z.string().optional().describe('what followed from it'),
      times: z.int().optional(),
      lastAt: time.optional(),
    }),
  ),
  rto: z.object(spread).optional().describe('from the fault to ready, of the VMs that run again'),
  priorities: z.array(z.object({ priority: z.enum(RESTART_PRIORITIES), ...spread })),
  phases: z.array(z.object({ phase, ...spread })),
  notRecovered: z.array(
    z.object({
      outcome: z.enum(OUTCOMES),
      reason: z.string(),
      count: z.int(),
      vmIds: z.array(z.string()).describe('100 at most'),
    }),
  ),
  hostsBack: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      backAt: time,
      killed: z.int().describe('stale processes that were killed'),
      refusedWrites: z.int().describe('writes of stale processes that their volumes refused'),
    }),
  ),
  recovered: z.array(
    z.object({
      id: z.string(),
      name: z.string().optional(),
      restartPriority: z.enum(RESTART_PRIORITIES).optional(),
      fromHost: z.string(),
      toHost: z.string().optional(),
      tried: z.array(z.string()).optional().describe('hosts on which its start failed'),
      totalSeconds: z.number().describe('the sum of its phases'),
      phases: z.array(z.object({ phase, startedAt: time, endedAt: time, seconds: z.number() })),
    }),
  ),
  nextPageToken: z.string().optional(),
});
