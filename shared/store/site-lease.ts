import type { ReplicationPort } from '../hypervisor/replication-port.ts';
import { busy } from '../kernel/errors.ts';
import { SITE_LEASE_MS, SITE_LEASE_RENEW_MS, type SiteLease } from '../model/site-lease.ts';
import { keys } from './keys.ts';
import type { Store } from './store.ts';
import { Transaction } from './transaction.ts';

/** Times that a lease is read and written anew because somebody else has changed it meanwhile. */
const ATTEMPTS = 8;

/** A group as its lease needs to know it. */
interface Primary {
  id: string;
  epoch: number;
}
class LeaseMoved extends Error {}

/**
 * Renews the lease of a site for its primaries (DR-7), unless enough of it is left; always when it `must` be told. The table is written first, so that a
 * site never holds a lease that is not noted. Groups that were revoked stay so until they have a newer epoch there.
 * @throws PortTimeout when the site does not answer: its lease runs out, or it was told and the answer lost
 */
export async function renewSiteLease(
  { store, port }: { store: Store; port: Pick<ReplicationPort, 'renewLease'> },
  siteId: string,
  primaries: readonly Primary[],
  now: number,
  must = false,
): Promise<void> {
  const lease = await changeLease(store, siteId, (was) => {
    const revoked = Object.fromEntries(
      Object.entries(was?.revoked ?? {}).filter(
        ([id, { epoch }]) => !primaries.some((group) => group.id === id && group.epoch > epoch),
      ),
    );
    const cleared = Object.keys(revoked).length < Object.keys(was?.revoked ?? {}).length;
    if (was && !must && was.until - now >= SITE_LEASE_RENEW_MS && !cleared) return undefined;
    return { until: Math.max(was?.until ?? 0, now + SITE_LEASE_MS), revoked };
  });
  if (lease) await port.renewLease(siteId, { until: lease.until, revoked: Object.keys(lease.revoked) });
}

/**
 * Takes groups out of the lease of a site. From then on no renewal covers them, and until the answered instant, ms, the site
 * may hold them by what it was told before: without `SITE_LEASE_MARGIN_MS`, which whoever waits for it adds. Repeating it
 * answers the same.
 */
export async function revokeSiteLease(store: Store, siteId: string, groups: readonly Primary[]): Promise<number> {
  let bound = 0;
  await changeLease(store, siteId, (was) => {
    const until = was?.until ?? 0;
    const revoked = { ...was?.revoked };
    for (const { id, epoch } of groups) {
      const before = revoked[id];
      if (!before || before.epoch < epoch) revoked[id] = { epoch, until };
    }
    bound = Math.max(0, ...groups.map(({ id }) => revoked[id]?.until ?? 0));
    const same = groups.every(({ id }) => revoked[id] === was?.revoked[id]);
    return same ? undefined : { until, revoked };
  });
  return bound;
}

/** Reads, decides and writes until nobody comes between. Answers what was written; undefined when nothing was to be. */
async function changeLease(
  store: Store,
  siteId: string,
  decide: (was: SiteLease | undefined) => Pick<SiteLease, 'until' | 'revoked'> | undefined,
): Promise<SiteLease | undefined> {
  const key = keys.siteLease(siteId);
  for (let attempt = 1; ; attempt++) {
    const was = await store.get<SiteLease>(key);
    const change = decide(was);
    if (!change) return undefined;
    const lease: SiteLease = { siteId, ...change, version: (was?.version ?? 0) + 1 };
    const moved = () => new LeaseMoved();
    const tx = new Transaction().put(
      key,
      lease,
      was ? { condition: 'version = :was', values: { ':was': was.version }, onFail: moved } : { ifAbsent: moved },
    );
    try {
      await store.commit(tx);
      return lease;
    } catch (error) {
      if (!(error instanceof LeaseMoved)) throw error;
      if (attempt === ATTEMPTS) throw busy(`The lease of site ${siteId} changes faster than it can be written.`);
    }
  }
}
