import type { Store } from '../store/store.ts';
import {
  BY_KIND_INDEX,
  type Fault,
  type WorldHost,
  type WorldIncoming,
  type WorldNetwork,
  type WorldProcess,
  type WorldVolume,
  worldKeys,
} from './records.ts';
import { type HostTimeline, hostTimeline } from './timeline.ts';

/** Reads of the World table that the agent and the simulation face share. */
export class World {
  readonly store: Store;
  private readonly known: Fault[] | undefined;

  constructor(store: Store, faults?: Fault[]) {
    this.store = store;
    this.known = faults;
  }

  /** The same world, with the faults as they were read. */
  under(faults: Fault[]): World {
    return new World(this.store, faults);
  }

  ofKind<T>(kind: string): Promise<T[]> {
    return this.store.queryAll<T>(kind, 'world', { index: BY_KIND_INDEX, hashName: 'kind' });
  }

  hosts(): Promise<WorldHost[]> {
    return this.ofKind<WorldHost>('host');
  }

  host(id: string): Promise<WorldHost | undefined> {
    return this.store.get<WorldHost>(worldKeys.host(id), { table: 'world' });
  }

  hostsById(ids: readonly string[]): Promise<WorldHost[]> {
    return this.store.getMany<WorldHost>(ids.map(worldKeys.host), 'world');
  }

  /** Every fault on record, ended ones included. */
  async faults(): Promise<Fault[]> {
    return this.known ?? this.store.queryAll<Fault>('FAULT', 'world', { consistent: true });
  }

  processesOn(hostId: string): Promise<WorldProcess[]> {
    return this.store.queryAll<WorldProcess>(`HOST#${hostId}`, 'world', { prefix: 'PROC#', consistent: true });
  }

  process(hostId: string, vmId: string): Promise<WorldProcess | undefined> {
    return this.store.get<WorldProcess>(worldKeys.process(hostId, vmId), { table: 'world' });
  }

  /** Processes of a host and copies that arrive there: they lie together, so that one query has both. */
  async occupantsOf(hostId: string): Promise<{ processes: WorldProcess[]; incoming: WorldIncoming[] }> {
    const all = await this.store.queryAll<WorldHost | WorldProcess | WorldIncoming>(`HOST#${hostId}`, 'world', {
      consistent: true,
    });
    return {
      processes: all.filter((item) => item.kind === 'process'),
      incoming: all.filter((item) => item.kind === 'incoming'),
    };
  }

  incomingAt(hostId: string): Promise<WorldIncoming[]> {
    return this.store.queryAll<WorldIncoming>(`HOST#${hostId}`, 'world', { prefix: 'IN#', consistent: true });
  }

  networks(siteId: string, ids: readonly string[]): Promise<WorldNetwork[]> {
    return this.store.getMany<WorldNetwork>(
      ids.map((id) => worldKeys.network(siteId, id)),
      'world',
    );
  }

  /** Those that were given to a process last come first. */
  async volumesOf(vmId: string): Promise<WorldVolume[]> {
    const volumes = await this.store.queryAll<WorldVolume>(`VM#${vmId}`, 'world', { consistent: true });
    return volumes.sort((a, b) => b.leaseEpoch - a.leaseEpoch);
  }

  volume(siteId: string, vmId: string, name: string): Promise<WorldVolume | undefined> {
    return this.store.get<WorldVolume>(worldKeys.volume(siteId, vmId, name), { table: 'world' });
  }

  /** Those that exist of these volumes at a site. */
  async volumesAt(siteId: string, refs: readonly { vmId: string; name: string; id: string }[]): Promise<WorldVolume[]> {
    const found = await this.store.getMany<WorldVolume>(
      refs.map((r) => worldKeys.volume(siteId, r.vmId, r.name)),
      'world',
    );
    const ids = new Set(refs.map((r) => r.id));
    return found.filter((v) => ids.has(v.id));
  }

  /** Timelines of these hosts; a host that does not exist is left out. */
  async timelines(ids: readonly string[], faults: readonly Fault[]): Promise<Map<string, HostTimeline>> {
    const hosts = await this.hostsById([...new Set(ids)]);
    return new Map(hosts.map((h) => [h.id, hostTimeline(h, faults)]));
  }
}
