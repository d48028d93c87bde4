import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTRACT } from '../../../shared/contract/table.ts';
import { Switching, SYNC } from '../../support/switching.ts';

/**
 * What anybody may do to the copy that a DR test has made (DR-8). Every operation of the API that changes anything stands in
 * exactly one of the tables below, so that a new one cannot be forgotten: whoever adds it decides here.
 */
interface Ground {
  story: Switching;
  /** The copy, the VM that it was made of, another VM, and what holds them. */
  copy: string;
  original: string;
  other: string;
  group: string;
  plan: string;
}
interface Request {
  path?: Record<string, string>;
  query?: string;
  body?: (ground: Ground) => object;
}

/** It would change its networks or disks, move it out of the bubble, or outlive the clean-up: refused, with the plan that made it. */
const BELONGS_TO_ITS_PLAN: Record<string, Request> = {
  patchVm: { body: () => ({ name: 'mine' }) },
  migrateVm: { body: () => ({}) },
  convertVm: { body: () => ({}) },
  deleteVm: {},
  startVm: {},
  stopVm: {},
  growDisk: { path: { disk: 'root' }, body: () => ({ sizeGiB: 200 }) },
  migrateSystemVm: { body: () => ({}) },
  migrateSystemVmDisks: { body: () => ({ disks: [{ name: 'root', datastoreId: 'ds_b_san' }] }) },
};
/** It is named in a request about something else: refused, saying what is wrong with it. */
const NAMED_ELSEWHERE: Record<string, Request & { says: RegExp }> = {
  createVm: {
    body: ({ story, copy }) => story.acme.body({ name: 'late', ha: { enabled: true, dependsOn: [copy] } as never }),
    says: /copy that a DR test has made/,
  },
  createProtectedGroup: {
    body: ({ story, copy }) => ({
      name: 'two',
      vdcId: story.acme.vdcId,
      vms: [copy],
      replication: { mode: 'sync', targetSiteId: 'site_a' },
    }),
    says: /copy that a DR test has made/,
  },
  patchProtectedGroup: { body: ({ copy }) => ({ addVms: [copy] }), says: /testComplete/ },
  createRecoveryPlan: {
    body: ({ group, copy }) => ({ name: 'two', groups: [group], priorities: { [copy]: 1 } }),
    says: /is no VM of the groups/,
  },
  patchRecoveryPlan: { body: ({ copy }) => ({ priorities: { [copy]: 1 } }), says: /is no VM of the groups/ },
  recoverVm: { says: /running/ },
};
/** Looking at it changes nothing; its guest may do in its bubble what guests do. */
const OPEN: Record<string, Request> = {
  getVm: {},
  getVmPerformance: {},
  getSystemVm: {},
  getSystemVmPerformance: {},
  checkEligibility: {
    body: ({ copy }) => ({ vms: [copy], replication: { mode: 'sync', targetSiteId: 'site_a' } }),
  },
  writeBlock: { path: { disk: 'root', index: '7' }, body: () => ({ data: 'aGVsbG8=' }) },
  readBlock: { path: { disk: 'root', index: '7' } },
  setWorkload: { body: () => ({ cpu: 0.5 }) },
};
/** They name no VM. What they do to hosts, sites, plans and groups happens to copies as to any VM, or is the plan's own. */
const NO_VM = `
  createVpc patchVpc deleteVpc createNetwork patchNetwork deleteNetwork cancelOperation
  failoverSite migrateSite cancelSiteSwitch
  createTenant createVdc patchTenantVdc loadEstate explainPlacement runLab
  patchCluster patchHost powerOnHost enterMaintenance exitMaintenance expandHost disarmCluster armCluster confirmFenced
  deleteProtectedGroup suspendProtectedGroup resumeProtectedGroup executeProtectedGroup discardDivergence abandonFormer
  deleteRecoveryPlan testRecoveryPlan cleanupRecoveryPlan migrateRecoveryPlan failoverRecoveryPlan reprotectRecoveryPlan
  failbackRecoveryPlan rollbackRecoveryPlan resumeExecution cancelExecution
  createFault endFault setClock
`;

const tables = { BELONGS_TO_ITS_PLAN, NAMED_ELSEWHERE, OPEN };
/** What lists things, or reads one that is no VM, tells of copies what it tells of all. */
const decided = Object.entries(CONTRACT).filter(([, { method, path }]) => method !== 'get' || path.includes('{vmId}'));

let ground: Ground;
beforeAll(async () => {
  const story = await Switching.start();
  const { vms, group } = await story.protect(2, SYNC);
  const [alone] = await story.acme.running(1, { siteId: 'site_a', name: 'alone' });
  const plan = await story.plan([group]);
  await story.write(vms, 1);
  const report = await story.done(plan, 'test');
  const [first] = report.vms;
  ground = {
    story,
    copy: first?.testVmId as string,
    original: first?.id as string,
    other: alone?.id as string,
    group: group.id,
    plan: plan.id,
  };
});
afterAll(() => ground.story.end());

async function send(id: string, { path = {}, query = '', body }: Request) {
  const operation = CONTRACT[id];
  if (!operation) throw new Error(`there is no operation ${id}`);
  const { story, copy, group, plan } = ground;
  const all: Record<string, string> = { vmId: copy, vdcId: story.acme.vdcId, groupId: group, planId: plan, ...path };
  const url = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => all[name] as string);
  return story.test.client.call<{ code?: string; detail?: string; figures?: object }>(
    operation.method.toUpperCase(),
    `${url}${query}`,
    {
      token: operation.face === 'tenant' ? story.acme.token : story.test.operator,
      ...(body ? { body: body(ground) } : {}),
    },
  );
}
const copies = async () => (await ground.story.belief()).vms.filter((vm) => vm.testOf);

it('every operation that changes anything, or reads a VM, stands in one of the tables', () => {
  const withVm = Object.values(tables).flatMap((table) => Object.keys(table));
  const listed = [...withVm, ...NO_VM.trim().split(/\s+/)];
  expect(listed.toSorted()).toEqual(decided.map(([id]) => id).toSorted());
  expect(decided.filter(([id, { path }]) => path.includes('{vmId}') && !withVm.includes(id))).toEqual([]);
});

describe('a copy that a test has made', () => {
  for (const dry of ['', '?dryRun=true'])
    it.each(Object.entries(BELONGS_TO_ITS_PLAN).filter(([id]) => dry === '' || CONTRACT[id]?.query?.shape.dryRun))(
      `belongs to its plan: %s${dry}`,
      async (id, request) => {
        const before = await copies();
        const reply = await send(id, { ...request, query: dry });
        expect([reply.status, reply.body.code], JSON.stringify(reply.body)).toEqual([409, 'in-use']);
        expect(reply.body.detail).toContain(`recovery plan ${ground.plan}`);
        expect(reply.body).toMatchObject({ rule: 'DR-8', vmId: ground.original, planId: ground.plan });
        expect(CONTRACT[id]?.problems).toContain('in-use');
        expect(await copies()).toEqual(before);
      },
    );

  it.each(Object.entries(NAMED_ELSEWHERE))('is not what %s may name', async (id, { says, ...request }) => {
    const before = await ground.story.belief();
    const reply = await send(id, request);
    expect(reply.status, JSON.stringify(reply.body)).toBeGreaterThanOrEqual(400);
    expect(reply.status).toBeLessThan(500);
    expect(JSON.stringify(reply.body)).toMatch(says);
    const { vms, groups, plans } = await ground.story.belief();
    expect({ vms, groups, plans }).toEqual({ vms: before.vms, groups: before.groups, plans: before.plans });
  });

  it.each(Object.entries(OPEN))('is open to %s', async (id, request) => {
    const reply = await send(id, request);
    expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
  });
});

it.each([0, 0.4, 3])('a copy that is moved off its host since %d s is removed all the same', async (seconds) => {
  const story = await Switching.start();
  const { vms, group } = await story.protect(2, SYNC);
  const plan = await story.plan([group]);
  await story.write(vms, 1);
  const [quota] = (await story.belief()).vdcs.map((vdc) => vdc.left);
  await story.done(plan, 'test');
  const [copy] = (await story.belief()).vms.filter((vm) => vm.testOf);
  await story.test.client.must('POST', `/v1/system/hosts/${copy?.hostId}/maintenance-enter`, story.test.operator, {});
  await story.test.until(async () => (await story.belief()).vms.some((vm) => vm.testOf && vm.migration));
  await story.test.advance(seconds);
  const report = await story.done(plan, 'cleanup');
  expect(report.state).toBe('success');
  const { vms: left, vdcs, claims, hosts } = await story.belief();
  expect(left.map((vm) => vm.testOf)).toEqual(vms.map(() => undefined));
  expect(vdcs.map((vdc) => vdc.left)).toEqual([quota]);
  expect(claims.filter((c) => c.space.startsWith('test:'))).toEqual([]);
  expect(hosts.find((h) => h.id === copy?.hostId)?.state).toBe('maintenance');
  const world = await story.test.world();
  const mine = new Set(vms.map((vm) => vm.id));
  expect(world.processes.filter((p) => p.state !== 'dead' && !mine.has(p.vmId))).toEqual([]);
  expect(world.volumes.filter((v) => !mine.has(v.vmId))).toEqual([]);
  await story.end();
});
