import type { HardwareChange, HardwareResult } from '../../hypervisor/port.ts';
import { worldKeys } from '../records.ts';
import { powerAt } from '../timeline.ts';
import { each, Refusal, type Site } from './common.ts';

/** Somebody on site opens the host; nobody does that to one that has power (ELA-6). */
export function changeHardware(site: Site, changes: HardwareChange[]): Promise<HardwareResult[]> {
  return each<HardwareChange, HardwareResult>(
    changes,
    async ({ hostId, ...hardware }) => {
      await changeOne(site, hostId, hardware);
      return { hostId, outcome: 'done' };
    },
    ({ hostId }, reason) => ({ hostId, outcome: 'refused', reason }),
  );
}

async function changeOne(
  { world, clock }: Site,
  hostId: string,
  { sockets, coresPerSocket, memoryMiB, numaNodes }: Omit<HardwareChange, 'hostId'>,
): Promise<void> {
  const host = await world.host(hostId);
  const line = (await world.timelines([hostId], await world.faults())).get(hostId);
  if (!host || !line) throw new Refusal(`there is no host ${hostId}`);
  const change = { sockets, coresPerSocket, memoryMiB, numaNodes };
  if (Object.entries(change).every(([field, value]) => host[field as keyof typeof change] === value)) return;
  if (powerAt(line, clock.now()) !== 'off') throw new Refusal(`host ${hostId} has power`);
  await world.store.update(
    worldKeys.host(hostId),
    {
      set: change,
      condition: 'size(#bmc) = :orders',
      names: { '#bmc': 'bmc' },
      values: { ':orders': host.bmc.length },
      onFail: () => new Refusal(`the power of host ${hostId} was switched meanwhile`),
    },
    'world',
  );
}
