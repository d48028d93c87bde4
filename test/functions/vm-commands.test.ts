import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Call } from '../../functions/http/call.ts';
import { deleteVm, startVm, stopVm } from '../../functions/tenant-api/vms/actions.ts';
import { vmHandlers } from '../../functions/tenant-api/vms/handlers.ts';
import type { ApiOperation } from '../../shared/contract/operation.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { pause } from '../../shared/kernel/clock.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { makeIds } from '../../shared/kernel/ids.ts';
import { silent } from '../../shared/kernel/log.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { VM_STATES, type VmState } from '../../shared/model/vm.ts';
import { CapacityReader } from '../../shared/store/capacity.ts';
import { keys } from '../../shared/store/keys.ts';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant, type VmView } from '../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
let vm: VmView;
beforeAll(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
  vm = (await acme.running(1))[0] as VmView;
});
afterAll(() => test.stop());

type Command = 'startVm' | 'stopVm' | 'deleteVm' | 'migrateVm';
const COMMANDS: Command[] = ['startVm', 'stopVm', 'deleteVm', 'migrateVm'];

/** What is taken in which state of the VM; everything else is refused as an illegal transition. */
const TAKEN: Record<Command, readonly VmState[]> = {
  startVm: ['stopped', 'hibernated'],
  // One that a recovery has given up is stopped by its owner, and can be started then.
  stopVm: ['running', 'faultResuming', 'unknown'],
  deleteVm: [
    'stopped',
    'running',
    'stopping',
    'paused',
    'faultResuming',
    'hibernated',
    'recycling',
    'deleting',
    'unknown',
  ],
  migrateVm: ['running'],
};
/** Refused because a recovery works on the VM, not for ever. */
const LATER: readonly string[] = ['startVm faultResuming', 'migrateVm faultResuming'];

/** As a dry run, so that the next case finds the VM as this one did. */
async function ask(command: Command): Promise<{ status: number; code?: string; state?: unknown }> {
  const { clock, cloud } = test;
  const random = seededRandom(1);
  const ids = makeIds(clock, random);
  const runtime = { store: cloud.store, clock, ids, random, log: silent, pause };
  const deps = { ...runtime, port: undefined as never, capacity: new CapacityReader(cloud.store, clock) };
  const call = new Call<undefined>({
    operationId: command,
    operation: CONTRACT[command] as ApiOperation,
    caller: { actor: 'ann', roles: ['tenant-admin'], tenantId: acme.id },
    requestId: 'table',
    params: { vmId: vm.id },
    query: { dryRun: 'true' },
    body: undefined,
    deps: runtime,
  });
  const handlers = { startVm: () => startVm(call, deps), stopVm: () => stopVm(call), deleteVm: () => deleteVm(call) };
  try {
    if (command === 'migrateVm') return await vmHandlers(deps).migrateVm(call);
    return await handlers[command]();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { status: error.status, code: error.code, state: error.figures.state };
  }
}

const cases = COMMANDS.flatMap((command) => VM_STATES.map((state) => [command, state] as const));
const put = (state: VmState, more: object = {}) =>
  test.cloud.store.update(keys.vm(acme.id, vm.id), { set: { state, ...more } });

describe('every command in every state', () => {
  it.each(cases)('%s of a VM that is %s', async (command, state) => {
    await put(state);
    const reply = await ask(command);
    if (TAKEN[command].includes(state)) expect(reply.status).toBe(200);
    else if (LATER.includes(`${command} ${state}`))
      expect(reply).toEqual({ status: 409, code: 'operation-in-progress', state });
    else expect(reply).toEqual({ status: 409, code: 'illegal-transition', state });
  });

  it.each(cases)('%s of a VM that is %s and held by an operation names the operation', async (command, state) => {
    await put(state, { claim: 'op_other' });
    expect(await ask(command)).toEqual({ status: 409, code: 'operation-in-progress', state });
    await test.cloud.store.update(keys.vm(acme.id, vm.id), { remove: ['claim'] });
  });
});
