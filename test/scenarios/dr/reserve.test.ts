import { afterEach, describe, expect, it } from 'vitest';
import type { Placeholders } from '../../../shared/model/placeholder.ts';
import { changePlaceholders } from '../../../shared/store/placeholders.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import { Switching, SYNC } from '../../support/switching.ts';
import { TestTenant, type VmView } from '../../support/tenant.ts';

/** A has room for eighteen VMs of 16 GiB; B for six, three on each of its hosts. */
const ESTATE = {
  sites: ['a', 'b'].map((name) => ({
    name,
    clusters: [{ name: 'c1', hosts: { count: name === 'a' ? 6 : 2, cores: 32, mhz: 2400, memoryGiB: 64 } }],
    datastores: [{ name: 'san', capacityGiB: 20_000 }],
  })),
  links: [{ from: 'a', to: 'b', latencyMs: 2, mbps: 10_000, mode: 'sync' }],
};
const MIB = 16_384;

let story: Switching;
afterEach(() => story.end());

const big = { memoryMiB: MIB };
async function begin(count = 4): Promise<{ vms: VmView[]; group: { id: string } }> {
  story = await Switching.start(ESTATE);
  const vms = await story.acme.running(count, { siteId: 'site_a', name: 'shop', ...big });
  return { vms, group: await story.groups.protected(vms, SYNC) };
}
// biome-ignore lint/suspicious/noExplicitAny: answers of many operations
type Told = any;
const call = (method: string, path: string, body?: object, token = story.acme.token) =>
  story.test.client.call<Told>(method, path, { token, ...(body ? { body } : {}) });
const ask = (tenant: TestTenant, groups: { id: string }[], name = 'erp') =>
  call('POST', '/v1/recovery-plans', { name, groups: groups.map((g) => g.id), reserve: 'full' }, tenant.token);
const kept = async (): Promise<Placeholders[]> => (await story.belief()).placeholders;
const seats = async () => (await kept()).flatMap((p) => Object.values(p.seats));
const at = async (siteId: string) => {
  const hosts = (await story.belief()).hosts.filter((h) => h.siteId === siteId);
  return {
    free: hosts.reduce((n, h) => n + h.free.memoryMiB, 0),
    kept: hosts.reduce((n, h) => n + (h.keptMiB ?? 0), 0),
  };
};
const readiness = async (plan: { id: string }) => (await call('GET', `/v1/recovery-plans/${plan.id}/readiness`)).body;
const alarms = async () =>
  (await story.belief()).alarms.filter((a) => a.code === 'recovery-capacity' && a.state === 'active');

/** Others fill B as far as they are let. Answers how many they got, and the refusal. */
async function crowd(tenant: TestTenant) {
  for (let n = 0; ; n++) {
    const reply = await tenant.create({ siteId: 'site_b', name: `other-${n}`, ...big });
    if (reply.status !== 201) {
      await story.test.settle();
      return { got: n, refusal: reply.body as unknown as Record<string, unknown> };
    }
  }
}

describe('room that a plan keeps at its recovery site', () => {
  it('is not given to others, who are told so with figures; the failover finds it, and all its VMs run', async () => {
    const { vms, group } = await begin();
    const plan = await story.plan([group], { reserve: 'full' });
    expect(await at('site_b')).toMatchObject({ kept: 4 * MIB });
    const { got, refusal } = await crowd(await TestTenant.create(story.test, 'umbrella'));
    expect(got).toBe(2);
    expect(refusal).toMatchObject({ code: 'no-capacity' });
    expect(JSON.stringify(refusal)).toContain(`8 vCPUs and ${4 * MIB} MiB are kept for 4 VMs (DR-21)`);
    expect((await readiness(plan)).capacity).toMatchObject({
      homelessVms: 0,
      reserved: { vms: 4, memoryMiB: 4 * MIB },
    });
    await story.write(vms, 2);
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report.state).toBe('success');
    expect(report.vms.map((vm) => vm.ready)).toEqual(vms.map(() => true));
    expect(await story.missing()).toEqual([]);
    // What was kept is used up: the VMs hold it themselves.
    expect(await at('site_b')).toMatchObject({ kept: 0 });
  });

  it('is taken by others where nothing is kept: the readiness says so before the disaster', async () => {
    const { group } = await begin();
    const plan = await story.plan([group]);
    expect((await readiness(plan)).capacity).toMatchObject({ homelessVms: 0, reserved: { vms: 0 } });
    const { got } = await crowd(await TestTenant.create(story.test, 'umbrella'));
    expect(got).toBe(6);
    const found = await readiness(plan);
    expect(found.findings.map((f: { code: string }) => f.code)).toContain('capacity');
    expect(found.ready).toBe(false);
    // Now it is too late to ask for it.
    const { status, body } = await call('PATCH', `/v1/recovery-plans/${plan.id}`, { reserve: 'full' });
    expect([status, body.code, body.withoutSeat]).toEqual([507, 'no-capacity', 4]);
    expect(body.needed).toMatchObject({ vms: 4, memoryMiB: 4 * MIB });
    expect(await kept()).toEqual([]);
  });

  it('is given to one of two tenants who ask for the last of it at once; the other is refused with figures', async () => {
    const { group } = await begin(4);
    const other = await TestTenant.create(story.test, 'umbrella');
    const theirs = await other.running(4, { siteId: 'site_a', name: 'theirs', ...big });
    const reply = await call(
      'POST',
      '/v1/protected-groups',
      { name: 'theirs', vdcId: other.vdcId, vms: theirs.map((vm) => vm.id), replication: SYNC },
      other.token,
    );
    expect(reply.status).toBe(201);
    await story.test.settle();
    const both = await Promise.all([ask(story.acme, [group]), ask(other, [reply.body], 'their erp')]);
    expect(both.map((r) => r.status).sort()).toEqual([201, 507]);
    expect(both.find((r) => r.status === 507)?.body).toMatchObject({
      code: 'no-capacity',
      rule: 'DR-21',
      siteId: 'site_b',
      free: { memoryMiB: expect.any(Number) },
    });
    expect(await seats()).toHaveLength(4);
    expect(await story.test.violations()).toEqual([]);
  });

  it('is given back with the plan, or when nothing is to be kept any more, and can be taken again', async () => {
    const { group } = await begin();
    const before = await at('site_b');
    const plan = await story.plan([group], { reserve: 'full' });
    expect((await call('PATCH', `/v1/recovery-plans/${plan.id}`, { reserve: 'none' })).status).toBe(200);
    expect(await at('site_b')).toEqual(before);
    expect((await call('PATCH', `/v1/recovery-plans/${plan.id}`, { reserve: 'full' })).status).toBe(200);
    expect(await at('site_b')).toMatchObject({ kept: 4 * MIB });
    const second = await ask(story.acme, [group], 'second');
    expect([second.status, second.body.code, second.body.planId]).toEqual([409, 'in-use', plan.id]);
    expect((await call('DELETE', `/v1/recovery-plans/${plan.id}`)).status).toBe(204);
    expect(await at('site_b')).toEqual(before);
    expect(await kept()).toEqual([]);
  });

  it('is given back with its group, should a plan have asked for it in the moment before that was dissolved', async () => {
    const { vms, group } = await begin(1);
    const before = await at('site_b');
    expect((await story.groups.call('DELETE', `/${group.id}`)).status).toBe(202);
    // What a plan that had read the group before commits now.
    const [host] = (await story.belief()).hosts.filter((h) => h.siteId === 'site_b');
    const amounts = { vcpus: 2, mhz: 0, memoryMiB: MIB, vms: 1 };
    const seat = { hostId: host?.id as string, clusterId: host?.clusterId as string, amounts };
    const { id: tenantId } = story.acme;
    const after = { tenantId, groupId: group.id, planId: 'plan_x', siteId: 'site_b', lacking: {}, version: 1 };
    const tx = new Transaction();
    changePlaceholders(tx, [{ after: { ...after, seats: { [vms[0]?.id as string]: seat } } }]);
    await story.test.cloud.store.commit(tx);
    expect((await at('site_b')).kept).toBe(MIB);
    await story.test.settle();
    expect([await at('site_b'), await kept(), (await story.belief()).groups]).toEqual([before, [], []]);
  });

  it('follows the members of the group', async () => {
    const { vms, group } = await begin(3);
    await story.plan([group], { reserve: 'full' });
    const [more] = await story.acme.running(1, { siteId: 'site_a', name: 'more', ...big });
    await story.groups.call('PATCH', `/${group.id}`, { addVms: [more?.id], removeVms: [vms[0]?.id] });
    await story.test.settle();
    await story.test.advance(30);
    const [p] = await kept();
    expect(Object.keys(p?.seats ?? {}).sort()).toEqual([vms[1]?.id, vms[2]?.id, more?.id].sort());
    expect(await at('site_b')).toMatchObject({ kept: 3 * MIB });
  });

  it('is told of each VM and of the group, by cluster and amounts', async () => {
    const { vms, group } = await begin(1);
    await story.plan([group], { reserve: 'full' });
    const one = {
      siteId: 'site_b',
      volumes: [{ name: 'root', sizeGiB: 20 }],
      reserved: { clusterId: 'cluster_b_c1', vcpus: 2, memoryMiB: MIB },
    };
    const { body } = await call('GET', `/v1/vms/${vms[0]?.id}`);
    expect(body.placeholders).toMatchObject([{ ...one, reserved: { vcpus: 2, memoryMiB: MIB } }]);
    const seen = (await call('GET', `/v1/protected-groups/${group.id}`)).body;
    expect(seen.placeholders).toMatchObject([{ vmId: vms[0]?.id, siteId: 'site_b', reserved: { memoryMiB: MIB } }]);
    expect(seen.reservedBy).toMatch(/^plan_/);
  });
});

describe('when hosts of the recovery site are lost', () => {
  it('what does not fit any more raises an alarm and shows in the readiness, and both go by themselves with the repair', async () => {
    const { group } = await begin(4);
    const plan = await story.plan([group], { reserve: 'full' });
    const [host] = (await story.belief()).hosts.filter((h) => h.siteId === 'site_b');
    const fault = await story.test.fault('host-power-loss', host?.id as string);
    await story.test.until(async () => (await alarms()).length > 0, 900);
    const [alarm] = await alarms();
    expect(alarm).toMatchObject({ object: group.id, severity: 'major' });
    expect(alarm?.text).toContain('no room at site site_b for 1 of 4 VMs');
    const found = (await readiness(plan)).findings.find((f: { code: string }) => f.code === 'seats-lacking');
    expect(found?.figures).toMatchObject({ withoutSeat: 1, vms: 4 });
    expect(await story.test.violations()).toEqual([]);
    await story.test.client.must('DELETE', `/v1/sim/faults/${fault.id}`, story.test.operator);
    await call('POST', `/v1/system/hosts/${host?.id}/power-on`, undefined, story.test.operator);
    await story.test.until(async () => (await alarms()).length === 0, 1_800);
    expect((await readiness(plan)).findings.map((f: { code: string }) => f.code)).not.toContain('seats-lacking');
    expect(await at('site_b')).toMatchObject({ kept: 4 * MIB });
  });

  it('a host that is to be emptied is, and its seats stand elsewhere', async () => {
    const { group } = await begin(3);
    await story.plan([group], { reserve: 'full' });
    const [first] = await seats();
    await call('POST', `/v1/system/hosts/${first?.hostId}/maintenance-enter`, {}, story.test.operator);
    await story.test.settle();
    const { hosts } = await story.belief();
    expect(hosts.find((h) => h.id === first?.hostId)).toMatchObject({ state: 'maintenance', keptVms: 0 });
    expect((await seats()).map((s) => s.hostId)).not.toContain(first?.hostId);
    expect(await seats()).toHaveLength(3);
  });
});

describe('a test of a plan that keeps room', () => {
  it('uses the seats of its VMs, gives them back in one go, and others get none of it meanwhile', async () => {
    const { group } = await begin(4);
    const plan = await story.plan([group], { reserve: 'full' });
    const other = await TestTenant.create(story.test, 'umbrella');
    expect((await crowd(other)).got).toBe(2);
    const before = await kept();
    expect((await story.done(plan, 'test')).state).toBe('success');
    expect((await seats()).map((s) => s.lentTo)).toEqual(Array(4).fill(expect.stringMatching(/^vm_/)));
    expect(await story.test.violations()).toEqual([]);
    await story.done(plan, 'cleanup');
    expect((await crowd(other)).got).toBe(0);
    expect((await kept()).map(({ version: _, ...p }) => p)).toEqual(before.map(({ version: _, ...p }) => p));
  });

  it('that was not cleaned up does not keep a failover from its room', async () => {
    const { vms, group } = await begin(4);
    const plan = await story.plan([group], { reserve: 'full' });
    await crowd(await TestTenant.create(story.test, 'umbrella'));
    await story.done(plan, 'test');
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report.vms.map((vm) => vm.ready)).toEqual(vms.map(() => true));
  });
});

describe('after a switch', () => {
  it('room is kept at the other site once it is reprotected, and the way home uses that', async () => {
    const { vms, group } = await begin(3);
    const plan = await story.plan([group], { reserve: 'full' });
    expect((await story.done(plan, 'migrate')).state).toBe('success');
    await story.test.advance(30);
    expect([(await at('site_a')).kept, (await at('site_b')).kept]).toEqual([0, 0]);
    expect((await story.done(plan, 'reprotect')).state).toBe('success');
    await story.test.until(async () => (await at('site_a')).kept === 3 * MIB, 120);
    expect((await story.done(plan, 'failback')).state).toBe('success');
    await story.test.until(async () => (await at('site_b')).kept === 3 * MIB, 120);
    expect((await at('site_a')).kept).toBe(0);
    expect((await story.belief()).vms.map((vm) => [vm.siteId, vm.state])).toEqual(vms.map(() => ['site_a', 'running']));
  });
});

describe('what the recovery site keeps for failures of its hosts', () => {
  const HALF = { ha: { admission: { kind: 'percentage', cpuPercent: 0, memoryPercent: 50 } } };
  const promise = async () => {
    const [cluster] = (await story.belief()).clusters.filter((c) => c.siteId === 'site_b');
    await story.test.client.must('PATCH', `/v1/system/clusters/${cluster?.id}`, story.test.operator, HALF);
  };

  it('is not eaten by a test, which is refused with figures before anything is made; a failover may, and is told so', async () => {
    const { vms, group } = await begin(4);
    const plan = await story.plan([group]);
    await promise();
    const found = await readiness(plan);
    const finding = found.findings.find((f: { code: string }) => f.code === 'failures-unprepared');
    expect(finding?.message).toContain('50 % must be');
    const reply = await call('POST', `/v1/recovery-plans/${plan.id}/test`, {});
    expect([reply.status, reply.body.code]).toEqual([507, 'no-capacity']);
    expect(reply.body.capacity.failures[0].figures).toMatchObject({ memoryReservePercent: 50 });
    expect(reply.body.capacity.homeless[0].ruledOut).toEqual({ 'failover-capacity': 2 });
    expect((await story.belief()).vms).toHaveLength(4);
    await story.burn('site_a');
    const report = await story.done(plan, 'failover');
    expect(report.vms.map((vm) => vm.ready)).toEqual(vms.map(() => true));
    const executions = (await call('GET', `/v1/recovery-plans/${plan.id}/executions`)).body.items;
    expect(executions[0].warnings.join()).toContain('would not keep what it keeps for failures');
  });

  it('is not given away as room for a plan, and where both are kept a test eats neither', async () => {
    const { group } = await begin(3);
    await promise();
    const first = await ask(story.acme, [group]);
    expect(first.status).toBe(201);
    expect((await story.done(first.body, 'test')).state).toBe('success');
    await story.done(first.body, 'cleanup');
    const more = await story.acme.running(1, { siteId: 'site_a', name: 'more', ...big });
    const second = await story.groups.create(more, SYNC, { name: 'second' });
    await story.test.settle();
    const refused = await ask(story.acme, [second.body], 'more');
    expect([refused.status, refused.body.code]).toEqual([507, 'no-capacity']);
    expect(JSON.stringify(refused.body.failures)).toContain('50 % must be');
  });
});
