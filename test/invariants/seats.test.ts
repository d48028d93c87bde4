import { expect, it } from 'vitest';
import type { Belief } from '../../shared/invariants/facts.ts';
import { hostLedgersEqualSums } from '../../shared/invariants/ledgers.ts';
import { plus } from '../../shared/model/amounts.ts';
import type { HeldSeat } from '../../shared/model/placeholder.ts';
import { host } from '../placement/hosts.ts';

const AMOUNTS = { vcpus: 2, mhz: 0, memoryMiB: 4096, vms: 1 };
const seat: HeldSeat = { hostId: 'h1', clusterId: 'c1', amounts: AMOUNTS };

/** A host whose ledger says so many seats of 4 GiB are taken, and so many of them kept. */
const violations = (seats: Record<string, HeldSeat>, { taken = 1, keptVms = 1 } = {}) => {
  const plain = host('h1');
  const h1 = {
    ...plain,
    free: plus(plain.free, AMOUNTS, -taken),
    keptVms,
    keptVcpus: keptVms * AMOUNTS.vcpus,
    keptMiB: keptVms * AMOUNTS.memoryMiB,
  };
  const belief = {
    hosts: [h1],
    datastores: [],
    links: [],
    vms: [],
    groups: [],
    placeholders: [{ groupId: 'pg_1', seats }],
  };
  const facts = { belief: belief as unknown as Belief, seen: { processes: [], answered: [] }, now: 0 };
  return hostLedgersEqualSums.check(facts).violations;
};

it('INV-3 holds where seats are in the ledgers of their hosts', () => {
  expect(violations({ vm_1: seat })).toEqual([]);
});
it('INV-3 sees a seat that the ledger does not have', () => {
  expect(violations({ vm_1: seat }, { taken: 0, keptVms: 0 })).toContain(
    'h1: ledger says 0 memoryMiB taken, its VMs take 4096',
  );
});
it('INV-3 sees what a host says to be kept there, and is not', () => {
  expect(violations({}, { taken: 0 })).toEqual([
    'h1: says keptVms 1, seats that are kept there sum up to 0',
    'h1: says keptVcpus 2, seats that are kept there sum up to 0',
    'h1: says keptMiB 4096, seats that are kept there sum up to 0',
  ]);
});
it('INV-3 sees a seat that is lent to a copy that is gone', () => {
  const lent = { vm_1: { ...seat, lentTo: 'vm_copy' } };
  expect(violations(lent, { taken: 0, keptVms: 0 })).toEqual([
    'pg_1: the seat of vm_1 is lent to vm_copy, which is not there',
  ]);
});
