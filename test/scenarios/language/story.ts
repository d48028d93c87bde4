import type { FaultKind } from '../../../shared/model/fault.ts';
import type { HostState } from '../../../shared/model/inventory.ts';
import type { VmState } from '../../../shared/model/vm.ts';
import type { DrCommand, DrPromise, DrSetting, DrTrigger, GuestsSetting } from './dr/story.ts';
import type { Place } from './words.ts';

/** A story as it was understood. Times are ms since it begins, sizes GiB; names are those of the story. */
export interface Story {
  file: string;
  /** What it shows, in a sentence or two. */
  title: string;
  setting: Setting[];
  course: Scheduled[];
  end: { until: number } | { quiet: number };
  promises: Promised[];
}

export interface ClusterSetting {
  kind: 'cluster';
  name: string;
  site: string;
  hosts: { name: string; rack?: string }[];
  cores: number;
  memoryGiB: number;
}
export interface HostSetting {
  kind: 'host';
  name: string;
  cores: number;
  memoryGiB: number;
}
export interface DatastoreSetting {
  kind: 'datastore';
  name: string;
  site: string;
  capacityGiB: number;
  clusters: string[];
}
export interface VmSetting {
  kind: 'vm';
  name: string;
  host?: string;
  cluster?: string;
  vcpus: number;
  memoryGiB: number;
  ha: Record<string, unknown>;
  disks: { name: string; sizeGiB: number }[];
  off: boolean;
  dirtyMiBps?: number;
}
export type Setting =
  | ((ClusterSetting | HostSetting | DatastoreSetting | VmSetting | DrSetting | GuestsSetting) & { place: Place })
  | (SetCluster & { place: Place });

export interface SetCluster {
  kind: 'set cluster';
  names: string[];
  settings: Record<string, unknown>;
}

/** A host by its name, or the host that a VM is believed to be on when the time has come. */
export type HostRef = { host: string } | { hostOf: string };

export type Command =
  | DrCommand
  | { kind: 'fault'; fault: FaultKind; target: string | HostRef; for?: number }
  | { kind: 'heal'; fault: FaultKind; target: string | HostRef }
  | { kind: 'vm'; action: 'start' | 'stop' | 'delete'; vm: string }
  | { kind: 'migrate'; vm: string; to?: HostRef; by?: 'tenant' }
  | { kind: 'cancel'; vm: string }
  | { kind: 'create'; vm: Omit<VmSetting, 'kind'> }
  | { kind: 'host'; action: 'power-on' | 'maintenance-enter' | 'maintenance-exit'; host: HostRef }
  | { kind: 'confirm-fenced'; host: HostRef; statement: string }
  | { kind: 'arm'; cluster: string }
  | { kind: 'disarm'; cluster: string; for?: number }
  | SetCluster
  | { kind: 'set vm'; vm: string; ha: Record<string, unknown> }
  | { kind: 'write'; vm: string; block: number; text: string; from?: HostRef }
  | { kind: 'trouble'; what: 'probe down' | 'probe up' | DispatcherMood }
  | { kind: 'replay'; last: number; reordered: boolean }
  | { kind: 'kill'; for: number };
export type DispatcherMood = 'dispatcher down' | 'dispatcher up' | 'dispatcher duplicates' | 'dispatcher reorders';

/** What must have happened before a command is due. */
export type Trigger =
  | DrTrigger
  | { kind: 'starts'; vm: string }
  /** So often since the story began, on whatever host. */
  | { kind: 'has started'; vm: string; times: number }
  | { kind: 'waits'; vm: string }
  | { kind: 'vm is'; vm: string; state: VmState }
  | { kind: 'host is'; host: string; state: HostState };

export interface Scheduled {
  /** From the beginning, or from when `after` has come true. */
  at: number;
  after?: Trigger;
  command: Command;
  /** As it is written. */
  text: string;
  place: Place;
}

export type Promise_ =
  | DrPromise
  | { kind: 'runs'; vm: string; host?: string; elsewhere?: true; newerEpoch?: true }
  | { kind: 'untouched'; vm: string }
  | { kind: 'vm is'; vm: string; state: 'stopped' | 'gone' | 'waiting' | 'in error'; reason?: string }
  | { kind: 'host is'; host: string; state: HostState; by?: number }
  | { kind: 'refused'; command: string; because: string }
  | { kind: 'alarm'; code: string; object?: string; absent: boolean; ever: boolean }
  /** `other`: besides those that the story promises. */
  | { kind: 'no alarm'; other: boolean }
  | { kind: 'block'; vm: string; block: number; data: string }
  | { kind: 'refused writes'; vm: string; count: number }
  | { kind: 'back within'; vm: string; ms: number }
  | { kind: 'starts'; vm: string; bound: 'before' | 'after'; ms: number }
  | { kind: 'order'; first: string; second: string }
  | { kind: 'boots after'; vm: string; other: string }
  | { kind: 'never on'; vm: string; host: string }
  | { kind: 'nothing restarted' }
  | { kind: 'incident'; of: string; state: 'open' | 'closed' | 'falseAlarm' | 'none' };
export type Promised = Promise_ & { text: string; place: Place };
