import type { VolumeRef } from '../../hypervisor/port.ts';
import type { GroupOrder, LegLink, LostWrites, Point, ReplicationMode } from '../../hypervisor/replication-port.ts';
import type { Key } from '../../store/tables.ts';

/**
 * What stands in the World table of the replication between sites. A group has a copy at each of its sites and one journal:
 * every acknowledged write, with its place in the order of the group (DR-6).
 */
export interface WorldCopy {
  kind: 'copy';
  groupId: string;
  siteId: string;
  role: 'primary' | 'secondary' | 'demoted';
  /** The newest epoch of the group that this site has heard of. */
  epoch: number;
  /** Of the last order of its primary that it has obeyed. */
  version: number;
  /** Of the newest order that it has begun: an older one that is still under way changes nothing any more. */
  begun: number;
  /** Of a primary, and of one that was: its last acknowledged write. Of a secondary: what its volumes hold. */
  sequence: number;
  /** When that write was acknowledged, ms; when the copy began, if there is none. */
  at: number;
  /**
   * Its volumes here, in the same order at every site. `joined`: by the order of that version. `from`: of a
   * secondary, earlier points do not hold it, since its first copy was made while guests wrote. `joining`: its first copy has
   * not crossed the link yet, and no point holds it, while the others stay in step. `since`: of writes up to this one
   * its first copy has what counts; others belong to an older history of the volume, as it had left the group for a while.
   */
  volumes: (VolumeRef & { joined: number; from?: number; joining?: true; since?: number })[];
  /** They belong to it no more, and may still carry its mark. */
  leaving?: VolumeRef[];
  /** To whom writes belong: those from `from` on were acknowledged under `epoch`. Oldest first. */
  branches: Branch[];
  /** Of a primary: where it sends to. */
  legs: WorldLeg[];
  /** Of a primary: where it could send to. */
  standby?: { siteId: string; link: LegLink }[];
  /** Of a secondary: what reaches it. */
  feed?: Feed;
  /** Of a primary: orders to go on alone up to this number are over. */
  together?: number;
  /** Of a former secondary: how it became the primary. */
  promotion?: Promotion;
  /** First copies are being made in its volumes: nothing else is written there. */
  making?: true;
  /** Bytes of them that are to cross the link: `left` of an earlier order, `made` by this one. */
  owed?: { left: number; made: number };
  /** Its volumes may hold writes up to this one already: they are being written there. */
  applying?: number;
  /** Of a former primary: it may not write under epochs up to this one. */
  demotedUpTo?: number;
  /** Of a former primary: the writes after this one that it alone has may be overwritten. */
  discardedAfter?: number;
  /** Rises with every change but a guest's write. */
  revision: number;
}
export interface Branch {
  epoch: number;
  from: number;
}
export type WorldLeg = Omit<GroupOrder['legs'][number], 'volumes' | 'keepPoints' | 'periodMs'>;
export interface Promotion {
  epoch: number;
  point: Point;
  lost: LostWrites;
  exact: boolean;
}

/** What is left of a copy that was dropped: an order of its time that comes late does not bring it back. */
export interface DroppedCopy {
  epoch: number;
  version: number;
  /** They may still carry its mark. */
  leaving: VolumeRef[];
}

export interface Feed {
  from: string;
  mode: ReplicationMode;
  link: LegLink;
  windows: { fromHour: number; toHour: number }[];
  keepPoints: number;
  /** `alone`: of a synchronous leg, the guests need not wait for it. It is sent to in the order of the writes, as fast as it goes. */
  state: 'initial' | 'synced' | 'behind' | 'suspended';
  /** Since when it is sent to, ms: it began, or was resumed. */
  startedAt: number;
  /** The copy is of use once it has all writes up to this one: the first copy was made while guests wrote. */
  usableFrom: number;
  /** Of an asynchronous leg: when a point is due next, ms, and how often. */
  nextCutAt: number;
  periodMs: number;
  /** Points that were asked for beyond the schedule and are not yet sent. */
  cuts: Cut[];
  /** The last that were asked for, so that a repeated order finds its own. */
  asked: Cut[];
  /** What crosses the link now: of an asynchronous leg all writes up to a point, of a synchronous one its initial copy. */
  sending?: { sequence: number; stateAt: number; bytes: number; begunAt: number };
  /** Of a synchronous leg that is behind: the last write that is there, and since when the link is free for the next, ms. */
  free: { sequence: number; at: number };
  /** Complete points, oldest first. The volumes hold the first one. */
  points: Point[];
  sentBytes: number;
  /** In a pair, what crosses the link of first copies of volumes that join it, while it is in step. */
  joining?: { bytes: number; begunAt: number };
}
export interface Cut {
  token: string;
  sequence: number;
  stateAt: number;
}

/** One write. Where several have its number, branches tell which one belongs to whom. */
export interface JournalEntry {
  groupId: string;
  epoch: number;
  sequence: number;
  vmId: string;
  name: string;
  index: number;
  data: Uint8Array;
  /** Its number in its volume. */
  volumeSequence: number;
  at: number;
}

/** Until when primaries of a site may write without seeing another site. */
export interface WorldSiteLease {
  until: number;
  revoked: string[];
}

const padded = (n: number): string => String(n).padStart(14, '0');
export const replicationKeys = {
  copies: (groupId: string): string => `GRP#${groupId}`,
  copy: (groupId: string, siteId: string): Key => ({ pk: `GRP#${groupId}`, sk: siteId }),
  dropped: (groupId: string, siteId: string): Key => ({ pk: `GRPOVER#${groupId}`, sk: siteId }),
  journal: (groupId: string): string => `JRN#${groupId}`,
  entry: (groupId: string, sequence: number, epoch: number): Key => ({
    pk: `JRN#${groupId}`,
    sk: `${padded(sequence)}#${padded(epoch)}`,
  }),
  /** Behind every entry of that number. */
  behind: (groupId: string, sequence: number): Key => ({ pk: `JRN#${groupId}`, sk: `${padded(sequence)}#~` }),
  lease: (siteId: string): Key => ({ pk: `SITE#${siteId}`, sk: 'LEASE' }),
};

export const copyKey = ({ groupId, siteId }: Pick<WorldCopy, 'groupId' | 'siteId'>): Key =>
  replicationKeys.copy(groupId, siteId);

/** Under which epoch the write of that number was acknowledged, as this history has it. */
export const epochOf = (branches: readonly Branch[], sequence: number): number =>
  branches.findLast((b) => b.from <= sequence)?.epoch ?? 0;

/** Number of the last write that two histories have in common; infinite when they are the same one. */
export function commonBeginning(one: readonly Branch[], other: readonly Branch[]): number {
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const [a, b] = [one[i], other[i]];
    if (a?.epoch !== b?.epoch || a?.from !== b?.from)
      return Math.min(a?.from ?? Number.POSITIVE_INFINITY, b?.from ?? Number.POSITIVE_INFINITY) - 1;
  }
  return Number.POSITIVE_INFINITY;
}
