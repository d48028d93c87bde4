import { CONDITION_WORDS } from '../../shared/model/condition.ts';
import type { Incident, IncidentHost } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { hostsOf, loadCase, withLine, writeIncident } from './case.ts';
import { judgedBy } from './judge.ts';
import { splitOff } from './split.ts';

/** What is done about a suspect, by what its signs say now. */
type Verdict = 'dead' | 'partitioned' | 'unreachable' | 'disarmed' | 'alive';
interface Found {
  host: Host;
  verdict: Verdict;
  words: string;
  /** Since when what it ran serves nobody, ms. */
  faultAt?: number;
  /** Its agent can be asked to stop what runs. */
  agentFirst: boolean;
}

/** Those of the first kind that there is stay together; the others get an incident of their own. */
const ORDER: readonly Verdict[] = ['dead', 'disarmed', 'partitioned', 'unreachable', 'alive'];

/** Asks what both channels say of every suspect of the incident, and whether anything may be done about it (HA-6). */
export async function assessHosts(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const hosts = await hostsOf(incident, deps);
  const suspects = hosts.filter((h) => h.state === 'suspect');
  const fencing = hosts.some((h) => h.state === 'fencing');
  // A later pass, for the VMs that wait: the fence stands.
  if (suspects.length === 0) return { verdict: fencing ? 'dead' : 'fenced' };
  const found = await findOut(incident.siteId, suspects, deps);
  const kept = fencing ? 'dead' : (ORDER.find((v) => found.some((f) => f.verdict === v)) as Verdict);
  let rest = incident;
  for (const verdict of ORDER.filter((v) => v !== kept)) {
    const others = found.filter((f) => f.verdict === verdict);
    if (others.length === 0) continue;
    const why = (others[0] as Found).words;
    rest = await splitOff(
      rest,
      others.map((f) => f.host),
      why,
      deps,
    );
  }
  const byHost = new Map(found.map((f) => [f.host.id, f]));
  const began = kept === 'dead' ? await passBegan(state, deps) : 0;
  const said = [...new Set(found.filter((f) => f.verdict === kept).map((f) => f.words))].join('; ');
  const now = deps.clock.now();
  const hostsNow = rest.hosts.map((h) => {
    const judged = byHost.get(h.id);
    return judged
      ? { ...h, found: judged.words, ...(kept === 'dead' ? decided(h, judged, incident, began, now) : {}) }
      : h;
  });
  await writeIncident(deps.store, rest, withLine(rest, now, 'second channel asked', said, { hosts: hostsNow }));
  return { verdict: kept, agentFirst: found.filter((f) => f.verdict === kept && f.agentFirst).map((f) => f.host.id) };
}

/**
 * When the fault began for which a host is fenced, and when it was noticed: with the suspicion, or, where it had only seemed
 * to fail until then, by the probe that began this pass.
 */
function decided(
  host: IncidentHost,
  { faultAt = host.lastSignAt }: Found,
  { openedAt }: Incident,
  began: number,
  now: number,
): Partial<IncidentHost> {
  if (host.assessedAt !== undefined) return {};
  return { faultAt, detectedAt: faultAt <= openedAt ? openedAt : Math.max(faultAt, began), assessedAt: now };
}

async function passBegan({ operationId }: State, { store, clock }: StepDeps): Promise<number> {
  return (await new Operations(store, SYSTEM).find(operationId))?.createdAt ?? clock.now();
}

async function findOut(siteId: string, suspects: readonly Host[], deps: StepDeps): Promise<Found[]> {
  const judged = await judgedBy(siteId, suspects, deps);
  return suspects.map((host): Found => {
    const found = judged?.get(host.id);
    // Nothing can be said of hosts whose whole site is silent; and nothing could be done there.
    if (!found) return { host, verdict: 'unreachable', words: 'the whole site does not answer', agentFirst: false };
    return {
      host,
      verdict: found.verdict === 'dead' && !found.armed ? 'disarmed' : found.verdict,
      words: CONDITION_WORDS[found.condition],
      faultAt: found.faultAt,
      agentFirst: found.fence === 'agent',
    };
  });
}
