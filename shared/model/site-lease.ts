import { SECOND } from '../kernel/clock.ts';

/**
 * The right of a site to write as the primary of its groups without seeing any other site (DR-7). It is kept in the control
 * plane, outside of all sites. A site that sees neither the control plane nor the other copy for so long holds its guests'
 * writes back; so a failover need not reach it, only wait. It is noted here before the site is told: what a site was ever
 * given is never later than what stands here.
 */
export interface SiteLease {
  siteId: string;
  /** Cloud time, ms. */
  until: number;
  /**
   * Groups that it covers no more: they are given to another site. Each with the epoch that was revoked, and until when the
   * site may hold it all the same, as it was told before, ms: renewals for other groups do not move that.
   */
  revoked: Record<string, { epoch: number; until: number }>;
  version: number;
}

/** How long a site may write without being heard, ms. Declared, as long as the watchdog of a host (HA-7). */
export const SITE_LEASE_MS = 60 * SECOND;
/** It is renewed when less than this is left, ms: three chances, and one write of the table in 20 s. Declared. */
export const SITE_LEASE_RENEW_MS = 40 * SECOND;
/** What clocks of sites may differ by, ms; added before a lease counts as over. Declared, as for hosts (HA-7). */
export const SITE_LEASE_MARGIN_MS = SECOND;
