import * as z from 'zod';
import { type ApiOperation, get, post, put, remove } from './operation.ts';
import * as s from './shapes.ts';
import * as sim from './sim-shapes.ts';

const ok = (schema: z.ZodType, description: string) => ({ status: 200, schema, description });
const blockPath = '/v1/sim/vms/{vmId}/disks/{disk}/blocks/{index}';

/** The simulated world, `/v1/sim`. */
export const simContract = {
  createFault: post('sim', '/v1/sim/faults', {
    tag: 'faults',
    summary: 'Let something break, now or later, for a time or until ended',
    body: sim.createFault,
    example: { kind: 'host-power-loss', target: 'host_a-c1-01' },
    response: { status: 201, schema: sim.fault, description: 'the fault' },
  }),
  listFaults: get('sim', '/v1/sim/faults', {
    tag: 'faults',
    summary: 'List faults, ended ones included',
    query: s.listQuery,
    response: ok(s.listOf(sim.fault), 'faults'),
  }),
  endFault: remove('sim', '/v1/sim/faults/{faultId}', {
    tag: 'faults',
    summary: 'End a fault now',
    response: { status: 204, schema: z.null(), description: 'ended' },
  }),
  getWorld: get('sim', '/v1/sim/world', {
    tag: 'world',
    summary: 'The truth, for comparing',
    response: ok(sim.world, 'the world now'),
  }),
  getClock: get('sim', '/v1/sim/clock', {
    tag: 'clock',
    summary: 'Cloud time',
    response: ok(sim.clock, 'time and speed'),
  }),
  setClock: post('sim', '/v1/sim/clock', {
    tag: 'clock',
    summary: 'Change the speed or advance the time',
    body: sim.setClock,
    example: { speed: 20 },
    response: ok(sim.clock, 'time and speed'),
    problems: ['clock-not-adjustable'],
  }),
  writeBlock: put('sim', blockPath, {
    tag: 'guest',
    summary: 'The guest writes a block of up to 4 KiB',
    body: sim.blockWrite,
    example: { data: 'aGVsbG8=' },
    response: ok(z.object({ sequence: z.int() }), 'the number of the write'),
    problems: ['not-running', 'stale-epoch', 'storage-unreachable'],
  }),
  readBlock: get('sim', blockPath, {
    tag: 'guest',
    summary: 'The guest reads a block',
    response: ok(sim.block, 'its bytes'),
    problems: ['not-running', 'storage-unreachable'],
  }),
  setWorkload: post('sim', '/v1/sim/vms/{vmId}/workload', {
    tag: 'guest',
    summary: 'What load the guest makes',
    body: sim.workload,
    example: { cpu: 0.5, dirtyMiBps: 50 },
    response: ok(sim.workload, 'the load'),
    problems: ['not-running'],
  }),
} satisfies Record<string, ApiOperation>;
