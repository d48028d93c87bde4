import { describe, expect, it } from 'vitest';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { MINUTE } from '../../../shared/kernel/clock.ts';
import type { Store } from '../../../shared/store/store.ts';
import { simulatedSite } from '../../../shared/world/agent.ts';
import { World } from '../../../shared/world/world.ts';
import { GROUP, ReplicationLab } from './lab.ts';

class Died extends Error {}
const WRITES = ['commit', 'update', 'put'] as const;

/** A site whose agent dies after so many writes; `writes` counts what it has done. */
function mortal(lab: ReplicationLab, after: number): { port: HypervisorPort; writes: () => number } {
  let done = 0;
  const store = new Proxy(lab.store, {
    get(target, asked) {
      const member = Reflect.get(target, asked, target) as unknown;
      if (typeof member !== 'function') return member;
      if (!WRITES.includes(asked as never)) return member.bind(target);
      return async (...args: unknown[]) => {
        if (done >= after) throw new Died();
        const result = await (member as Store['commit']).apply(target, args as never);
        done++;
        return result;
      };
    },
  });
  return { port: simulatedSite(new World(store), lab.clock), writes: () => done };
}

/** Everything that stands in the world, but for how often it was changed. */
async function stateOf(lab: ReplicationLab): Promise<string[]> {
  for (const site of ['a', 'b', 'c']) await lab.port.groupStatus(site, [GROUP]);
  const plain = (key: string, value: unknown) => (key === 'revision' ? undefined : value);
  return [...lab.rows()].map((row) => JSON.stringify(row, plain)).sort();
}

interface Scene {
  name: string;
  prepare(lab: ReplicationLab): Promise<void>;
  order(port: HypervisorPort, lab: ReplicationLab): Promise<unknown>;
}

const order = (lab: ReplicationLab, legs: ReturnType<ReplicationLab['leg']>[], more: object = {}) => ({
  groupId: GROUP,
  epoch: 1,
  version: 1,
  volumes: lab.vms.map((vm) => lab.volume('a', vm)),
  legs,
  ...more,
});
const volumes = async (lab: ReplicationLab, ...sites: string[]) => {
  for (const site of sites) for (const vm of lab.vms) await lab.port.createVolumes(site, [lab.volume(site, vm)]);
};
const writes = async (lab: ReplicationLab, text: string, site?: string) => {
  for (const vm of lab.vms) for (const index of [1, 2, 3]) await lab.write(vm, index, `${text} ${index}`, site);
};
/** Both sites hold the same history, and then what they alone acknowledged. */
async function switched(lab: ReplicationLab): Promise<void> {
  await writes(lab, 'first');
  await lab.protect([lab.leg('b', 'async')]);
  lab.tick(30);
  await writes(lab, 'second');
  await lab.promote('b', { former: 'demoted' });
  for (const vm of lab.vms) await lab.boot('b', vm);
  await writes(lab, 'third', 'b');
}
const without = (lab: ReplicationLab, vm: string) => {
  const of = <T extends { vmId: string }>(all: T[]) => all.filter((v) => v.vmId !== vm);
  const leg = lab.leg('b', 'sync');
  return order(lab, [{ ...leg, volumes: of(leg.volumes) }], { volumes: of(order(lab, []).volumes) });
};

const scenes: Scene[] = [
  {
    name: 'growVolumes: the copies, then what is copied',
    async prepare(lab) {
      await writes(lab, 'first');
      await lab.protect([lab.leg('b', 'sync')]);
      lab.tick(30);
    },
    async order(port, lab) {
      const larger = (site: string) => lab.vms.map((vm) => ({ ...lab.volume(site, vm), sizeGiB: 3 }));
      return [await port.growVolumes('b', larger('b')), await port.growVolumes('a', larger('a'))];
    },
  },
  {
    name: 'configureGroups: two legs for the first time',
    async prepare(lab) {
      await writes(lab, 'first');
      await volumes(lab, 'b', 'c');
    },
    order: (port, lab) => port.configureGroups('a', [order(lab, [lab.leg('b', 'sync'), lab.leg('c', 'async')])]),
  },
  {
    name: 'configureGroups: a VM joins a pair',
    async prepare(lab) {
      await writes(lab, 'first');
      await volumes(lab, 'b');
      await lab.port.configureGroups('a', [without(lab, 'vm_2')]);
      lab.tick(30);
      await writes(lab, 'second');
    },
    order: (port, lab) => port.configureGroups('a', [order(lab, [lab.leg('b', 'sync')], { version: 2 })]),
  },
  {
    name: 'configureGroups: a VM leaves a pair',
    async prepare(lab) {
      await writes(lab, 'first');
      await lab.protect([lab.leg('b', 'sync')]);
      lab.tick(30);
      await writes(lab, 'second');
    },
    order: (port, lab) => port.configureGroups('a', [{ ...without(lab, 'vm_2'), version: 2 }]),
  },
  {
    name: 'configureGroups: one leg ends, another changes its way',
    async prepare(lab) {
      await writes(lab, 'first');
      await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async')]);
      lab.tick(30);
      await writes(lab, 'second');
      lab.tick(400);
      await lab.status('a');
      await writes(lab, 'third');
    },
    order: (port, lab) => port.configureGroups('a', [order(lab, [lab.leg('b', 'sync')], { version: 2 })]),
  },
  {
    name: 'configureGroups: a former primary is made like the new one',
    async prepare(lab) {
      await switched(lab);
      await lab.port.discardDivergence('a', [{ groupId: GROUP, epoch: 1 }]);
    },
    order: (port, lab) =>
      port.configureGroups('b', [
        order(lab, [{ ...lab.leg('a', 'async', { from: 'b' }) }], {
          epoch: 2,
          version: 2,
          volumes: lab.vms.map((vm) => lab.volume('b', vm)),
        }),
      ]),
  },
  {
    name: 'cutPoints',
    async prepare(lab) {
      await lab.protect([lab.leg('b', 'async'), lab.leg('c', 'async')]);
      lab.tick(30);
      await writes(lab, 'first');
    },
    order: (port) => port.cutPoints('a', [{ groupId: GROUP, epoch: 1, token: 't' }]),
  },
  {
    name: 'promoteGroups: with writes that are in no volume yet',
    async prepare(lab) {
      await lab.lease('a', 5000);
      await lab.protect([lab.leg('b', 'async')]);
      for (const text of ['first', 'second', 'third']) {
        await writes(lab, text);
        lab.tick(310);
        await lab.status('b');
      }
      await writes(lab, 'lost');
    },
    order: (port) => port.promoteGroups('b', [{ groupId: GROUP, epoch: 2, former: { leaseUntil: 0 } }]),
  },
  {
    name: 'promoteGroups: a former primary that nobody has followed',
    async prepare(lab) {
      await lab.protect([lab.leg('b', 'sync'), lab.leg('c', 'async')]);
      lab.tick(30);
      await writes(lab, 'first');
      await lab.port.demoteGroups('a', [{ groupId: GROUP, epoch: 1 }]);
    },
    order: (port) => port.promoteGroups('a', [{ groupId: GROUP, epoch: 2, former: 'demoted' }]),
  },
  {
    name: 'demoteGroups',
    async prepare(lab) {
      await lab.protect([lab.leg('b', 'async')]);
      lab.tick(30);
      await writes(lab, 'first');
    },
    order: (port) => port.demoteGroups('a', [{ groupId: GROUP, epoch: 1 }]),
  },
  {
    name: 'cloneGroups',
    async prepare(lab) {
      await writes(lab, 'first');
      await lab.protect([lab.leg('b', 'sync')]);
      lab.tick(30);
      await writes(lab, 'second');
    },
    order: (port, lab) =>
      port.cloneGroups('b', [
        {
          groupId: GROUP,
          volumes: lab.vms.map((vm) => ({
            vmId: vm,
            name: 'root',
            to: { ...lab.volume('b', `${vm}_t`), vmId: `${vm}_t` },
          })),
        },
      ]),
  },
  {
    name: 'discardDivergence',
    prepare: switched,
    order: (port) => port.discardDivergence('a', [{ groupId: GROUP, epoch: 1 }]),
  },
  ...(['a', 'b'] as const).map((site) => ({
    name: `dropGroups at ${site}`,
    async prepare(lab: ReplicationLab) {
      await writes(lab, 'first');
      await lab.protect([lab.leg('b', 'sync')]);
      lab.tick(30);
      await writes(lab, 'second');
    },
    order: (port: HypervisorPort) => port.dropGroups(site, [GROUP]),
  })),
];

describe('an agent that dies between any two writes leaves nothing behind that repeating the order does not mend', () => {
  it.each(scenes)('$name', async ({ prepare, order }) => {
    const calm = await ReplicationLab.start();
    await prepare(calm);
    const site = mortal(calm, Number.POSITIVE_INFINITY);
    const answer = await order(site.port, calm);
    expect(JSON.stringify(answer)).not.toContain('refused');
    expect(site.writes()).toBeGreaterThan(0);
    for (let n = 0; n < site.writes(); n++) {
      const lab = await ReplicationLab.start();
      await prepare(lab);
      await expect(order(mortal(lab, n).port, lab), `after ${n} writes`).rejects.toThrow(Died);
      await order(lab.port, lab);
      await order(lab.port, lab);
      const [is, should] = [await stateOf(lab), await stateOf(calm)];
      const differs = { wrong: is.filter((r) => !should.includes(r)), missing: should.filter((r) => !is.includes(r)) };
      expect(differs, `after ${n} writes`).toEqual({ wrong: [], missing: [] });
    }
  });

  it('also where another point is chosen afterwards: it is refused, or it is what it was', async () => {
    for (let n = 0; n < 9; n++) {
      const lab = await ReplicationLab.start();
      await lab.lease('a', 5000);
      await lab.protect([lab.leg('b', 'async', { periodMs: MINUTE })]);
      for (const text of ['one', 'two', 'three']) {
        await lab.write('vm_1', 1, text);
        await lab.write('vm_2', 1, text);
        lab.tick(61);
        await lab.status('b');
      }
      const [, middle] = (await lab.status('b')).copy?.points ?? [];
      const promotion = { groupId: GROUP, epoch: 2, former: { leaseUntil: 0 } };
      await mortal(lab, n)
        .port.promoteGroups('b', [promotion])
        .catch(() => {});
      const again = await lab.promote('b', { ...promotion, epoch: 3, point: middle?.sequence as number });
      const content = [await lab.blocks('b', 'vm_1'), await lab.blocks('b', 'vm_2')];
      if (again?.outcome === 'promoted') expect(content).toEqual([{ 1: 'two' }, { 1: 'two' }]);
      else expect(again?.reason).toMatch(/no point|is the primary/);
    }
  });
});
