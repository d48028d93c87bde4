import type { Runtime } from '../../shared/aws/runtime.ts';
import { type Heartbeat, type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { type Watch, watchOf } from '../../shared/model/condition.ts';
import type { AlarmText, Incident } from '../../shared/model/incident.ts';
import type { Cluster, Condition, Host } from '../../shared/model/inventory.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { openIncidents } from '../../shared/store/recoveries.ts';
import { believed, callsRecovery, decide, type Finding, isDue } from './decide.ts';
import { DISARMED_ALARM, disarmedFindings } from './disarmed.ts';
import { FailBack } from './fail-back.ts';
import { FailoverWatch } from './failover.ts';
import { GuestWatch } from './guest-watch.ts';
import { nextPass, note, openIncident, reconcile, type Suspect, takeBack } from './incidents.ts';
import { OVERCOMMIT_ALARM, overcommitFindings } from './overcommit.ts';
import { unlessOvertaken } from './overtaken.ts';
import { PlaceholderWatch } from './placeholders.ts';
import { ProtectionWatch } from './protection.ts';
import { TakeOverWatch } from './take-over.ts';

/** Hosts of one incident: each takes some 400 bytes of it in the end, and an item of DynamoDB has 400 KB at most. */
const HOSTS_PER_INCIDENT = 500;

/** How long the list of hosts is believed while nothing stands out, ms. */
const REFRESH_MS = MINUTE;

/**
 * Looks at every host's heartbeats and starts what they ask for. While all is well it reads nothing but heartbeats; what
 * stands out is looked at again on fresh records before anything is done.
 */
export class Probe {
  private readonly runtime: Runtime;
  private readonly port: HypervisorPort;
  private readonly inventory: Inventory;
  private readonly failover: FailoverWatch;
  private readonly guests: GuestWatch;
  private readonly failBack: FailBack;
  private readonly protection: ProtectionWatch;
  private readonly takeOver: TakeOverWatch;
  private readonly placeholders: PlaceholderWatch;
  private kept: { at: number; hosts: Host[]; clusters: Map<string, Cluster>; incidents: Incident[] } | undefined;

  constructor(runtime: Runtime, port: HypervisorPort) {
    this.runtime = runtime;
    this.port = port;
    this.inventory = new Inventory(runtime.store, SYSTEM);
    this.failover = new FailoverWatch(runtime);
    this.guests = new GuestWatch(runtime, port);
    this.failBack = new FailBack(runtime);
    this.protection = new ProtectionWatch(runtime, port);
    this.takeOver = new TakeOverWatch(runtime, port);
    this.placeholders = new PlaceholderWatch(runtime);
  }

  async run(): Promise<Finding[]> {
    const now = this.runtime.clock.now();
    if (this.stale(now)) await this.refresh(now);
    // What is open changes by itself: passes begin, and end.
    else if (this.kept && this.kept.incidents.length > 0) this.kept.incidents = await openIncidents(this.runtime.store);
    const beats = await this.allHeartbeats();
    await this.guests.look(beats, now);
    await this.protection.run(now, this.silent);
    if (this.protection.watches) await this.takeOver.look(now, this.silent);
    await this.placeholders.run(now, this.protection.watches);
    if (!this.find(beats, now).length && !this.dueIncidents(now).length) return [];
    await this.refresh(now);
    const findings = this.find(beats, now);
    await this.act(findings, now);
    const due = this.dueIncidents(now);
    for (const incident of due) await unlessOvertaken(nextPass(this.runtime, incident, now));
    // What was found changes hosts and incidents: the next run looks at them afresh.
    if (findings.length + due.length > 0) this.kept = undefined;
    return findings;
  }

  /** That a cluster is armed again by hand must be seen at once: what is dead there waits for it. */
  private stale(now: number): boolean {
    if (!this.kept || now - this.kept.at > REFRESH_MS || this.kept.hosts.length === 0) return true;
    return [...this.kept.clusters.values()].some((c) => c.disarmed !== undefined);
  }

  private async refresh(now: number): Promise<void> {
    const clusters = await this.inventory.clusters();
    const hosts = await this.inventory.hosts(clusters, { consistent: true });
    const incidents = await openIncidents(this.runtime.store);
    this.kept = { at: now, hosts, clusters: new Map(clusters.map((c) => [c.id, c])), incidents };
    for (const { clusterId: object, raised, text } of disarmedFindings(clusters, now))
      await this.show({ code: DISARMED_ALARM, object, severity: 'warning', text }, raised, now);
    for (const { hostId: object, raised, text } of overcommitFindings(clusters, hosts))
      await this.show({ code: OVERCOMMIT_ALARM, object, severity: 'major', text }, raised, now);
    await this.failover.run(clusters, hosts, now);
    await this.failBack.run(clusters, hosts, now);
  }

  /** An alarm stands, or does not. Written only when that differs from what this probe last saw. */
  private async show(alarm: AlarmText, raised: boolean, now: number): Promise<void> {
    const { store, ids } = this.runtime;
    const name = `${alarm.code} ${alarm.object}`;
    if (this.shown.get(name) === raised) return;
    if (raised) await raiseAlarm(store, ids, alarm, now);
    else await clearAlarm(store, ids, alarm.code, alarm.object, now);
    this.shown.set(name, raised);
  }
  private readonly shown = new Map<string, boolean>();

  /** By what the hosts of each cluster are judged now. */
  private watches(now: number): Map<string, Watch> {
    return new Map([...(this.kept?.clusters.values() ?? [])].map((c) => [c.id, watchOf(c, now)]));
  }

  private find(beats: Map<string, Map<string, Heartbeat>>, now: number): Finding[] {
    const hosts = this.kept?.hosts ?? [];
    const watches = this.watches(now);
    return hosts.flatMap((host): Finding[] => {
      const site = beats.get(host.siteId);
      // Of a site that does not answer nothing is known, and nothing could be done there.
      if (!site) return [];
      const watch = watches.get(host.clusterId);
      if (callsRecovery(host, watch)) return [{ kind: 'recover', host, condition: host.condition ?? 'alive' }];
      const finding = decide(host, site.get(host.id), now, watch);
      return finding ? [finding] : [];
    });
  }

  private async allHeartbeats(): Promise<Map<string, Map<string, Heartbeat>>> {
    const { clock, ids, store } = this.runtime;
    const bySite = new Map<string, Map<string, Heartbeat>>();
    for (const siteId of new Set(this.kept?.hosts.map((h) => h.siteId))) {
      try {
        bySite.set(siteId, new Map((await this.port.heartbeats(siteId)).map((b) => [b.hostId, b])));
        if (this.silent.delete(siteId)) await clearAlarm(store, ids, 'site-unreachable', siteId, clock.now());
      } catch (error) {
        if (!(error instanceof PortTimeout)) throw error;
        this.silent.add(siteId);
        await raiseAlarm(
          store,
          ids,
          { code: 'site-unreachable', object: siteId, severity: 'critical', text: `Site ${siteId} does not answer` },
          clock.now(),
        );
      }
    }
    return bySite;
  }
  private readonly silent = new Set<string>();

  private dueIncidents(now: number): Incident[] {
    const watches = this.watches(now);
    return (this.kept?.incidents ?? []).filter((incident) => isDue(incident, now, watches.get(incident.clusterId)));
  }

  private async act(findings: readonly Finding[], now: number): Promise<void> {
    const suspects: Suspect[] = [];
    const passes = new Set<Incident>();
    for (const finding of findings) {
      const { host, kind } = finding;
      const also = believed(finding, now);
      const incident = this.kept?.incidents.find((i) => i.hosts.some((h) => h.id === host.id) && belongs(host, i));
      const free = incident?.claim === undefined;
      if (kind === 'noted') await unlessOvertaken(note(this.runtime, host, also, now));
      else if (kind === 'back') {
        if (free) await unlessOvertaken(takeBack(this.runtime, host, incident, also, now));
      } else if (kind === 'returned') {
        if (free) await unlessOvertaken(reconcile(this.runtime, host, also, now));
      } else if (kind === 'recover' && incident) {
        if (Object.keys(also).length > 0) await unlessOvertaken(note(this.runtime, host, also, now));
        if (free && !isDue(incident, now)) passes.add(incident);
      } else
        suspects.push({ host, condition: finding.condition, at: kind === 'suspect' ? finding.at : host.seenAt, also });
    }
    for (const incident of passes) await unlessOvertaken(nextPass(this.runtime, incident, now));
    for (const group of togetherOf(suspects)) await unlessOvertaken(openIncident(this.runtime, group, now));
  }
}

/** A host that serves is in an incident only for the VMs that were left to it there. */
const belongs = (host: Host, incident: Incident): boolean =>
  host.state === 'online' || host.incidentId === undefined || host.incidentId === incident.id;

/** On both channels. */
const SILENT: readonly (Condition | undefined)[] = ['hung', 'dead', 'lost'];

/** Hosts of a cluster that are silent on both channels at once are one incident, or a few; any other is one by itself. Pure. */
export function togetherOf(suspects: readonly Suspect[]): Suspect[][] {
  const dead = ({ host, condition }: Suspect) => host.state !== 'fenced' && SILENT.includes(condition);
  const groups = Map.groupBy(suspects, (s) => (dead(s) ? s.host.clusterId : s.host.id));
  return [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / HOSTS_PER_INCIDENT) }, (_, i) =>
      group.slice(i * HOSTS_PER_INCIDENT, (i + 1) * HOSTS_PER_INCIDENT),
    ),
  );
}
