import type { Random } from '../kernel/random.ts';
import type { Datastore } from '../model/inventory.ts';
import { homeOn } from './home.ts';
import type { Candidate, Need } from './need.ts';
import { PREFERENCES, type Preference } from './preferences.ts';
import { type Rule, VALIDATORS, type Validator } from './validators.ts';

/**
 * Where candidates come from. `near` gives the most promising ones first, and a decision looks at no more than
 * EXAMINED_LIMIT of them; `all` is for explaining a refusal.
 */
export interface CandidateIndex {
  near(need: Need): Iterable<Candidate>;
  all(): Iterable<Candidate>;
}

export type { Candidate, Need };

/** Host states that a decision examines at most. */
export const EXAMINED_LIMIT = 64;

export interface Chosen {
  ok: true;
  candidate: Candidate;
  datastore: Datastore | undefined;
  /** Node of the host for each virtual NUMA node of the VM. */
  home: number[] | undefined;
  examined: number;
}
export interface Refused {
  ok: false;
  examined: number;
  hosts: number;
  /** Per rule, how many hosts it ruled out (a host counts for the first rule that it fails). */
  ruledOut: Partial<Record<Rule, number>>;
  /** Clusters whose hosts could be taken, if what is kept for failures did not forbid it (HA-13). */
  promised: string[];
  /** What would help. */
  help: string[];
}

/**
 * Picks one host: of the first fitting candidates one by chance, so that schedulers that work at the
 * same time with the same picture do not all take the same host. Pure: the same arguments give the same answer.
 */
export function place(
  need: Need,
  index: CandidateIndex,
  random: Random,
  preferences: readonly Preference[] = PREFERENCES,
): Chosen | Refused {
  const fitting: { candidate: Candidate; score: number }[] = [];
  let examined = 0;
  for (const candidate of index.near(need)) {
    if (examined >= EXAMINED_LIMIT) break;
    examined++;
    if (firstFailure(candidate, need) === undefined) {
      fitting.push({ candidate, score: preferences.reduce((sum, p) => sum + p.weight * p.score(candidate, need), 0) });
    }
  }
  if (fitting.length === 0) return refusal(need, index, examined);
  fitting.sort((a, b) => b.score - a.score || (a.candidate.host.id < b.candidate.host.id ? -1 : 1));
  const best = fitting.slice(0, Math.max(1, Math.ceil(fitting.length / 4)));
  const { candidate } = random.pick(best);
  return { ok: true, candidate, datastore: roomiest(candidate, need), home: homeFor(candidate, need), examined };
}

/** Nodes of the host for the virtual NUMA nodes of what was found to fit there. */
export function homeFor({ host }: Candidate, { vnodes }: Need): number[] | undefined {
  if (vnodes.length === 0) return undefined;
  const home = homeOn(host, vnodes);
  if (!Array.isArray(home)) throw new Error(`host ${host.id} was found fit, yet ${home.reason}`);
  return home;
}

/** SCH-1: for every host, that it may be taken, or the rules that forbid it. */
export function explain(
  need: Need,
  candidates: Iterable<Candidate>,
): { hostId: string; fits: boolean; reasons: { rule: Rule; reason: string }[] }[] {
  return [...candidates].map((candidate) => {
    const reasons = VALIDATORS.flatMap((v) => {
      const reason = v.check(candidate, need);
      return reason === undefined ? [] : [{ rule: v.rule, reason }];
    });
    return { hostId: candidate.host.id, fits: reasons.length === 0, reasons };
  });
}

/** The shared datastore with the most room that the host reaches. */
export function roomiest(candidate: Candidate, need: Pick<Need, 'storageGiB'>): Datastore | undefined {
  return candidate.datastores
    .filter((d) => d.freeGiB >= need.storageGiB)
    .reduce<Datastore | undefined>((best, d) => (!best || d.freeGiB > best.freeGiB ? d : best), undefined);
}

/** The first rule that the host breaks, or undefined when it may be taken. */
export function firstFailure(candidate: Candidate, need: Need): Validator | undefined {
  return VALIDATORS.find((v) => v.check(candidate, need) !== undefined);
}

/** Rules that room decides about which a recovery plan may keep (DR-21). */
const ROOM: ReadonlySet<Rule> = new Set<Rule>(['cpu', 'cpu-reservation', 'memory', 'vms']);
const KEPT = ['keptVms', 'keptVcpus', 'keptMiB'] as const;

/** Why no host can be taken: every candidate is looked at. */
export function refusal(need: Need, index: Pick<CandidateIndex, 'all'>, examined: number): Refused {
  const ruledOut: Partial<Record<Rule, number>> = {};
  const promised = new Set<string>();
  let hosts = 0;
  const kept = { keptVms: 0, keptVcpus: 0, keptMiB: 0 };
  for (const candidate of index.all()) {
    hosts++;
    const rule = firstFailure(candidate, need)?.rule;
    if (rule && ROOM.has(rule)) for (const of of KEPT) kept[of] += candidate.host[of] ?? 0;
    if (rule) ruledOut[rule] = (ruledOut[rule] ?? 0) + 1;
    if (rule === 'failover-capacity') promised.add(candidate.cluster.id);
  }
  const help = VALIDATORS.filter((v) => ruledOut[v.rule]).map((v) => v.help(need));
  if (kept.keptVms > 0)
    help.push(
      `Or have recovery plans keep less: of the hosts that lack room ${kept.keptVcpus} vCPUs and ${kept.keptMiB} MiB are kept for ${kept.keptVms} VMs (DR-21).`,
    );
  return {
    ok: false,
    examined,
    hosts,
    ruledOut,
    promised: [...promised],
    help: hosts === 0 ? ['Load an estate with hosts in the sites of the VDC.'] : help,
  };
}
