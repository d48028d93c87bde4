import type { Block, VolumeOrder, VolumeRef } from './volume.ts';

/**
 * What may be asked of the storage replication of a site (DR-4 to DR-14). A **group** is a set of volumes whose writes are
 * numbered in one sequence (DR-6); it has a **copy** at each of its sites, and one of them is its primary. Which one is
 * decided outside of all sites, by an epoch that only rises (DR-7): each order names the epoch that it was made under,
 * and what is older than the newest that a site has heard of changes nothing.
 */
export interface ReplicationPort {
  /**
   * Tells the primary what it replicates, and where to. The first time, and for volumes that are new, the initial copy
   * begins; a leg that is left out ends. Repeating it, or an older `version`, changes nothing. Asked at the primary.
   */
  configureGroups(siteId: string, orders: GroupOrder[]): Promise<GroupResult[]>;
  /** What this site knows of its copies. Groups that have no copy here are left out. */
  groupStatus(siteId: string, groupIds: string[]): Promise<GroupStatus[]>;
  /** Cuts a consistency point now and sends it, beyond the schedule; one per `token`. Asked at the primary. */
  cutPoints(siteId: string, orders: CutOrder[]): Promise<CutResult[]>;
  /**
   * A synchronous leg whose link is down holds the guests' writes back, until the primary may go on alone or the link is
   * there again. Nothing is allowed by itself: two sites that cannot see each other could both go on.
   */
  goAlone(siteId: string, orders: AloneOrder[]): Promise<GroupResult[]>;
  /**
   * The guests need both halves of a synchronous pair again: orders to go alone up to this number are over, however late
   * they come. Refused unless the pair is in step at this instant. Asked at the primary.
   */
  stayTogether(siteId: string, orders: AloneOrder[]): Promise<GroupResult[]>;
  /** Stops or resumes the sending to a leg; the guests' writes go on and are noted. Asked at the primary. */
  suspendLegs(siteId: string, orders: SuspendOrder[]): Promise<GroupResult[]>;
  /**
   * Takes the right to write away from the copy at this site: of `epoch` and older, for good. Processes that still run
   * there are refused from then on. `head` is the last write that was ever acknowledged there.
   */
  demoteGroups(siteId: string, orders: DemoteOrder[]): Promise<DemoteResult[]>;
  /**
   * Makes the copy at this site the primary, as it was at a consistency point. Refused unless the former primary can write
   * no more: it was demoted, or can be demoted over the link in the same instant, or its lease is over.
   */
  promoteGroups(siteId: string, orders: PromoteOrder[]): Promise<PromoteResult[]>;
  /**
   * Primaries of the site may write until then without seeing any other site (DR-7). Older words than the last change
   * nothing; `revoked` names groups that it may no longer hold by it.
   */
  renewLease(siteId: string, lease: SiteLease): Promise<void>;
  /** Copies of the volumes of a group as they were at a point, for a DR test (DR-8). Repeating it changes nothing. */
  cloneGroups(siteId: string, orders: CloneOrder[]): Promise<CloneResult[]>;
  /** Writes that this site acknowledged, and that the primary of today does not have (DR-14), oldest first. */
  divergentWrites(siteId: string, query: DivergenceQuery): Promise<Divergence>;
  /** Marks the divergent writes of this site as not wanted. Only then may it be overwritten. */
  discardDivergence(siteId: string, orders: DemoteOrder[]): Promise<GroupResult[]>;
  /** Forgets groups at this site: what is there stays as ordinary volumes. Repeating it changes nothing. */
  dropGroups(siteId: string, groupIds: string[]): Promise<GroupResult[]>;
}

export type ReplicationMode = 'sync' | 'async';

export interface GroupOrder {
  groupId: string;
  /** Epoch under which this site is the primary. */
  epoch: number;
  /** Rises with every change of the order. */
  version: number;
  volumes: VolumeRef[];
  legs: LegOrder[];
  /** Where it could send to if another leg did not: it says whether it hears them. */
  standby?: { siteId: string; link: LegLink }[];
}

/** From `from` to `siteId`. A cascade has a leg from a secondary (DR-18). */
export interface LegOrder {
  siteId: string;
  from: string;
  mode: ReplicationMode;
  link: LegLink;
  /** Of an asynchronous leg: a point is cut so often, ms. */
  periodMs?: number;
  /** Hours of the day (UTC) in which it sends; without any, always. `to` may be smaller: over midnight. */
  windows?: { fromHour: number; toHour: number }[];
  /** Complete points that are kept at the target; the oldest ones are given up. */
  keepPoints: number;
  /** The volume there for each of the group's, in the same order. They exist, and no VM was ever given them. */
  volumes: VolumeOrder[];
}
export interface LegLink {
  id: string;
  latencyMs: number;
  /** What this group may use of it, Mbit/s. */
  mbps: number;
}
export interface LegRef {
  groupId: string;
  epoch: number;
  /** The target. */
  siteId: string;
}
export interface SuspendOrder extends LegRef {
  suspended: boolean;
  /** Version of the group's order that it belongs to: one of a time before the newest that was obeyed is refused. */
  version: number;
}
export interface AloneOrder extends LegRef {
  /** Rises with each decision of the control plane to let guests go on alone: a word for one outage is none for the next. */
  order: number;
}
/** `refused` says why and changes nothing. */
export interface GroupResult {
  groupId: string;
  outcome: 'done' | 'refused';
  reason?: string;
}

/** A write's place in the sequence of its group, and when it was acknowledged, ms; sequence 0 is before the first write. */
interface Mark {
  sequence: number;
  at: number;
}
/** A state of the whole group. It holds all writes up to `sequence`, as things were at `stateAt`; usable from `usableAt` on. */
export interface Point {
  sequence: number;
  stateAt: number;
  usableAt: number;
}

export interface GroupStatus {
  groupId: string;
  role: CopyRole;
  epoch: number;
  /** Version of the last order that was obeyed. */
  version: number;
  /** At the primary and at a former one: its last acknowledged write. At a secondary: the last that it has been told of. */
  head: Mark;
  /** Of a primary: whether it may write now, and why not. */
  writes?: 'allowed' | 'held-back' | 'lease-over';
  /** Of a primary: orders to go alone up to this number are over (`stayTogether`). */
  together?: number;
  /** Of a primary: its legs, as far as it can tell. */
  legs: LegStatus[];
  /** Of a primary: sites that it could send to, and whether it hears them. */
  standby?: { siteId: string; linkUp: boolean }[];
  /** Of a secondary: what it holds. */
  copy?: CopyStatus;
  /** Of a former primary: what the primary of today does not have. */
  divergent?: LostWrites & { discarded: boolean };
}
type CopyRole = 'primary' | 'secondary' | 'demoted';

export interface LegStatus {
  siteId: string;
  from: string;
  mode: ReplicationMode;
  /**
   * `initial`: no complete point yet. `synced`: an acknowledged write is at both (synchronous only). `behind`: it is sent
   * to. `suspended`: nothing is sent.
   */
  state: 'initial' | 'synced' | 'behind' | 'suspended';
  linkUp: boolean;
  /** Bytes that were written and are not there yet. */
  backlogBytes: number;
  /** When the transfer that is under way ends, as things are now, ms; absent when nothing is sent, or will not end. */
  usableAt?: number;
  /** When that transfer began, ms. */
  begunAt?: number;
  newest?: Point;
  /** Bytes that have crossed the link since the leg began. */
  sentBytes: number;
  /** VMs that `newest` does not hold, as their first copy is under way. The others are protected to it all the same. */
  lacks?: string[];
}
export interface CopyStatus {
  from: string;
  mode: ReplicationMode;
  state: LegStatus['state'];
  /** Whether it hears the site that it is fed from. */
  linkUp: boolean;
  /** Since when it does not, ms. */
  silentSince?: number;
  /** Points that it could be promoted at, oldest first. */
  points: Point[];
  /** As of a leg: VMs that the newest of them does not hold. */
  lacks?: string[];
}

export interface CutOrder {
  groupId: string;
  epoch: number;
  /** Of whoever asks: a second order with the same token is the same cut. */
  token: string;
}
/** `sequence` is the last write in the point. It is complete at a leg once that one's newest point is not older. */
export interface CutResult extends GroupResult {
  sequence?: number;
  stateAt?: number;
  /** When all legs have it, as things are now, ms; absent while one cannot be told. */
  usableAt?: number;
}

export interface DemoteOrder {
  groupId: string;
  epoch: number;
}
export interface DemoteResult extends GroupResult {
  head?: Mark;
}

export interface PromoteOrder {
  groupId: string;
  /** The new epoch. */
  epoch: number;
  /** Sequence of the point, one of those that the copy has; the newest without it. */
  point?: number;
  /** Until when the former primary may hold the right to write by its lease, ms; `demoted` when it has given it up. */
  former: { leaseUntil: number } | 'demoted';
}
/** `waits`: the former primary may still write, until `until`. `refused` says why. */
export interface PromoteResult {
  groupId: string;
  outcome: 'promoted' | 'already' | 'waits' | 'refused';
  reason?: string;
  until?: number;
  point?: Point;
  /** Writes after the point of which this site has been told: what is lost at least. */
  lost?: LostWrites;
  /**
   * And nothing else: by the word of the former primary, or because every write had to be acknowledged here too. The latter
   * does not know of a `goAlone` that the former primary was told since.
   */
  exact?: boolean;
  /** Ids of the volumes that it is made of: what had joined the group and was not there entirely is none of them. */
  holds?: string[];
}
/** Acknowledged writes that a copy does not have. `from` and `to` are when the oldest and the newest were acknowledged, ms. */
export interface LostWrites {
  count: number;
  bytes: number;
  from?: number;
  to?: number;
}

export interface SiteLease {
  until: number;
  /** Ids of groups that it does not cover. */
  revoked: string[];
}

export interface CloneOrder {
  groupId: string;
  /** Sequence of the point; the newest without it. */
  point?: number;
  /** What is copied, by name of VM and disk, and the new volume. */
  volumes: { vmId: string; name: string; to: VolumeOrder }[];
}
export interface CloneResult extends GroupResult {
  point?: Point;
}

export interface DivergenceQuery {
  groupId: string;
  /** Sequence after which to go on; 0 for the beginning. */
  after: number;
  limit: number;
}
export interface Divergence {
  outcome: 'read' | 'absent';
  total: LostWrites;
  writes: (Block & { vmId: string; disk: string; groupSequence: number })[];
  more: boolean;
}
