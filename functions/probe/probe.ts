import type { Runtime } from '../../shared/aws/runtime.ts';
import { type Heartbeat, type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import type { Incident } from '../../shared/model/incident.ts';
import { type Host, hostMachine } from '../../shared/model/inventory.ts';
import type { OperationKind } from '../../shared/model/operation.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept, emit, newOperation, tellSettings } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { decide, type Finding, waitsOn } from './decide.ts';
import { GuestWatch } from './guest-watch.ts';
import { OVERCOMMIT_ALARM, type OvercommitFinding, overcommitFindings } from './overcommit.ts';

/** How long the list of hosts is believed while nothing stands out, ms. */
const REFRESH_MS = MINUTE;

class Overtaken extends Error {}

/**
 * Looks at every host's heartbeats and starts what they ask for. While all is well it reads nothing but heartbeats; what
 * stands out is looked at again on fresh records before anything is done.
 */
export class Probe {
  private readonly runtime: Runtime;
  private readonly port: HypervisorPort;
  private readonly inventory: Inventory;
  private readonly guests: GuestWatch;
  private kept: { at: number; hosts: Host[] } | undefined;

  constructor(runtime: Runtime, port: HypervisorPort) {
    this.runtime = runtime;
    this.port = port;
    this.inventory = new Inventory(runtime.store, SYSTEM);
    this.guests = new GuestWatch(runtime);
  }

  async run(): Promise<Finding[]> {
    const now = this.runtime.clock.now();
    if (!this.kept || now - this.kept.at > REFRESH_MS || this.kept.hosts.length === 0) await this.refresh(now);
    const beats = await this.allHeartbeats();
    await this.guests.look(beats, now);
    if (!this.find(beats, now).length) return [];
    await this.refresh(now);
    const findings = this.find(beats, now);
    for (const finding of findings) await this.act(finding, now);
    // What was found changes the hosts: the next run looks at them afresh.
    if (findings.length > 0) this.kept = undefined;
    return findings;
  }

  private async refresh(now: number): Promise<void> {
    const clusters = await this.inventory.clusters();
    const hosts = await this.inventory.hosts(clusters, { consistent: true });
    this.kept = { at: now, hosts };
    for (const finding of overcommitFindings(clusters, hosts)) await this.overcommit(finding, now);
  }

  /** Written only when it differs from what this probe last saw. */
  private async overcommit({ hostId, raised, text }: OvercommitFinding, now: number): Promise<void> {
    if (this.overcommitted.get(hostId) === raised) return;
    const { store, ids } = this.runtime;
    if (raised) await raiseAlarm(store, ids, { code: OVERCOMMIT_ALARM, object: hostId, severity: 'major', text }, now);
    else await clearAlarm(store, ids, OVERCOMMIT_ALARM, hostId, now);
    this.overcommitted.set(hostId, raised);
  }
  private readonly overcommitted = new Map<string, boolean>();

  private find(beats: Map<string, Map<string, Heartbeat>>, now: number): Finding[] {
    const hosts = this.kept?.hosts ?? [];
    return hosts.flatMap((host): Finding[] => {
      const site = beats.get(host.siteId);
      // Of a site that does not answer nothing is known, and nothing could be done there.
      if (!site) return [];
      if (waitsOn(host, now)) return [{ kind: 'recover', host }];
      const finding = decide(host, site.get(host.id), now);
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

  private async act(finding: Finding, now: number): Promise<void> {
    try {
      if (finding.kind === 'suspect') await this.suspect(finding.host, finding.at, now);
      else if (finding.kind === 'back') await this.back(finding.host, now);
      else if (finding.kind === 'returned')
        await this.begin(
          'reconcile-host',
          finding.host,
          now,
          finding.host.state === 'fenced' ? 'reconciling' : finding.host.state,
        );
      else await this.recover(finding.host, finding.host.seenAt, now, finding.host.state);
    } catch (error) {
      // Another probe, or a workflow, was faster: its change stands.
      if (!(error instanceof Overtaken)) throw error;
    }
  }

  /**
   * Starts a recovery, in one transaction with the suspicion: of a new incident, or of the one that the host still has,
   * when it went away again before the last of its VMs had found a place.
   */
  private async suspect(host: Host, lastSeen: number, now: number): Promise<void> {
    const state = hostMachine.next(host.state, 'heartbeatMissed');
    await this.recover(host, lastSeen, now, state, { seenAt: lastSeen });
  }

  /**
   * Starts a recovery, in one transaction with the incident if there is none yet: a VM may wait on a host whose incident
   * is closed, when it was found to have arrived there just as the host failed.
   */
  private async recover(
    host: Host,
    lastSeen: number,
    now: number,
    state: Host['state'],
    also: Partial<Host> = {},
  ): Promise<void> {
    const { ids } = this.runtime;
    const tx = new Transaction();
    const incidentId = host.incidentId ?? ids.make('incident');
    if (host.incidentId === undefined) tx.put(keys.incident(incidentId), newIncident(incidentId, host, lastSeen, now));
    if (state !== host.state)
      emit(tx, { id: ids.make('event'), type: 'host.suspect', at: now, subject: host.id, data: { incidentId } });
    await this.begin('ha-recovery', { ...host, incidentId }, now, state, tx, also);
  }

  private async back(host: Host, now: number): Promise<void> {
    const { store, ids } = this.runtime;
    const incident = host.incidentId ? await store.get<Incident>(keys.incident(host.incidentId)) : undefined;
    const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
      set: { state: hostMachine.next(host.state, 'heartbeatBack'), seenAt: now },
      add: { version: 1 },
      remove: ['incidentId'],
      ...asRead(host),
    });
    if (incident)
      tx.update(keys.incident(incident.id), {
        set: {
          state: 'falseAlarm',
          closedAt: now,
          timeline: [...incident.timeline, { at: now, what: 'heartbeats are back' }],
        },
        add: { version: 1 },
      });
    emit(tx, { id: ids.make('event'), type: 'host.online', at: now, subject: host.id, data: {} });
    accept(tx, tellSettings(ids, host.id, now));
    await store.commit(tx);
    await clearAlarm(store, ids, 'host-management-lost', host.id, now);
  }

  /** Claims the host for a workflow and starts it. */
  private async begin(
    kind: OperationKind,
    host: Host,
    now: number,
    state: Host['state'],
    tx = new Transaction(),
    also: Partial<Host> = {},
  ): Promise<void> {
    const input = {
      hostId: host.id,
      clusterId: host.clusterId,
      ...(host.incidentId ? { incidentId: host.incidentId } : {}),
    };
    const operation = newOperation({
      id: this.runtime.ids.make('operation'),
      kind,
      target: host.id,
      input,
      createdAt: now,
    });
    tx.update(keys.host(host.clusterId, host.id), {
      set: { state, claim: operation.id, ...(host.incidentId ? { incidentId: host.incidentId } : {}), ...also },
      add: { version: 1 },
      ...asRead(host),
    });
    accept(tx, operation);
    await this.runtime.store.commit(tx);
  }
}

const newIncident = (id: string, host: Host, lastSeen: number, now: number): Incident => ({
  id,
  hostId: host.id,
  siteId: host.siteId,
  state: 'open',
  openedAt: now,
  vms: [],
  version: 1,
  timeline: [
    { at: lastSeen, what: 'last heartbeat' },
    { at: now, what: 'heartbeats missed' },
  ],
});

const asRead = (host: Host) => ({
  condition: '#version = :version AND attribute_not_exists(#claimed)',
  names: { '#claimed': 'claim' },
  values: { ':version': host.version },
  onFail: () => new Overtaken(),
});
