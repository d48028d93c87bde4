import { iso } from '../../../shared/kernel/clock.ts';
import type { FormerPrimary, GroupLeg, ProtectedGroup } from '../../../shared/model/protection.ts';

/** A protected group as it is believed to be; what its sites say of it is put on top by whoever asked them. */
export const groupView = (g: ProtectedGroup) => ({
  id: g.id,
  name: g.name,
  vdcId: g.vdcId,
  state: g.state,
  ...(g.reason === undefined ? {} : { reason: g.reason }),
  vms: g.vms,
  replication: g.replication,
  primarySiteId: g.primarySiteId,
  epoch: g.epoch,
  legs: g.legs.map(legView),
  ...(g.former ? { former: formerView(g.former) } : {}),
  ...(g.aloneSince === undefined ? {} : { aloneSince: iso(g.aloneSince) }),
  ...(g.usedBy === undefined ? {} : { usedBy: g.usedBy }),
  operationId: g.operationId,
  version: g.version,
  createdAt: iso(g.createdAt),
});

export const legView = ({ siteId, from, mode, linkId, mbps, standby }: GroupLeg) => ({
  siteId,
  from,
  mode,
  linkId,
  mbps,
  ...(standby ? { standby: true } : {}),
});

const formerView = ({ siteId, epoch, demoted, divergent, abandoned }: FormerPrimary) => ({
  siteId,
  epoch,
  demoted: demoted === true,
  ...(divergent ? { divergent: { ...writesView(divergent), discarded: divergent.discarded } } : {}),
  ...(abandoned ? { abandoned: { ...abandoned, at: iso(abandoned.at) } } : {}),
});

/** How many writes, and from when to when. */
export const writesView = ({
  count,
  bytes,
  from,
  to,
}: {
  count: number;
  bytes: number;
  from?: number;
  to?: number;
}) => ({
  count,
  bytes,
  ...(from === undefined ? {} : { from: iso(from) }),
  ...(to === undefined ? {} : { to: iso(to) }),
});
