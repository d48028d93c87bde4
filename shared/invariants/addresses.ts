import { addressesOf } from '../model/vm.ts';
import type { Invariant } from './facts.ts';

/** INV-5: in an address space every IP and MAC is held by one NIC at most, and every NIC's address is claimed for it,
 * also one that waits for it at home. */
export const addressesAreUnique: Invariant = {
  id: 'INV-5',
  check({ belief }) {
    const violations: string[] = [];
    const nics = belief.vms.flatMap((vm) => addressesOf(vm.nics).map((nic) => ({ ...nic, vmId: vm.id })));
    for (const [word, of] of [
      ['IP', (n: (typeof nics)[number]) => n.ip],
      ['MAC', (n: (typeof nics)[number]) => n.mac],
    ] as const) {
      for (const [key, holders] of Map.groupBy(nics, (n) => `${n.spaceId} ${of(n)}`)) {
        if (holders.length > 1) violations.push(`${word} ${key} is held by ${holders.map((h) => h.vmId).join(', ')}`);
      }
    }
    const claimed = new Map(belief.claims.map((c) => [`${c.space} ${c.ip}`, c.vmId]));
    for (const nic of nics) {
      if (claimed.get(`${nic.spaceId} ${nic.ip}`) !== nic.vmId)
        violations.push(`${nic.ip} in ${nic.spaceId} is used by ${nic.vmId} without a claim`);
    }
    if (claimed.size !== nics.length) violations.push(`${claimed.size} addresses are claimed, ${nics.length} are used`);
    return { checked: nics.length, violations };
  },
};
