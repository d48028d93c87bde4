import type { Execution } from '../../../../shared/model/execution.ts';
import { differences, snapshot } from '../../../support/snapshot.ts';
import type { Seen } from '../play.ts';
import type { Promise_ } from '../story.ts';
import type { DrPromise } from './story.ts';

const KINDS: ReadonlySet<Promise_['kind']> = new Set<DrPromise['kind']>([
  'plan is',
  'group is',
  'runs at',
  'lost',
  'lost as reported',
  'as before',
  'phases',
  'report',
  'site report',
  'site plans',
  'report within',
  'divergence',
  'refused because',
]);
export const isOfRecovery = (promise: Promise_): promise is DrPromise => KINDS.has(promise.kind);

interface Report extends Pick<Execution, 'id' | 'action' | 'state'> {
  startedAt: string;
  finishedAt?: string;
  phases: { name: string; startedAt: string; finishedAt?: string }[];
  rto?: { criticalSeconds?: number; allSeconds?: number };
  rpoSeconds: number;
  lostWrites: { count: number };
}

interface SitePlanTold {
  planId: string;
  outcome: string;
  reason?: string;
}
type SiteTold = { id: string; siteId: string; action: string; state: string };
/** Switches of sites, newest first. */
const switches = async (test: Seen['stage']['test']): Promise<SiteTold[]> =>
  (await test.client.must<{ items: SiteTold[] }>('GET', '/v1/system/site-switches', test.operator)).items;

/** What a promise was found to be instead, or undefined when it was kept. */
export async function checkRecovery(promise: DrPromise, seen: Seen): Promise<string | undefined> {
  const { stage, belief } = seen;
  const { names, tenant, test } = stage;
  const group = (name: string) => belief.groups.find((g) => g.id === names.id(name));
  const must = (ok: boolean, otherwise: string) => (ok ? undefined : otherwise);
  const reports = async (plan: string): Promise<Report[]> => {
    const path = `/v1/recovery-plans/${names.id(plan)}/executions`;
    return (await test.client.must<{ items: Report[] }>('GET', path, tenant.token)).items;
  };
  const newest = async (plan: string): Promise<Report> => {
    const [report] = await reports(plan);
    if (!report) throw new Error(`${plan} was never executed`);
    return report;
  };

  switch (promise.kind) {
    case 'plan is': {
      const plan = belief.plans.find((p) => p.id === names.id(promise.plan));
      return must(plan?.state === promise.state, `it is ${plan?.state ?? 'gone'}: ${plan?.reason ?? 'no reason'}`);
    }
    case 'group is': {
      const found = group(promise.group);
      return must(found?.state === promise.state, `it is ${found?.state ?? 'gone'}: ${found?.reason ?? 'no reason'}`);
    }
    case 'runs at': {
      const vm = belief.vms.find((v) => v.id === names.id(promise.vm));
      const alive = seen.lives.of(names.id(promise.vm)).filter((l) => l.to === undefined);
      const here = vm?.state === 'running' && vm.siteId === names.id(promise.site);
      const true_ = alive.length === 1 && alive[0]?.hostId === vm?.hostId && alive[0]?.epoch === vm?.epoch;
      return must(
        here && true_,
        `it is ${vm?.state} at ${names.of(vm?.siteId ?? '')} on ${vm?.hostId ? names.of(vm.hostId) : 'no host'} #${vm?.epoch}; in truth on ${alive.map((l) => `${names.of(l.hostId)} #${l.epoch}`).join(', ') || 'none'}`,
      );
    }
    case 'lost': {
      const losses = await Promise.all(
        promise.groups.map(async (name) => {
          const found = group(name);
          return found ? stage.guests.loss(found, belief.vms) : { lost: [], written: 0 };
        }),
      );
      const [lost, written] = [losses.flatMap((l) => l.lost), losses.reduce((n, l) => n + l.written, 0)];
      if (written === 0) return 'no guest has written anything';
      return must(
        lost.length > 0 === (promise.what === 'something'),
        `${lost.length} of ${written} were: ${lost
          .slice(0, 5)
          .map((w) => `${names.of(w.vmId)} ${w.n}`)
          .join(', ')}`,
      );
    }
    case 'lost as reported': {
      for (const name of promise.groups) {
        const found = group(name);
        if (!found) return `${name} is gone`;
        const { lost } = await stage.guests.loss(found, belief.vms);
        const wrong = misreported(found.id, lost, belief.executions, promise.exactly);
        if (wrong) return `${name}: ${wrong}`;
      }
      return undefined;
    }
    case 'as before': {
      const changed = differences(stage.remembered, await snapshot(test.cloud.store)).map((d) => names.in(d));
      return must(changed.length === 0, changed.slice(0, 5).join('\n    '));
    }
    case 'phases': {
      const { phases, startedAt, finishedAt } = await newest(promise.plan);
      const ends = [startedAt, ...phases.map((p) => p.finishedAt)];
      const gap = phases.findIndex((p, i) => p.startedAt !== ends[i]);
      if (phases.length === 0) return 'there is none';
      if (gap >= 0) return `${phases[gap]?.name} begins at ${phases[gap]?.startedAt}, not at ${ends[gap]}`;
      return must(ends.at(-1) === finishedAt, `the last one ends at ${ends.at(-1)}, the whole at ${finishedAt}`);
    }
    case 'report': {
      const { action, state } = await newest(promise.plan);
      return must(action === promise.action && state === promise.state, `it is: ${action} ${state}`);
    }
    case 'site report': {
      const [found] = (await switches(test)).filter((s) => s.siteId === names.id(promise.site));
      return must(found?.action === promise.action && found.state === promise.state, `it is: ${JSON.stringify(found)}`);
    }
    case 'site plans': {
      const [newest] = await switches(test);
      const path = `/v1/system/site-switches/${newest?.id}`;
      const { items } = await test.client.must<{ items: SitePlanTold[] }>('GET', path, test.operator);
      const wrong = promise.plans.filter((name) => {
        const told = items.find((i) => i.planId === names.id(name));
        return told?.outcome !== promise.outcome || !names.in(told.reason ?? '').includes(promise.because ?? '');
      });
      const is = items.map((i) => `${names.of(i.planId)} ${i.outcome}${i.reason ? `: ${names.in(i.reason)}` : ''}`);
      return must(wrong.length === 0, `they are: ${is.join('; ')}`);
    }
    case 'report within': {
      const { rto, rpoSeconds } = await newest(promise.plan);
      const found = promise.figure === 'rpo' ? rpoSeconds : rto?.allSeconds;
      return must(found !== undefined && found * 1_000 <= promise.ms, `it is ${found ?? 'not told'} s`);
    }
    case 'divergence': {
      const { former } = group(promise.group) ?? {};
      const is = !former?.divergent?.count ? 'none' : former.divergent.discarded ? 'discarded' : 'some';
      if (is !== promise.what) return `it is: ${is}`;
      if (is !== 'some') return undefined;
      // It can be read, write by write.
      const path = `/v1/protected-groups/${names.id(promise.group)}/divergence`;
      const { items } = await test.client.must<{ items: { data: string }[] }>('GET', path, tenant.token);
      const told = new Set(stage.guests.history.map((w) => w.text));
      const foreign = items.filter((w) => !told.has(Buffer.from(w.data, 'base64').toString()));
      return must(
        items.length === former?.divergent?.count && foreign.length === 0,
        `${items.length} can be read, of ${former?.divergent?.count}`,
      );
    }
    case 'refused because': {
      const said = stage.refusals.get(promise.command) ?? [];
      return must(
        said.some((s) => names.in(s).includes(promise.reason)),
        `refused with: ${said.map((s) => names.in(s)).join(' | ') || 'nothing'}`,
      );
    }
  }
}

/** INV-8: what is exact is the truth, and what is at least is never more than it. */
export function misreported(
  groupId: string,
  lost: readonly { at: number; text: string }[],
  executions: readonly Execution[],
  exactly: boolean,
): string | undefined {
  // A rerun tells of the same switch once more.
  const told = new Map<number | undefined, NonNullable<Execution['groups'][number]['lost']>>();
  for (const execution of executions.toSorted((a, b) => a.startedAt - b.startedAt))
    for (const outcome of execution.groups)
      if (outcome.groupId === groupId && outcome.lost && execution.action !== 'test')
        told.set(outcome.epoch, outcome.lost);
  const all = [...told.values()];
  const [count, bytes] = [all.reduce((n, l) => n + l.count, 0), all.reduce((n, l) => n + l.bytes, 0)];
  const exact = all.every((l) => l.known === 'exact');
  const truth = { count: lost.length, bytes: lost.reduce((n, w) => n + w.text.length, 0) };
  const words = `reported ${exact ? 'exactly' : 'at least'} ${count} writes of ${bytes} bytes, in truth ${truth.count} of ${truth.bytes}`;
  if (count > truth.count || bytes > truth.bytes) return words;
  if (exactly && !exact) return `${words}; it should be settled`;
  if (exact && (count !== truth.count || bytes !== truth.bytes)) return words;
  return undefined;
}
