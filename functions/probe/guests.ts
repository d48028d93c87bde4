import type { GuestTrouble } from '../../shared/hypervisor/port.ts';
import { iso } from '../../shared/kernel/clock.ts';
import { type GuestAlarm, limitWords, nextRestartAt } from '../../shared/model/guest-fault.ts';
import { armed } from '../../shared/model/ha.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import { hasPassthrough, type Vm } from '../../shared/model/vm.ts';

/** What is known of one VM whose guest is in trouble, or was. */
export interface GuestCase {
  vm: Vm | undefined;
  /** Where it is believed to run, and the cluster of that. */
  host: Host | undefined;
  cluster: Cluster | undefined;
  /** The agent of the host is heard now. */
  heard: boolean;
  /** What that host says of this VM. */
  trouble: GuestTrouble | undefined;
  /** Of a VM that is out of sight: its process was seen running there, as it should be. */
  seenRunning?: boolean;
}

export type GuestFinding =
  /** Nothing can be said now, or somebody else is about it: alarms stay as they are. */
  | { kind: 'leave' }
  /** It works, or is not meant to: its alarms are cleared. */
  | { kind: 'well' }
  /** Its recovery was given up: that alarm stays until somebody has stopped or deleted it (S3: error). */
  | { kind: 'failed' }
  /** It was out of sight, and runs (S1, agentBack). */
  | { kind: 'back'; vm: Vm }
  | { kind: 'alarm'; code: GuestAlarm; text: string }
  | { kind: 'recover'; vm: Vm & { hostId: string }; hostName: string; trouble: GuestTrouble };

/** VMs that may be found again where they were: nobody works on them, and they are wanted running. */
export const isOutOfSight = (vm: Vm | undefined): vm is Vm & { hostId: string } =>
  vm?.state === 'unknown' &&
  vm.claim === undefined &&
  vm.desired === 'running' &&
  vm.hostId !== null &&
  vm.runsOn === vm.hostId;

/** What is done about a guest (HA-1, HA-3). Pure. */
export function judgeGuest({ vm, host, cluster, heard, trouble, seenRunning }: GuestCase, now: number): GuestFinding {
  if (!vm) return { kind: 'well' };
  if (vm.claim !== undefined || vm.state === 'faultResuming') return { kind: 'leave' };
  if (vm.state === 'unknown') return seenRunning ? { kind: 'back', vm } : { kind: 'failed' };
  if (vm.state !== 'running') return { kind: 'well' };
  // A host that is being judged, and all that runs on it, is the business of its own recovery.
  if (!vm.hostId || !host || !cluster || host.state !== 'online' || host.claim !== undefined || !heard)
    return { kind: 'leave' };
  if (!trouble || trouble.epoch !== vm.epoch) return { kind: 'well' };
  const found = `The guest of VM ${vm.name} (${vm.id}) has ${trouble.state === 'crashed' ? 'crashed' : 'hung'} since ${iso(trouble.since)}`;
  const why = whyNotRestarted(vm, cluster, now);
  if (why) {
    const code = trouble.state === 'crashed' ? 'guest-crashed' : 'guest-hung';
    return { kind: 'alarm', code, text: `${found}; it is not restarted: ${why}` };
  }
  const next = nextRestartAt(vm, cluster.ha);
  if (now < next) {
    const text = `${found}; ${limitWords(cluster.ha)} are the limit: the next one is allowed at ${iso(next)}`;
    return { kind: 'alarm', code: 'guest-restarts-exhausted', text };
  }
  return { kind: 'recover', vm: vm as Vm & { hostId: string }, hostName: host.name, trouble };
}

function whyNotRestarted(vm: Vm, cluster: Cluster, now: number): string | undefined {
  if (vm.ha.faultProcess === 'notProcess') return 'its fault process is notProcess';
  // A VM with a passthrough device cannot have HA on (IO-4); a restart in place is open to it all the same.
  if (!vm.ha.enabled && !hasPassthrough(vm)) return 'HA is off for this VM';
  if (!cluster.ha.enabled) return 'HA is off for its cluster';
  if (!armed(cluster, now)) return `HA of its cluster is disarmed: ${cluster.disarmed?.reason}`;
  return undefined;
}
