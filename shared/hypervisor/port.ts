import type { HostHardware } from '../model/inventory.ts';

/**
 * All that the control plane may ask of a hypervisor manager. Calls take lists, so that a wave of a recovery is one
 * call. Every call can time out, do its work and lose the answer, or arrive twice: callers must be able to repeat it.
 */
export interface HypervisorPort {
  /** Tells the site's manager of hosts that were racked. Repeating it changes nothing. */
  commission(siteId: string, hosts: HostHardware[]): Promise<void>;
  /** Last signs of life of every host of the site, on both channels. */
  heartbeats(siteId: string): Promise<Heartbeat[]>;
  createVolumes(siteId: string, volumes: VolumeOrder[]): Promise<VolumeResult[]>;
  deleteVolumes(siteId: string, volumes: Pick<VolumeOrder, 'id' | 'vmId' | 'name'>[]): Promise<VolumeResult[]>;
  /** Starts VMs; each order names its epoch, and is obeyed once. */
  startVms(siteId: string, orders: StartOrder[]): Promise<StartResult[]>;
  stopVms(siteId: string, orders: StopOrder[]): Promise<StopResult[]>;
  /** What the agents see of these VMs. */
  inspectVms(siteId: string, queries: ProcessRef[]): Promise<Observation[]>;
  /** Every process on these hosts, as their agents see them. A host that cannot be asked is left out. */
  listProcesses(siteId: string, hostIds: string[]): Promise<{ hostId: string; processes: SeenProcess[] }[]>;
  /** Cuts the power through the controllers (BMC) and asks them whether it is off. */
  fenceHosts(siteId: string, hostIds: string[]): Promise<FenceResult[]>;
  powerOnHosts(siteId: string, hostIds: string[]): Promise<FenceResult[]>;
}

/** Times of the last heartbeat that arrived on each channel, ms; null when none ever did. */
export interface Heartbeat {
  hostId: string;
  managementAt: number | null;
  storageAt: number | null;
  power: 'on' | 'off' | 'booting' | 'unknown';
}
export interface VolumeOrder {
  id: string;
  vmId: string;
  name: string;
  sizeGiB: number;
  datastoreId: string;
}
export interface VolumeResult {
  id: string;
  ok: boolean;
  reason?: string;
}
export interface ProcessRef {
  vmId: string;
  hostId: string;
}
export interface StartOrder extends ProcessRef {
  epoch: number;
  vcpus: number;
  memoryMiB: number;
  /** Names of the volumes to attach: all of them, user volumes included (HA-5). */
  volumes: string[];
}
/**
 * `started` and `already` carry the time from which the guest serves. `refused` means that nothing was started and says
 * why; `unreachable` that the agent could not be asked, so nothing was started either.
 */
export interface StartResult extends ProcessRef {
  outcome: 'started' | 'already' | 'refused' | 'unreachable';
  readyAt?: number;
  reason?: string;
}
export interface StopOrder extends ProcessRef {
  /** Stops processes of this epoch and older ones; a newer one is left alone. */
  epoch: number;
}
export interface StopResult extends ProcessRef {
  outcome: 'stopped' | 'absent' | 'newer' | 'unreachable';
}
export interface SeenProcess {
  vmId: string;
  epoch: number;
  state: 'starting' | 'running' | 'crashed' | 'dead';
}
export interface Observation extends ProcessRef {
  state: 'absent' | 'unreachable' | SeenProcess['state'];
  epoch?: number;
}
export interface FenceResult {
  hostId: string;
  outcome: 'confirmed' | 'unreachable';
}

/** The site's manager did not answer in time. Whether it did the work is not known. */
export class PortTimeout extends Error {
  constructor(siteId: string, call: string) {
    super(`site ${siteId} did not answer '${call}' in time`);
    this.name = 'PortTimeout';
  }
}

/** A call on the wire: what the site agent is invoked with. */
export interface PortCall {
  call: keyof HypervisorPort;
  siteId: string;
  args: unknown[];
}
export type PortAnswer = { ok: true; value: unknown } | { ok: false; error: 'timeout' | 'failed'; message: string };
/** Carries a call to the site agent and its answer back: Lambda invocation on AWS, in-process locally. */
export type PortTransport = (call: PortCall) => Promise<PortAnswer>;

/** Attempts of one call before PortTimeout reaches the caller. Repeating is safe by the port's contract. */
export const PORT_ATTEMPTS = 3;

/** The near end of the port. @throws PortTimeout after PORT_ATTEMPTS calls without an answer. */
export function portClient(transport: PortTransport): HypervisorPort {
  const ask = async <T>(call: keyof HypervisorPort, siteId: string, ...args: unknown[]): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await transport({ call, siteId, args });
      if (answer.ok) return answer.value as T;
      if (answer.error === 'failed') throw new Error(`site agent of ${siteId} failed at '${call}': ${answer.message}`);
      if (attempt >= PORT_ATTEMPTS) throw new PortTimeout(siteId, call);
    }
  };
  return {
    commission: (site, hosts) => ask('commission', site, hosts),
    heartbeats: (site) => ask('heartbeats', site),
    createVolumes: (site, volumes) => ask('createVolumes', site, volumes),
    deleteVolumes: (site, volumes) => ask('deleteVolumes', site, volumes),
    startVms: (site, orders) => ask('startVms', site, orders),
    stopVms: (site, orders) => ask('stopVms', site, orders),
    inspectVms: (site, queries) => ask('inspectVms', site, queries),
    listProcesses: (site, hostIds) => ask('listProcesses', site, hostIds),
    fenceHosts: (site, hostIds) => ask('fenceHosts', site, hostIds),
    powerOnHosts: (site, hostIds) => ask('powerOnHosts', site, hostIds),
  };
}
