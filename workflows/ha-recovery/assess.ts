import { PortTimeout } from '../../shared/hypervisor/port.ts';
import type { Incident } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { assess, hasRestarted } from '../../shared/model/liveness.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { hostsOf, loadCase, withLine, writeIncident } from './case.ts';
import { splitOff } from './split.ts';

/** What both channels say of a suspect now. */
type Verdict = 'dead' | 'alive' | 'partitioned' | 'unreachable';
interface Judged {
  host: Host;
  verdict: Verdict;
  restarted: boolean;
}

const WORDS: Record<Verdict, string> = {
  dead: 'no heartbeat on either channel',
  alive: 'heartbeats are back',
  partitioned: 'its storage heartbeat goes on: only the management network is lost',
  unreachable: 'the whole site does not answer',
};
const RESTARTED = 'it has restarted meanwhile: what it ran is gone';
/** Those of the first kind that there is stay together; the others get an incident of their own. */
const ORDER: readonly Verdict[] = ['dead', 'partitioned', 'unreachable', 'alive'];

/** Asks the second channel about every suspect of the incident (HA-6). */
export async function assessHosts(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const hosts = await hostsOf(incident, deps);
  const suspects = hosts.filter((h) => h.state === 'suspect');
  const fencing = hosts.some((h) => h.state === 'fencing');
  // A later pass, for the VMs that wait: the fence stands.
  if (suspects.length === 0) return { verdict: fencing ? 'dead' : 'fenced' };
  const judged = await judge(incident, suspects, deps);
  const kept = fencing ? 'dead' : (ORDER.find((v) => judged.some((j) => j.verdict === v)) as Verdict);
  let rest = incident;
  for (const verdict of ORDER.filter((v) => v !== kept)) {
    const others = judged.filter((j) => j.verdict === verdict).map((j) => j.host);
    if (others.length > 0) rest = await splitOff(rest, others, WORDS[verdict], deps);
  }
  const restarted = judged.filter((j) => j.verdict === kept && j.restarted).map((j) => j.host.id);
  const found = new Map(judged.map((j) => [j.host.id, j.restarted ? RESTARTED : WORDS[j.verdict]]));
  const said = restarted.length > 0 && restarted.length === rest.hosts.length ? RESTARTED : WORDS[kept];
  await writeIncident(
    deps.store,
    rest,
    withLine(rest, deps.clock.now(), 'second channel asked', said, {
      hosts: rest.hosts.map((h) => ({ ...h, ...(found.has(h.id) ? { found: found.get(h.id) as string } : {}) })),
    }),
  );
  return { verdict: kept, restarted };
}

async function judge({ siteId }: Incident, suspects: readonly Host[], deps: StepDeps): Promise<Judged[]> {
  const now = deps.clock.now();
  try {
    const beats = new Map((await deps.port.heartbeats(siteId)).map((b) => [b.hostId, b]));
    return suspects.map((host) => {
      const beat = beats.get(host.id);
      const verdict = assess(beat, now);
      const restarted = verdict === 'alive' && hasRestarted(beat, host);
      return { host, verdict: restarted ? 'dead' : verdict, restarted };
    });
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
    // Nothing can be said of hosts whose whole site is silent; and nothing could be done there.
    return suspects.map((host) => ({ host, verdict: 'unreachable', restarted: false }));
  }
}
