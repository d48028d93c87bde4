import type { LocalClient } from '../../client.ts';
import { BLOCKS, readAll, writeAll } from '../guests.ts';
import { bearableSpeed, type DemoOptions } from '../options.ts';
import { Stage, type VmNow } from '../stage.ts';
import { plural, since, type Teller } from '../text.ts';
import { type ExecutionNow, type GroupNow, Recovery, secondsOf } from './plan.ts';
import { type DisasterFacts, disasterVerdict } from './verdict.ts';

/** Blocks that are written when the last point is long cut: what a fire then takes is what the report must name. */
const LATE_BLOCKS = BLOCKS.map((index) => index + 1);
/** Share of the VMs whose writes are at both sites before they are acknowledged. */
const IN_STEP_SHARE = 1 / 3;
const RPO_MINUTES = 10;

/** A whole site burns. Its VMs go to another site by one command, and come home again. */
export async function tellDisaster(client: LocalClient, options: DemoOptions, teller: Teller): Promise<boolean> {
  teller.say(teller.bold('A site burns'));
  const stage = await Stage.set(client, options.estate);
  const [home, other] = await stage.siteIds();
  if (!home || !other)
    throw new Error(`The estate ${options.estate} has one site only: nothing can go to another one.`);
  teller.say(
    `A cloud of its own, in memory: estate ${options.estate}. All times are cloud time, ${options.speed} x as fast.`,
  );
  const before = await bringUp(stage, options, home, teller);
  const recovery = new Recovery(stage);
  const groups = await protect(recovery, before, other, teller);
  const test = await drill(recovery, teller);

  teller.title('4. The guests write on, and the site burns');
  await stage.untilPoint(async () => (await recovery.group(groups.late.id)).legs[0]?.points?.at(-1)?.stateAt);
  await writeAll(stage, before, LATE_BLOCKS);
  teller.say(
    `  ${plural(before.length * LATE_BLOCKS.length, 'block')} more. What was sent asynchronously has no newer point yet.`,
  );
  const burntAt = await stage.fault('site-loss', home);
  teller.say(`  ${home} is gone: power, network, storage.`);

  teller.title('5. One command: the VMs start at the other site');
  const failover = await run(recovery, 'failover', teller);
  tellPhases(teller, failover, burntAt.at);
  tellRto(teller, failover);
  tellLoss(teller, failover, groups);
  const away = await stage.vms();
  const first = { blocks: before.length * BLOCKS.length, awayDifferent: await readAll(stage, away, BLOCKS) };
  const awayMissing = await readAll(stage, away, LATE_BLOCKS);

  teller.title('6. The burnt site is back: demoted, with what it alone has');
  await stage.endFault(burntAt.id);
  const divergent = await comeBack(recovery, groups, teller);
  const settled = await recovery.execution(failover.id);
  teller.title('7. Protected again, and home');
  await run(recovery, 'reprotect', teller);
  await stage.untilOnline(home);
  teller.say(`  The hosts of ${home} serve again.`);
  await run(recovery, 'test', teller);
  await run(recovery, 'cleanup', teller);
  const failback = await run(recovery, 'failback', teller);

  const back = await stage.vms();
  const { processes } = await client.must<Pick<DisasterFacts, 'processes'>>('GET', '/v1/sim/world', stage.operator);
  return tellVerdict(teller, {
    homeSiteId: home,
    otherSiteId: other,
    before,
    away,
    home: back,
    test,
    failover,
    failback,
    settled,
    inStep: groups.inStepVms,
    first: { ...first, homeDifferent: await readAll(stage, back, BLOCKS) },
    second: {
      blocks: before.length * LATE_BLOCKS.length,
      awayMissing,
      homeMissing: await readAll(stage, back, LATE_BLOCKS),
    },
    divergent,
    processes,
    audit: await client.must<DisasterFacts['audit']>('GET', '/v1/system/audit', stage.operator),
  });
}

async function bringUp(stage: Stage, options: DemoOptions, home: string, teller: Teller): Promise<VmNow[]> {
  teller.title(`1. ${options.vms} VMs at ${home}, and their guests write`);
  const from = await stage.now();
  await stage.createVms({ count: options.vms, siteId: home });
  const vms = await stage.untilRunning(async (running) =>
    teller.progress(since(from, await stage.now()), `${running} of ${options.vms} VMs run`),
  );
  teller.close();
  const began = performance.now();
  const bytes = await writeAll(stage, vms, BLOCKS);
  teller.say(`  ${plural(vms.length * BLOCKS.length, 'block')} (${bytes / 1024} KiB), no two of them alike.`);
  const speed = bearableSpeed(options.speed, (performance.now() - began) / (vms.length * BLOCKS.length));
  if (speed < options.speed) await stage.setSpeed(speed);
  return vms;
}

interface Groups {
  inStep: GroupNow;
  late: GroupNow;
  inStepVms: ReadonlySet<string>;
}

async function protect(
  recovery: Recovery,
  vms: readonly VmNow[],
  targetSiteId: string,
  teller: Teller,
): Promise<Groups> {
  const count = Math.max(1, Math.round(vms.length * IN_STEP_SHARE));
  const [some, others] = [vms.slice(0, count), vms.slice(count)];
  teller.title('2. They are protected at the other site');
  const inStep = await recovery.protect('ledger', some, { mode: 'sync', targetSiteId });
  teller.say(`  ${plural(some.length, 'VM')} synchronously: acknowledged when both sites have it.`);
  const late = await recovery.protect('shop', others, { mode: 'async', targetSiteId, rpoMinutes: RPO_MINUTES });
  teller.say(`  ${plural(others.length, 'VM')} asynchronously, with an expected RPO of ${RPO_MINUTES} minutes.`);
  await recovery.makePlan({
    name: 'everything',
    groups: [inStep.id, late.id],
    priorities: Object.fromEntries([...some.map((vm) => [vm.id, 1]), ...others.map((vm) => [vm.id, 2])]),
  });
  return { inStep, late, inStepVms: new Set(some.map((vm) => vm.id)) };
}

async function drill(recovery: Recovery, teller: Teller): Promise<ExecutionNow> {
  teller.title('3. A drill: copies start on an isolated network, and are removed');
  const test = await run(recovery, 'test', teller);
  await run(recovery, 'cleanup', teller);
  return test;
}

async function run(recovery: Recovery, action: string, teller: Teller): Promise<ExecutionNow> {
  const done = await recovery.run(action, (now, execution) => {
    const phase = execution?.phases.at(-1);
    const ready = execution?.vms.filter((vm) => vm.ready).length ?? 0;
    const from = execution ? Date.parse(execution.startedAt) : now;
    teller.progress(
      since(from, now),
      `${action}: ${phase?.name ?? 'begins'}${ready > 0 ? `, ${ready} VMs ready` : ''}`,
    );
  });
  teller.close();
  const end = done.phases.at(-1)?.finishedAt;
  teller.say(`  ${action}: ${done.state}${end ? ` after ${secondsOf(done.startedAt, end).toFixed(1)} s` : ''}.`);
  return done;
}

function tellPhases(teller: Teller, execution: ExecutionNow, burntAt: number): void {
  teller.say(`  The word came ${since(burntAt, Date.parse(execution.startedAt)).trim()} after the fire. From then on:`);
  const rows = execution.phases.map(({ name, startedAt, finishedAt, detail }) => [
    name,
    secondsOf(execution.startedAt, startedAt).toFixed(1),
    finishedAt ? secondsOf(startedAt, finishedAt).toFixed(1) : '-',
    detail ?? '',
  ]);
  teller.table(['phase', 'from s', 'took s', ''], rows);
}

function tellRto(teller: Teller, { vms }: ExecutionNow): void {
  const rows = [...Map.groupBy(vms, (vm) => vm.priority)]
    .sort(([a], [b]) => a - b)
    .map(([priority, some]) => {
      const times = some.flatMap((vm) => vm.rtoSeconds ?? []).sort((a, b) => a - b);
      const middle = times[Math.floor(times.length / 2)];
      return [
        String(priority),
        String(some.length),
        String(times.length),
        seconds(times[0]),
        seconds(middle),
        seconds(times.at(-1)),
      ];
    });
  teller.say();
  teller.table(['priority', 'VMs', 'ready', 'first s', 'median s', 'last s'], rows);
}
const seconds = (n: number | undefined): string => n?.toFixed(1) ?? '-';

function tellLoss(teller: Teller, execution: ExecutionNow, { inStep }: Groups): void {
  const rows = execution.groups.map(({ groupId, lostWrites, rpo }) => [
    groupId === inStep.id ? 'ledger (synchronous)' : 'shop (asynchronous)',
    rpo.expectedSeconds.toFixed(0),
    seconds(rpo.achievedSeconds),
    String(lostWrites?.count ?? '-'),
    String(lostWrites?.bytes ?? '-'),
    lostWrites?.known ?? '',
  ]);
  teller.say();
  teller.table(['group', 'RPO expected s', 'achieved s', 'writes lost', 'bytes', 'known'], rows);
}

/** Until both groups have heard from their former primary; what it alone has is looked at, and then given up. */
async function comeBack(recovery: Recovery, { inStep, late }: Groups, teller: Teller): Promise<number> {
  let all = 0;
  for (const { id, name } of [inStep, late]) {
    const group = await recovery.until(
      id,
      (g) => g.former?.divergent !== undefined,
      `${name} has heard from its old site`,
    );
    const count = group.former?.divergent?.count ?? 0;
    teller.say(
      `  ${name}: ${plural(count, 'write')} that nobody else has${count > 0 ? '; kept until they are discarded' : ''}.`,
    );
    if (count === 0) continue;
    all += await recovery.divergent(id);
    await recovery.discard(id, 'entered again by hand');
    teller.say(`  ${name}: discarded, on record.`);
  }
  return all;
}

function tellVerdict(teller: Teller, facts: DisasterFacts): boolean {
  teller.title('8. What held');
  const checks = disasterVerdict(facts);
  for (const { holds, words } of checks) teller.say(`  ${holds ? 'yes' : 'NO '}  ${words}`);
  const failed = checks.filter((c) => !c.holds).length;
  teller.say();
  const words =
    failed === 0 ? 'Everything held: what was lost is what was reported.' : `${plural(failed, 'check')} did not hold.`;
  teller.say(teller.bold(`Verdict: ${words}`));
  return failed === 0;
}
