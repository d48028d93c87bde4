import { afterEach, expect, it } from 'vitest';
import { Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());

interface Report {
  summary: string;
  state: string;
  vms: number;
  timeline: { at: string; link: string; what: string; effect?: string }[];
  rto?: { vms: number; fastestSeconds: number; medianSeconds: number; slowestSeconds: number };
  notRecovered: { outcome: string; reason: string; count: number; vmIds: string[] }[];
  hostsBack: { id: string; killed: number; refusedWrites: number }[];
  recovered: {
    id: string;
    fromHost: string;
    toHost: string;
    totalSeconds: number;
    phases: { phase: string; startedAt: string; endedAt: string; seconds: number }[];
  }[];
  nextPageToken?: string;
}
const get = <T>(path: string) => stage.test.client.must<T>('GET', path, stage.test.operator);
const newest = async () =>
  (await get<{ items: { id: string; summary: string }[] }>('/v1/system/incidents?limit=1')).items[0] as {
    id: string;
    summary: string;
  };
const report = async (query = '') => get<Report>(`/v1/system/incidents/${(await newest()).id}/report${query}`);
const seconds = (from: string | number, to: string | number) => (Number(new Date(to)) - Number(new Date(from))) / 1000;

/** Instants of the world and of the hosts' states, as they are seen from outside. */
async function watched(vms: readonly { id: string }[], hosts: readonly string[]) {
  const { test } = stage;
  const lastSign = new Map<string, string>();
  const readyAt = new Map<string, string>();
  let suspectAt = 0;
  await test.until(async () => {
    const world = await test.world();
    for (const h of world.hosts) if (hosts.includes(h.id) && h.heartbeatAt) lastSign.set(h.id, h.heartbeatAt);
    for (const p of world.processes as ((typeof world.processes)[number] & { readyAt: string })[])
      if (p.state === 'running' && !hosts.includes(p.hostId)) readyAt.set(p.vmId, p.readyAt);
    if (!suspectAt && (await stage.hosts()).some((h) => hosts.includes(h.id) && h.state !== 'online'))
      suspectAt = test.clock.now();
    return vms.every((vm) => readyAt.has(vm.id));
  });
  return { lastSign, readyAt, suspectAt };
}

it('a rack dies: the report says of each VM how long it took, phase by phase, as it is seen from outside', async () => {
  stage = await Stage.open({ count: 4, racks: 2 });
  const { test, acme } = stage;
  const all = await acme.running(10, { vcpus: 1, memoryMiB: 1024 });
  const hosts = await stage.hosts();
  const name = hosts[0]?.rack as string;
  const rack = hosts.filter((h) => h.rack === name).map((h) => h.id);
  const vms = all.filter((vm) => rack.includes(vm.hostId as string));
  const failedAt = test.clock.now();
  await test.fault('host-power-loss', name);
  const seen = await watched(vms, rack);
  await test.settle();

  const found = await report();
  expect(found).toMatchObject({ state: 'closed', vms: vms.length, notRecovered: [] });
  expect(found.recovered.map((r) => r.id)).toEqual(vms.map((vm) => vm.id).sort());
  for (const vm of found.recovered) {
    const ready = seen.readyAt.get(vm.id) as string;
    const lastSign = seen.lastSign.get(vm.fromHost) as string;
    expect(seconds(lastSign, failedAt)).toBeLessThanOrEqual(2);
    expect(vm.totalSeconds).toBeCloseTo(seconds(lastSign, ready), 3);
    expect(vm.phases.reduce((sum, p) => sum + p.seconds, 0)).toBeCloseTo(vm.totalSeconds, 3);
    expect(vm.phases.map((p) => p.phase)).toEqual(['detect', 'decide', 'fence', 'place', 'start', 'boot']);
    expect(vm.phases[0]).toMatchObject({ startedAt: lastSign, endedAt: new Date(seen.suspectAt).toISOString() });
    expect(vm.phases.at(-1)?.endedAt).toBe(ready);
    expect(vm.toHost).toBe((await acme.vm(vm.id)).hostId);
  }
  const ready = [...seen.readyAt.values()].sort();
  expect(found.rto).toMatchObject({
    vms: vms.length,
    slowestSeconds: expect.closeTo(
      seconds(Math.min(...[...seen.lastSign.values()].map(Date.parse)), ready.at(-1) as string),
      3,
    ),
  });
  const links = found.timeline.map((l) => l.link).filter((l) => l !== 'note');
  expect(links).toEqual(['fault', 'detection', 'decision', 'fence', 'plan', 'start', 'ready', 'ready']);
  expect(found.timeline[3]?.effect).toMatch(/may start elsewhere/);
  expect((await newest()).summary).toMatch(
    new RegExp(`^2 hosts of rack ${name}: ${vms.length} VMs recovered in \\d+ (to \\d+ )?s$`),
  );
  expect(await test.violations()).toEqual([]);
});

it('the same as a text, and its VMs in pages; a form that there is not is refused', async () => {
  stage = await Stage.open();
  const { test, acme } = stage;
  await acme.running(4, { vcpus: 1, memoryMiB: 1024, name: 'web' });
  const [{ hostId = '' } = {}] = (await acme.running(1, { vcpus: 1, memoryMiB: 1024, name: 'web' })) as {
    hostId: string;
  }[];
  await test.fault('host-power-loss', hostId);
  await test.advance(120);
  const { id, summary } = await newest();
  const reply = await test.client.call<string>('GET', `/v1/system/incidents/${id}/report?format=text`, {
    token: test.operator,
  });
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
  expect(reply.body.split('\n')[0]).toBe(`${summary}.`);
  expect(reply.body).toContain('What happened\n');
  const first = await report('?limit=1');
  expect(first.recovered).toHaveLength(1);
  const whole = await report();
  const second = await report(`?limit=1&pageToken=${first.nextPageToken}`);
  expect([...first.recovered, ...second.recovered]).toEqual(whole.recovered.slice(0, 2));
  const refused = await test.client.call('GET', `/v1/system/incidents/${id}/report?format=pdf`, {
    token: test.operator,
  });
  expect([refused.status, refused.body.code]).toEqual([400, 'invalid-request']);
  const nobody = await test.client.call('GET', '/v1/system/incidents/inc_none/report?format=text', {
    token: test.operator,
  });
  expect([nobody.status, nobody.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
});

it('what waits is reported with its reason; when room comes, its wait is told apart; a host that returns says what it had gone on doing', async () => {
  stage = await Stage.open({ count: 2, memoryGiB: 14 });
  const { test, acme } = stage;
  const vms = await acme.running(6, { vcpus: 1, memoryMiB: 4096 });
  const failed = vms[0]?.hostId as string;
  const victims = vms.filter((vm) => vm.hostId === failed).map((vm) => vm.id);
  const fault = await test.fault('host-power-loss', failed);
  await test.advance(90);
  const waiting = await report();
  expect(waiting).toMatchObject({
    state: 'open',
    recovered: [],
    notRecovered: [
      { outcome: 'waiting', count: victims.length, vmIds: victims.sort(), reason: expect.stringMatching(/memory/) },
    ],
  });
  expect(waiting.summary).toMatch(/3 VMs wait$/);
  await stage.heal(fault);
  await test.client.must('POST', `/v1/system/hosts/${failed}/power-on`, test.operator);
  await test.until(async () => (await report()).recovered.length === victims.length, 300);
  const after = await report();
  for (const vm of after.recovered) {
    const room = vm.phases.find((p) => p.phase === 'room');
    expect(room?.seconds).toBeGreaterThan(60);
    expect(vm.phases.reduce((sum, p) => sum + p.seconds, 0)).toBeCloseTo(vm.totalSeconds, 3);
  }
  expect(after.hostsBack).toMatchObject([{ id: failed, killed: 0, refusedWrites: 0 }]);
});

it('a management partition that becomes a death counts from the death on: until then its VMs served', async () => {
  stage = await Stage.open();
  const { test } = stage;
  const vm = await stage.vm();
  await test.fault('management-partition', vm.hostId);
  await test.advance(300);
  const diedAt = test.clock.now();
  await test.fault('host-power-loss', vm.hostId);
  const seen = await watched([vm], [vm.hostId]);
  await test.settle();
  const [recovered] = (await report()).recovered;
  const ready = seen.readyAt.get(vm.id) as string;
  expect(recovered?.totalSeconds).toBeGreaterThanOrEqual(seconds(diedAt, ready));
  expect(recovered?.totalSeconds).toBeLessThanOrEqual(seconds(diedAt, ready) + 2);
  expect(recovered?.phases[0]).toMatchObject({ phase: 'detect' });
  expect(recovered?.phases[0]?.seconds).toBeLessThanOrEqual(15);
});

it('a guest that crashes is reported like a host, from the crash to its restart', async () => {
  stage = await Stage.open();
  const { test } = stage;
  const vm = await stage.vm({ name: 'web', ha: { enabled: true, faultProcess: 'reboot' } });
  const crashedAt = test.clock.now();
  await test.fault('guest-crash', vm.id);
  await test.until(
    async () => (await stage.believed(vm.id)).epoch > vm.epoch && (await stage.runs(vm.id))[0]?.state === 'running',
  );
  await test.settle();
  const { readyAt } = (await stage.runs(vm.id))[0] as unknown as { readyAt: string };
  const found = await report();
  expect(found.summary).toMatch(/^guest of VM web-1 crashed: restarted in \d+ s$/);
  expect(found.recovered).toMatchObject([{ id: vm.id, totalSeconds: seconds(crashedAt, readyAt) }]);
  expect(found.recovered[0]?.phases.reduce((sum, p) => sum + p.seconds, 0)).toBeCloseTo(seconds(crashedAt, readyAt), 3);
});
