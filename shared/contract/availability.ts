import * as z from 'zod';
import { type ApiOperation, get } from './operation.ts';
import * as s from './shapes.ts';

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });

/** High availability on the operator's face, in a function of its own. */
export const availabilityContract = {
  listIncidents: get('system', '/v1/system/incidents', {
    tag: 'watch',
    summary: 'List incidents',
    query: s.listQuery.extend({ state: z.string().optional(), hostId: z.string().optional() }),
    response: ok(s.listOf(s.incident), 'incidents'),
  }),
  getIncident: get('system', '/v1/system/incidents/{incidentId}', {
    tag: 'watch',
    summary: 'Read an incident: its timeline and every VM of it',
    response: ok(s.incident, 'the incident'),
  }),
} satisfies Record<string, ApiOperation>;
