import { beforeEach, describe, expect, it } from 'vitest';
import { createTables, LOCAL_TABLES } from '../../infra/local/dynamo/tables.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { ManualClock, SECOND } from '../../shared/kernel/clock.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { Store } from '../../shared/store/store.ts';
import { simulatedSite } from '../../shared/world/agent.ts';
import { Guest } from '../../shared/world/guest.ts';
import { World } from '../../shared/world/world.ts';
import { memoryEngine } from '../support/dynamo/client.ts';
import { machine, worldHost } from './facts.ts';

const VM = 'vm_1';
const disks = [
  { name: 'root', io: 'virtio' as const, sizeGiB: 1 },
  { name: 'scratch', io: 'virtio' as const, sizeGiB: 1, persistent: false },
];
const ref = (name: string) => ({ id: `vol_${name}`, vmId: VM, name });

let clock: ManualClock;
let port: HypervisorPort;
let guest: Guest;
let epoch: number;
let rows: () => Iterable<object>;
beforeEach(async () => {
  const engine = memoryEngine();
  await createTables(engine.client);
  const world = new World(new Store(engine.client, LOCAL_TABLES, seededRandom(1)));
  clock = new ManualClock();
  port = simulatedSite(world, clock);
  guest = new Guest(world, clock);
  rows = () => engine.db.rows(LOCAL_TABLES.world as string);
  epoch = 0;
  await port.commission('s1', [worldHost({ id: 'h1' }), worldHost({ id: 'h2' })]);
  await port.createVolumes(
    's1',
    disks.map(({ name }) => ({ ...ref(name), sizeGiB: 1, datastoreId: 'ds_1' })),
  );
  // What it is filled with before it was ever started stands in it for good.
  const block = { index: 0, data: Buffer.from('base').toString('base64'), sequence: 1, at: 0 };
  await port.writeBlocks('s1', [{ ...ref('scratch'), blocks: [block] }]);
});

async function start(hostId = 'h1'): Promise<void> {
  const order = { vmId: VM, hostId, epoch: ++epoch, machine: machine({ disks }), version: epoch };
  expect((await port.startVms('s1', [order]))[0]?.outcome).toBe('started');
  clock.advanceTo(clock.now() + 40 * SECOND);
}
const write = (disk: string, index: number, text: string) => guest.write(VM, disk, index, Buffer.from(text));
const read = async (disk: string, index: number) => Buffer.from((await guest.read(VM, disk, index)).data).toString();
const stands = async (name: string) => {
  const [found] = await port.readBlocks('s1', [{ ...ref(name), after: -1, limit: 100 }]);
  return found?.blocks.map((b) => [b.index, Buffer.from(b.data, 'base64').toString()]);
};

describe('a disk that is not persistent', () => {
  it('holds what its guest writes while it runs, over what it was filled with', async () => {
    await start();
    expect(await read('scratch', 0)).toBe('base');
    await write('scratch', 0, 'over it');
    await write('scratch', 1, 'more');
    expect([await read('scratch', 0), await read('scratch', 1), await read('scratch', 2)]).toEqual([
      'over it',
      'more',
      '',
    ]);
    expect(await stands('scratch')).toEqual([[0, 'base']]);
  });

  it.each(['stopped', 'failed'])(
    'has none of it after its VM was %s, wherever it starts again; other disks do',
    async (how) => {
      await start();
      await write('root', 1, 'stays');
      await write('scratch', 0, 'goes');
      await write('scratch', 1, 'goes too');
      if (how === 'stopped') await port.stopVms('s1', [{ vmId: VM, hostId: 'h1', epoch }]);
      else await port.fenceHosts('s1', ['h1']);
      await start('h2');
      expect([await read('scratch', 0), await read('scratch', 1), await read('root', 1)]).toEqual([
        'base',
        '',
        'stays',
      ]);
      await write('scratch', 1, 'new');
      expect(await read('scratch', 1)).toBe('new');
    },
  );

  it('keeps it over a live migration: the guest has not stopped', async () => {
    await start();
    await write('scratch', 1, 'with it');
    const move = { vmId: VM, hostId: 'h1', epoch, to: 'h2', toEpoch: epoch + 1 };
    const [begun] = await port.beginMigrations('s1', [{ ...move, machine: machine({ disks }), options: {} }]);
    clock.advanceTo((begun?.switchAt as number) + SECOND);
    expect((await port.switchOver('s1', [move]))[0]?.outcome).toBe('switched');
    clock.advanceTo(clock.now() + 10 * SECOND);
    expect(await read('scratch', 1)).toBe('with it');
  });

  it('leaves no block behind when it is deleted, however often its VM was started', async () => {
    for (let i = 0; i < 3; i++) {
      await start();
      await write('scratch', i, 'goes');
      await port.stopVms('s1', [{ vmId: VM, hostId: 'h1', epoch }]);
    }
    await port.deleteVolumes(
      's1',
      disks.map(({ name }) => ref(name)),
    );
    expect([...rows()].filter((row) => 'data' in row)).toEqual([]);
  });

  it('is not cleared by a start that is refused: the process that runs has it', async () => {
    await start();
    await write('scratch', 1, 'in use');
    const late = { vmId: VM, hostId: 'h2', epoch: epoch - 1, machine: machine({ disks }), version: 1 };
    expect((await port.startVms('s1', [late]))[0]?.outcome).toBe('refused');
    expect(await read('scratch', 1)).toBe('in use');
  });
});
