import type { Refusal } from '../hypervisor/refusal.ts';
import type { Link } from '../model/inventory.ts';
import {
  GROUP_MBPS_DEFAULT,
  type GroupLeg,
  KEPT_POINTS_DEFAULT,
  type ReplicationSpec,
  RPO_MINUTES,
} from '../model/protection.ts';

/**
 * A write waits for the other end, so a link that is longer than this carries no synchronous leg: latency, ms, there and
 * back. Declared, as vendors of metro clusters have it.
 */
const SYNC_LATENCY_MAX_MS = 5;

/** A policy with all that was left out. */
export const completed = (spec: ReplicationSpec) => ({
  ...spec,
  topology: spec.topology ?? 'activeStandby',
  mbps: spec.mbps ?? GROUP_MBPS_DEFAULT,
  keepPoints: spec.keepPoints ?? KEPT_POINTS_DEFAULT,
  ...(hasAsyncLeg(spec) ? { rpoMinutes: spec.rpoMinutes ?? RPO_MINUTES.default } : {}),
  ...(spec.mode === 'sync' ? { onLinkLoss: spec.onLinkLoss ?? 'goOn' } : {}),
});
export type CompleteSpec = ReturnType<typeof completed>;

export const hasAsyncLeg = ({ mode, topology = 'activeStandby' }: ReplicationSpec): boolean =>
  mode === 'async' || topology !== 'activeStandby';

/** The sites that hold copies. */
export const targetsOf = ({ targetSiteId, thirdSiteId }: ReplicationSpec): string[] => [
  targetSiteId,
  ...(thirdSiteId === undefined ? [] : [thirdSiteId]),
];

/** Legs as DR-18 has them: which site feeds which. */
function shapeOf(spec: CompleteSpec, primary: string): Pick<GroupLeg, 'from' | 'siteId' | 'mode' | 'standby'>[] {
  const { targetSiteId, thirdSiteId, mode, topology } = spec;
  const first = { from: primary, siteId: targetSiteId, mode };
  if (thirdSiteId === undefined || topology === 'activeStandby') return [first];
  const to = { siteId: thirdSiteId, mode: 'async' as const };
  if (topology === 'cascade') return [first, { ...to, from: targetSiteId }];
  if (topology === 'parallel') return [first, { ...to, from: primary }];
  return [first, { ...to, from: primary }, { ...to, from: targetSiteId, standby: true }];
}

export interface Legs {
  legs: GroupLeg[];
  /** What they hold of each link, Mbit/s. */
  links: Record<string, number>;
  refusals: Refusal[];
}

/** The legs of a group and the links that carry them, or all that is in the way. `held`: what it holds of links already. */
export function legsOf(
  spec: CompleteSpec,
  primary: string,
  all: readonly Link[],
  held: Readonly<Record<string, number>> = {},
): Legs {
  const refusals = topologyRefusals(spec, primary);
  if (refusals.length > 0) return { legs: [], links: {}, refusals };
  const legs: GroupLeg[] = [];
  const links: Record<string, number> = {};
  for (const leg of shapeOf(spec, primary)) {
    const between = all
      .filter((l) => (l.from === leg.from && l.to === leg.siteId) || (l.to === leg.from && l.from === leg.siteId))
      .map((l) => ({ ...l, free: l.freeMbps + (held[l.id] ?? 0) - (links[l.id] ?? 0) }))
      .sort((a, b) => b.free - a.free || (a.id < b.id ? -1 : 1));
    const able = between.filter((l) => leg.mode === 'async' || carriesSync(l));
    const link = able[0];
    if (!link) refusals.push(between[0] ? tooFar(leg, between[0]) : noLink(leg));
    else if (link.free < spec.mbps) refusals.push(noRoom(leg, link.free, link.mbps, spec.mbps));
    else {
      links[link.id] = (links[link.id] ?? 0) + spec.mbps;
      legs.push({ ...leg, linkId: link.id, mbps: spec.mbps });
    }
  }
  return { legs, links, refusals };
}

const carriesSync = ({ mode, latencyMs }: Link): boolean => mode === 'sync' && latencyMs <= SYNC_LATENCY_MAX_MS;

function topologyRefusals({ topology, targetSiteId, thirdSiteId }: CompleteSpec, primary: string): Refusal[] {
  const refuse = (reason: string, fix: string): Refusal => ({ rule: 'DR-18', reason, fix });
  const sites = [primary, targetSiteId, ...(thirdSiteId === undefined ? [] : [thirdSiteId])];
  const found: Refusal[] = [];
  if (topology === 'activeStandby' && thirdSiteId !== undefined)
    found.push(refuse('a third site is named, and activeStandby has none', 'choose cascade, parallel or star'));
  if (topology !== 'activeStandby' && thirdSiteId === undefined)
    found.push(refuse(`${topology} needs a third site`, 'name thirdSiteId'));
  if (new Set(sites).size < sites.length)
    found.push(refuse('a site is named twice', `name sites other than ${primary}, where the VMs are, each once`));
  return found;
}

type End = Pick<GroupLeg, 'from' | 'siteId'>;

const noLink = ({ from, siteId }: End): Refusal => ({
  rule: 'DR-4',
  reason: `there is no link between ${from} and ${siteId}`,
  fix: 'choose a site that is linked to it',
  figures: { from, to: siteId },
});

const tooFar = ({ from, siteId }: End, { mode, latencyMs }: Link): Refusal => ({
  rule: 'DR-4',
  reason:
    mode === 'sync'
      ? `the link from ${from} to ${siteId} takes ${latencyMs} ms there and back, and a synchronous write may wait ${SYNC_LATENCY_MAX_MS} ms at most`
      : `the link from ${from} to ${siteId} carries asynchronous replication only (it takes ${latencyMs} ms there and back)`,
  fix: 'replicate asynchronously, or to a nearer site',
  figures: { from, to: siteId, latencyMs, latencyMaxMs: SYNC_LATENCY_MAX_MS, linkMode: mode },
});

const noRoom = ({ from, siteId }: End, freeMbps: number, ofMbps: number, mbps: number): Refusal => ({
  rule: 'DR-22',
  reason: `the link from ${from} to ${siteId} has ${freeMbps} of ${ofMbps} Mbit/s left, and ${mbps} are asked for`,
  fix: `ask for ${freeMbps} Mbit/s at most, or have other groups use less`,
  figures: { from, to: siteId, freeMbps, mbps },
});
