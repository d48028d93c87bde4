import { expect, it } from 'vitest';
import type { Belief } from '../../shared/invariants/facts.ts';
import { hostLedgersEqualSums } from '../../shared/invariants/ledgers.ts';
import { datastore } from '../placement/hosts.ts';
import { group, vm } from '../recovery/things.ts';

/** A VM of 20 GiB with a copy, and a group that holds 100 Mbit/s of a link. */
const violations = ({ freeGiB = 980, freeMbps = 900 }) => {
  const stores = [
    datastore('san-a', { siteId: 'a', capacityGiB: 1_000, freeGiB: 980 }),
    datastore('san-b', { siteId: 'b', capacityGiB: 1_000, freeGiB }),
  ];
  const links = [{ id: 'link_ab', from: 'a', to: 'b', latencyMs: 1, mbps: 1_000, freeMbps, mode: 'sync' }];
  const belief = {
    hosts: [],
    datastores: stores,
    links,
    vms: [vm('v')],
    groups: [group('pg_1', ['v'])],
    placeholders: [],
  };
  const facts = { belief: belief as unknown as Belief, seen: { processes: [], answered: [] }, now: 0 };
  return hostLedgersEqualSums.check(facts).violations;
};

it('INV-3 holds where copies and parts of links are in the ledgers', () => {
  expect(violations({})).toEqual([]);
});
it('INV-3 sees room for a copy that the ledger does not have', () => {
  expect(violations({ freeGiB: 1_000 })).toEqual(['san-b: ledger says 0 GiB taken, its volumes take 20']);
});
it('INV-3 sees a link that is given out twice, or not given back', () => {
  expect(violations({ freeMbps: 1_000 })).toEqual(['link_ab: ledger says 0 Mbit/s taken, protected groups take 100']);
  expect(violations({ freeMbps: -1 })).toEqual([
    'link_ab: ledger says 1001 Mbit/s taken, protected groups take 100',
    'link_ab: overdrawn by 1 Mbit/s',
  ]);
});
