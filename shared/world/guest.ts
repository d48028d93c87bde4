import type { Clock } from '../kernel/clock.ts';
import { DomainError, notFound } from '../kernel/errors.ts';
import { BLOCKS_PER_GIB } from '../kernel/units.ts';
import { Transaction } from '../store/transaction.ts';
import { extentOf, SAME_EXTENT, writtenTo } from './extents.ts';
import { guestServes, reachesStorage, volumeLost } from './process.ts';
import { type WorldBlock, type WorldProcess, type WorldVolume, worldKeys } from './records.ts';
import { addReplication } from './replication/write.ts';
import type { World } from './world.ts';

/** Attempts of a write that meets another one on the same volume. */
const WRITE_ATTEMPTS = 16;

class Overtaken extends Error {}

/** What the guest inside a VM does with its disks: real bytes, through the process that runs, under its epoch. */
export class Guest {
  private readonly world: World;
  private readonly clock: Clock;

  constructor(world: World, clock: Clock) {
    this.world = world;
    this.clock = clock;
  }

  /**
   * Writes one block of at most 4 KiB. With `hostId` the copy of the VM on that host writes, even when the lease names
   * another: that is how a stale copy is seen to be refused (HA-11).
   * @throws `not-running`, `stale-epoch` (the refused write is counted), `storage-unreachable`, `invalid-request`; of a
   * protected VM also `not-primary`, and `busy` while its writes are held back.
   */
  async write(
    vmId: string,
    disk: string,
    index: number,
    data: Uint8Array,
    hostId?: string,
  ): Promise<{ sequence: number }> {
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const { volume, process } = await this.path(vmId, disk, index, hostId);
      if (process.epoch !== volume.leaseEpoch) await this.refuse(volume, process);
      const sequence = volume.sequence + 1;
      const block: WorldBlock = { index, data, sequence, at: this.clock.now() };
      const tx = new Transaction().put(worldKeys.block(writtenTo(volume), index), block, { table: 'world' }).update(
        worldKeys.volume(volume.siteId, vmId, disk),
        {
          set: { sequence },
          // A volume that joins a group in this instant is written anew, with the journal.
          condition: `#leaseEpoch = :epoch AND #sequence = :before AND ${SAME_EXTENT} AND ${
            volume.group === undefined ? 'attribute_not_exists(#group)' : '#group = :group'
          }`,
          names: { '#leaseEpoch': 'leaseEpoch', '#extent': 'extent', '#id': 'id', '#group': 'group' },
          values: {
            ':epoch': process.epoch,
            ':before': volume.sequence,
            ':extent': extentOf(volume),
            ...(volume.group === undefined ? {} : { ':group': volume.group }),
          },
          onFail: () => new Overtaken(),
        },
        'world',
      );
      if (volume.group !== undefined)
        await addReplication(
          tx,
          this.world,
          { volume: { ...volume, group: volume.group }, block },
          block.at,
          () => new Overtaken(),
        );
      try {
        await this.world.store.commit(tx);
        return { sequence };
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
      }
    }
    throw new DomainError('busy', 'Too many writes to one volume at once.');
  }

  async read(vmId: string, disk: string, index: number): Promise<{ data: Uint8Array; sequence: number }> {
    for (;;) {
      const { volume } = await this.path(vmId, disk, index);
      const places = new Set([writtenTo(volume), extentOf(volume)]);
      for (const place of places) {
        const block = await this.world.store.get<WorldBlock>(worldKeys.block(place, index), { table: 'world' });
        if (block) return { data: block.data, sequence: block.sequence };
      }
      // Where the volume was moved away meanwhile, nothing stands any more.
      const now = (await this.world.volumesOf(vmId)).find((v) => v.id === volume.id);
      if (now && extentOf(now) === extentOf(volume)) return { data: new Uint8Array(), sequence: 0 };
    }
  }

  /** The running process that the volume's lease names, and the volume; or the reason why there is no way to it. */
  private async path(
    vmId: string,
    disk: string,
    index: number,
    hostId?: string,
  ): Promise<{ volume: WorldVolume; process: WorldProcess }> {
    const site = hostId && (await this.world.host(hostId))?.siteId;
    const named = (await this.world.volumesOf(vmId)).filter((v) => v.name === disk);
    // A copy of the VM reaches the disks of its own site.
    const volume = named.find((v) => v.siteId === site) ?? named[0];
    if (!volume) throw notFound('disk', `${vmId}/${disk}`);
    if (index >= volume.sizeGiB * BLOCKS_PER_GIB) {
      throw new DomainError('invalid-request', `Block ${index} lies beyond the end of the disk.`, {
        flaws: [{ location: 'path.index', message: `must be below ${volume.sizeGiB * BLOCKS_PER_GIB}` }],
      });
    }
    if (!volume.leaseHost) throw new DomainError('not-running', `VM ${vmId} was never started.`);
    const faults = await this.world.faults();
    const from = hostId ?? volume.leaseHost;
    const line = (await this.world.timelines([from], faults)).get(from);
    const process = line && (await this.world.process(from, vmId));
    const now = this.clock.now();
    if (!line || !process || !guestServes(process, line, faults, now))
      throw new DomainError('not-running', `VM ${vmId} does not run.`);
    if (!reachesStorage(line, now) || volumeLost(faults, volume, now)) {
      throw new DomainError('storage-unreachable', `VM ${vmId} does not reach its disk ${disk}.`);
    }
    return { volume, process };
  }

  private async refuse(volume: WorldVolume, process: WorldProcess): Promise<never> {
    await this.world.store.update(
      worldKeys.volume(volume.siteId, volume.vmId, volume.name),
      { add: { refused: 1 } },
      'world',
    );
    await this.world.store.update(
      worldKeys.process(process.hostId, process.vmId),
      { set: { refused: (process.refused ?? 0) + 1 } },
      'world',
    );
    throw new DomainError(
      'stale-epoch',
      `The volume belongs to epoch ${volume.leaseEpoch}; epoch ${process.epoch} may not write.`,
      {
        figures: { leaseEpoch: volume.leaseEpoch, epoch: process.epoch },
      },
    );
  }
}
