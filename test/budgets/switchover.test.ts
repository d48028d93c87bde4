import { afterEach, expect, it } from 'vitest';
import { SECOND } from '../../shared/kernel/clock.ts';
import { readBelief } from '../../shared/store/belief.ts';
import { TestCloud } from '../support/cloud.ts';
import { memoryEngine } from '../support/dynamo/client.ts';
import { countItemWrites } from '../support/item-writes.ts';
import { Switching, SYNC } from '../support/switching.ts';
import { TestTenant } from '../support/tenant.ts';

/** Issue of disaster recovery: 1,000 VMs in 5 priority groups. */
const MAX_TRANSITIONS = 60;
/** A VM is written when it changes over and when it is seen running; a migration stops it before. */
const MAX_WRITES_PER_VM = { failover: 3, migrate: 4 } as const;
const GROUPS = 20;
const VMS_PER_GROUP = 50;
const PRIORITIES = 5;

let test: TestCloud;
afterEach(() => test?.stop());

async function stage() {
  const memory = memoryEngine();
  const counter = countItemWrites(memory);
  const site = (name: string) => ({
    name,
    clusters: [{ name: 'c1', hosts: { count: 60, cores: 64, mhz: 2400, memoryGiB: 128 } }],
    datastores: [{ name: 'san', capacityGiB: 20_000 }],
  });
  const links = [{ from: 'a', to: 'b', latencyMs: 2, mbps: 10_000, mode: 'sync' }];
  test = await TestCloud.start({ memory, estate: { sites: [site('a'), site('b')], links } });
  const vms = GROUPS * VMS_PER_GROUP;
  const quota = { vcpus: vms, memoryMiB: vms * 1024, storageGiB: vms, vms, vpcs: 5, networks: 10 };
  const acme = await TestTenant.create(test, 'acme', quota);
  const story = new Switching(test, acme);
  const shape = { vcpus: 1, memoryMiB: 512, sizeGiB: 1, siteId: 'site_a', count: VMS_PER_GROUP / 2 };
  const members: { id: string }[][] = [];
  for (let n = 0; n < GROUPS; n++) {
    const some: { id: string }[] = [];
    for (const half of ['x', 'y']) {
      const { status, body } = await acme.create({ ...shape, name: `v${n}${half}` });
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
      some.push(...body.items);
    }
    members.push(some);
  }
  await test.settle();
  const groups: { id: string }[] = [];
  for (const [n, some] of members.entries()) {
    const { status, body } = await story.groups.create(some, { ...SYNC, mbps: 400 }, { name: `g${n}` });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    groups.push(body);
  }
  await test.settle();
  const priorities = Object.fromEntries(members.flat().map((vm, i) => [vm.id, 1 + (i % PRIORITIES)]));
  const plan = await story.plan(groups, { priorities });
  return { story, plan, counter, vms };
}

it.each(['failover', 'migrate'] as const)(
  `a ${'%s'} of 1,000 VMs in ${PRIORITIES} priorities takes at most ${MAX_TRANSITIONS} transitions`,
  async (action) => {
    const { story, plan, counter, vms } = await stage();
    if (action === 'failover') await story.burn('site_a');
    counter.begin();
    const begun = test.clock.now();
    const report = await story.done(plan, action);
    const { items, kinds } = counter.written();
    const belief = await readBelief(test.cloud.store);
    const operation = belief.operations.find((o) => o.kind === `plan-${action}`);
    const transitions = test.cloud.engine.transitions.get(operation?.id as string) ?? 0;
    const rto = Math.max(...Object.values(report.vms).map((vm) => vm.rtoSeconds ?? 0));
    const split = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, n]) => `${n} of ${kind}`);
    console.log(
      `${action} of ${vms} VMs: ${transitions} transitions, ${(items / vms).toFixed(2)} item writes per VM (${split.join(', ')}), last VM ready after ${rto} s, ended after ${(test.clock.now() - begun) / SECOND} s of cloud time`,
    );
    expect(report.state).toBe('success');
    expect(belief.vms.filter((vm) => vm.siteId === 'site_b' && vm.state === 'running')).toHaveLength(vms);
    expect(transitions).toBeLessThanOrEqual(MAX_TRANSITIONS);
    expect(items / vms).toBeLessThanOrEqual(MAX_WRITES_PER_VM[action]);
    expect(await test.violations()).toEqual([]);
  },
  600_000,
);
