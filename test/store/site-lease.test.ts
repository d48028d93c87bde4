import { beforeEach, describe, expect, it } from 'vitest';
import { createTables, LOCAL_TABLES } from '../../infra/local/dynamo/tables.ts';
import { PortTimeout } from '../../shared/hypervisor/port.ts';
import type { SiteLease as ToldLease } from '../../shared/hypervisor/replication-port.ts';
import { SECOND } from '../../shared/kernel/clock.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { SITE_LEASE_MS, type SiteLease } from '../../shared/model/site-lease.ts';
import { keys } from '../../shared/store/keys.ts';
import { renewSiteLease, revokeSiteLease } from '../../shared/store/site-lease.ts';
import { Store } from '../../shared/store/store.ts';
import { memoryEngine } from '../support/dynamo/client.ts';

let store: Store;
let told: ToldLease[];
const port = {
  renewLease: async (_site: string, lease: ToldLease) => {
    // What a site is told is never later than what is noted.
    expect(lease.until).toBeLessThanOrEqual((await noted())?.until ?? 0);
    told.push(lease);
  },
};
const noted = () => store.get<SiteLease>(keys.siteLease('a'));
const one = { id: 'pg_1', epoch: 1 };
const renew = (now: number, groups = [one], must = false) => renewSiteLease({ store, port }, 'a', groups, now, must);

beforeEach(async () => {
  const engine = memoryEngine();
  await createTables(engine.client);
  store = new Store(engine.client, LOCAL_TABLES, seededRandom(1));
  told = [];
});

describe('the lease of a site', () => {
  it('is noted before the site is told, and renewed when little is left of it', async () => {
    await renew(0);
    await renew(20 * SECOND);
    expect(told).toEqual([{ until: SITE_LEASE_MS, revoked: [] }]);
    await renew(21 * SECOND);
    expect(told.at(-1)).toEqual({ until: SITE_LEASE_MS + 21 * SECOND, revoked: [] });
  });

  it('is told again to a site that may not have heard it', async () => {
    await renew(0);
    await renew(1, [one], true);
    expect(told.at(-1)?.until).toBe(SITE_LEASE_MS + 1);
  });

  it('of a site that does not answer is noted all the same: it may have heard it', async () => {
    const deaf = { renewLease: () => Promise.reject(new PortTimeout('a', 'renewLease')) };
    await expect(renewSiteLease({ store, port: deaf }, 'a', [one], 0)).rejects.toThrow(PortTimeout);
    expect((await noted())?.until).toBe(SITE_LEASE_MS);
  });

  it('covers a group no more once it is revoked; until when, later renewals do not move', async () => {
    await renew(0);
    expect(await revokeSiteLease(store, 'a', [one])).toBe(SITE_LEASE_MS);
    await renew(30 * SECOND, [one, { id: 'pg_2', epoch: 1 }]);
    expect(told.at(-1)).toEqual({ until: SITE_LEASE_MS + 30 * SECOND, revoked: ['pg_1'] });
    expect(await revokeSiteLease(store, 'a', [one])).toBe(SITE_LEASE_MS);
  });

  it('that was never given binds nobody', async () => {
    expect(await revokeSiteLease(store, 'a', [one])).toBe(0);
  });

  it('covers the group again under a newer epoch alone', async () => {
    await renew(0);
    await revokeSiteLease(store, 'a', [one]);
    await renew(30 * SECOND, [one]);
    expect(told.at(-1)?.revoked).toEqual(['pg_1']);
    await renew(31 * SECOND, [{ id: 'pg_1', epoch: 3 }]);
    expect(told.at(-1)?.revoked).toEqual([]);
  });

  it('renewed and revoked at once: whoever revokes knows what the site was told last', async () => {
    for (let round = 0; round < 20; round++) {
      const group = { id: `pg_${round}`, epoch: 1 };
      const before = told.length;
      const now = round * 60 * SECOND;
      const [bound] = await Promise.all([revokeSiteLease(store, 'a', [group]), renew(now, [group])]);
      for (const lease of told.slice(before))
        if (!lease.revoked.includes(group.id)) expect(lease.until).toBeLessThanOrEqual(bound);
    }
  });
});
