import type { LocalClient } from '../../client.ts';
import { BLOCKS, readAll, writeAll } from '../guests.ts';
import { bearableSpeed, type DemoOptions } from '../options.ts';
import { Stage, type VmNow } from '../stage.ts';
import { plural, since, type Teller } from '../text.ts';
import { cutPower, type IncidentNow, watch } from './incident.ts';
import { type Facts, verdictOf } from './verdict.ts';

/** A host loses power under running VMs. Answers whether everything held that had to. */
export async function tellHostFailure(client: LocalClient, options: DemoOptions, teller: Teller): Promise<boolean> {
  teller.say(teller.bold('A host loses power'));
  const stage = await Stage.set(client, options.estate);
  const hosts = (await stage.hosts()).items.length;
  teller.say(`A cloud of its own, in memory: estate ${options.estate}, ${plural(hosts, 'host')}.`);
  teller.say(`Cloud time runs ${options.speed} x as fast; all times below are cloud time.`);

  const before = await bringUp(stage, options, teller);
  const hostId = busiestHost(before);
  const lost = before.filter((vm) => vm.hostId === hostId);
  const cutAt = await cutPower(stage, hostId);
  teller.title(`3. The power of ${hostId} is cut, with ${plural(lost.length, 'VM')} on it`);
  const incident = await watch(stage, hostId, lost, ({ now, incident: seen, back }) => {
    const last = seen?.timeline[seen.timeline.length - 1]?.what ?? 'nobody knows yet';
    teller.progress(since(cutAt, now), `${last}; ${back} of ${lost.length} run again`);
  });
  teller.close();

  const after = await stage.vms();
  const different = await readAll(stage, after, BLOCKS);
  const audit = await client.must<Facts['audit']>('GET', '/v1/system/audit', stage.operator);
  if (incident) tellTimeline(teller, incident, cutAt);
  tellTable(teller, before, after, incident);
  const blocks = after.length * BLOCKS.length;
  const { processes } = await client.must<Pick<Facts, 'processes'>>('GET', '/v1/sim/world', stage.operator);
  return tellVerdict(teller, { cutAt, hostId, before, after, incident, blocks, different, processes, audit });
}

async function bringUp(stage: Stage, options: DemoOptions, teller: Teller): Promise<VmNow[]> {
  teller.title(`1. A tenant asks for ${options.vms} VMs, in one call`);
  const from = await stage.now();
  await stage.createVms({ count: options.vms, clusterId: await stage.smallestCluster() });
  const vms = await stage.untilRunning(async (running) =>
    teller.progress(since(from, await stage.now()), `${running} of ${options.vms} VMs run`),
  );
  teller.close();
  const spread = [...Map.groupBy(vms, (vm) => vm.hostId)].map(([host, on]) => `${host} ${on.length}`).sort();
  teller.say(`  Per host: ${spread.join(', ')}.`);
  teller.title('2. Their guests write data');
  const began = performance.now();
  const bytes = await writeAll(stage, vms, BLOCKS);
  const speed = bearableSpeed(options.speed, (performance.now() - began) / (vms.length * BLOCKS.length));
  teller.say(`  ${plural(vms.length * BLOCKS.length, 'block')} (${bytes / 1024} KiB), no two of them alike.`);
  if (speed < options.speed) {
    await stage.setSpeed(speed);
    teller.say(`  This machine is busy, so cloud time runs ${speed} x as fast from here on.`);
  }
  return vms;
}

/** The host with most VMs; the first by name among equals. */
function busiestHost(vms: readonly VmNow[]): string {
  const counts = [...Map.groupBy(vms, (vm) => vm.hostId ?? '')].map(([id, on]) => ({ id, size: on.length }));
  counts.sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1));
  return (counts[0] as { id: string }).id;
}

function tellTimeline(teller: Teller, incident: IncidentNow, cutAt: number): void {
  teller.title(`4. Timeline of incident ${incident.id}, from the cut on`);
  for (const { at, what, detail } of incident.timeline)
    teller.say(`  ${since(cutAt, Date.parse(at))}  ${what}${detail ? `: ${detail}` : ''}`);
}

/** RTO: from the last sign of life of the old host to ready on the new one. */
function tellTable(teller: Teller, before: readonly VmNow[], after: readonly VmNow[], incident?: IncidentNow): void {
  teller.title('5. RTO per VM (from the last heartbeat of the old host to ready on the new one)');
  const entryOf = (vm: VmNow) => incident?.vms.find((v) => v.id === vm.id);
  const number = (vm: VmNow) => Number(vm.name.replace(/\D/g, ''));
  const lostFirst = [...before].sort((a, b) => Number(!!entryOf(b)) - Number(!!entryOf(a)) || number(a) - number(b));
  const rows = lostFirst.map((was) => {
    const is = after.find((vm) => vm.id === was.id);
    const entry = entryOf(was);
    const rto = entry ? (entry.rtoSeconds?.toFixed(1) ?? '-') : '0.0';
    const to = entry ? (is?.hostId ?? 'nowhere') : 'stays';
    return [was.name, was.hostId ?? '', to, rto, `${was.epoch} -> ${is?.epoch ?? '?'}`, is?.state ?? 'gone'];
  });
  teller.table(['VM', 'from', 'to', 'RTO s', 'epoch', 'state'], rows);
}

function tellVerdict(teller: Teller, facts: Facts): boolean {
  teller.title('6. What held');
  const checks = verdictOf(facts);
  for (const { holds, words } of checks) teller.say(`  ${holds ? 'yes' : 'NO '}  ${words}`);
  const failed = checks.filter((c) => !c.holds).length;
  teller.say();
  const words =
    failed === 0
      ? 'Everything held: no write is lost, and every VM runs exactly once.'
      : `${plural(failed, 'check')} did not hold.`;
  teller.say(teller.bold(`Verdict: ${words}`));
  return failed === 0;
}
