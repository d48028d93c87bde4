import { addressesAreUnique } from './addresses.ts';
import type { Facts, Invariant } from './facts.ts';
import { hostLedgersEqualSums, vdcLedgersEqualSums } from './ledgers.ts';
import { onePrimaryPerGroup } from './primaries.ts';
import { noVmIsForgotten, operationsEnd } from './rest.ts';
import { fencedHostsRunNothing, oneWriterPerVm } from './single-copy.ts';

/** Every invariant that is checked; scenarios, properties and the audit endpoint share it. */
export const INVARIANTS: readonly Invariant[] = [
  oneWriterPerVm,
  fencedHostsRunNothing,
  hostLedgersEqualSums,
  vdcLedgersEqualSums,
  addressesAreUnique,
  onePrimaryPerGroup,
  noVmIsForgotten,
  operationsEnd,
];

export interface Finding {
  id: string;
  ok: boolean;
  checked: number;
  violations: string[];
}

export const checkInvariants = (facts: Facts, invariants: readonly Invariant[] = INVARIANTS): Finding[] =>
  invariants.map(({ id, check }) => {
    const { checked, violations } = check(facts);
    return { id, ok: violations.length === 0, checked, violations };
  });
