import type * as z from 'zod';
import type { blockWrite, workload } from '../../shared/contract/sim-shapes.ts';
import { DomainError, invalid, notFound } from '../../shared/kernel/errors.ts';
import { BLOCK_BYTES } from '../../shared/kernel/units.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Guest } from '../../shared/world/guest.ts';
import { worldKeys } from '../../shared/world/records.ts';
import type { World } from '../../shared/world/world.ts';
import type { Call } from '../http/call.ts';

export const guestHandlers = (world: World, guest: Guest) => ({
  /** The guest's own writes are no operator's change, so they leave no trail; a drill writes thousands. */
  async writeBlock(call: Call<z.infer<typeof blockWrite>>) {
    const data = Buffer.from(call.body.data, 'base64');
    if (data.length > BLOCK_BYTES)
      throw invalid([
        { location: 'body.data', message: `has ${data.length} bytes`, fix: `send at most ${BLOCK_BYTES}` },
      ]);
    return {
      status: 200,
      body: await guest.write(call.param('vmId'), call.param('disk'), indexOf(call), data, call.body.hostId),
    };
  },

  async readBlock(call: Call) {
    const { data, sequence } = await guest.read(call.param('vmId'), call.param('disk'), indexOf(call));
    return { status: 200, body: { data: Buffer.from(data).toString('base64'), sequence } };
  },

  async setWorkload(call: Call<z.infer<typeof workload>>) {
    const { netMbps, ...load } = call.body;
    const workload = { ...(netMbps === undefined ? {} : { sendMbps: netMbps }), ...load };
    const vmId = call.param('vmId');
    const volumes = await world.volumesOf(vmId);
    if (volumes.length === 0) throw notFound('VM', vmId);
    const hostId = volumes.find((v) => v.leaseHost)?.leaseHost;
    if (!hostId) throw new DomainError('not-running', `VM ${vmId} was never started.`);
    const tx = new Transaction().update(
      worldKeys.process(hostId, vmId),
      {
        set: { workload },
        condition: 'attribute_exists(pk)',
        onFail: () => new DomainError('not-running', `VM ${vmId} does not run.`),
      },
      'world',
    );
    return call.commit(
      tx,
      { status: 200, body: call.body },
      { event: { type: 'simulation.changed', subject: vmId, data: { workload } } },
    );
  },
});

function indexOf(call: { param(name: string): string }): number {
  const index = Number(call.param('index'));
  if (!Number.isInteger(index) || index < 0 || !/^\d+$/.test(call.param('index'))) {
    throw invalid([{ location: 'path.index', message: 'must be a whole number from 0', fix: 'count blocks of 4 KiB' }]);
  }
  return index;
}
