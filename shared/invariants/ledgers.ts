import { holdsOf, storageHoldsOf } from '../hypervisor/demand.ts';
import { DATASTORE_MIGRATION_BUDGET } from '../hypervisor/parameters.ts';
import { dimensionsOf, sumOf } from '../model/amounts.ts';
import { allocatedOf, type Host } from '../model/inventory.ts';
import { keptOf, seatHoldsOf } from '../model/placeholder.ts';
import { QUOTA_DIMENSIONS, type Quota, usageOf } from '../model/vdc.ts';
import { storageGiBOf } from '../model/vm.ts';
import type { Invariant } from './facts.ts';

/** INV-3: every ledger of a host, datastore or link equals the sum over VMs, seats that are kept, or groups, and none is overdrawn. */
export const hostLedgersEqualSums: Invariant = {
  id: 'INV-3',
  check({ belief }) {
    const violations: string[] = [];
    const seats = belief.placeholders.flatMap((p) => seatHoldsOf(Object.values(p.seats)));
    const byHost = Map.groupBy([...belief.vms.flatMap(holdsOf), ...seats], (hold) => hold.hostId);
    const keptBy = Map.groupBy(seats, (hold) => hold.hostId);
    const vms = new Set(belief.vms.map((vm) => vm.id));
    for (const { groupId, seats: all } of belief.placeholders)
      for (const [vmId, { lentTo }] of Object.entries(all))
        if (lentTo !== undefined && !vms.has(lentTo))
          violations.push(`${groupId}: the seat of ${vmId} is lent to ${lentTo}, which is not there`);
    for (const host of belief.hosts) {
      const taken = sumOf((byHost.get(host.id) ?? []).map((hold) => hold.amounts));
      const ledger = allocatedOf(host);
      for (const d of new Set([...dimensionsOf(ledger), ...dimensionsOf(taken)])) {
        if ((ledger[d] ?? 0) !== (taken[d] ?? 0))
          violations.push(`${host.id}: ledger says ${ledger[d] ?? 0} ${d} taken, its VMs take ${taken[d] ?? 0}`);
        if ((host.free[d] ?? 0) < 0) violations.push(`${host.id}: overdrawn by ${-(host.free[d] ?? 0)} ${d}`);
      }
      const kept = keptOf(sumOf((keptBy.get(host.id) ?? []).map((hold) => hold.amounts)));
      for (const d of Object.keys(kept) as (keyof typeof kept)[])
        if ((host[d] ?? 0) !== kept[d])
          violations.push(`${host.id}: says ${d} ${host[d] ?? 0}, seats that are kept there sum up to ${kept[d]}`);
    }
    const byDatastore = Map.groupBy(belief.vms.flatMap(storageHoldsOf), (hold) => hold.datastoreId);
    for (const datastore of belief.datastores) {
      const holds = byDatastore.get(datastore.id) ?? [];
      const sum = belief.vms
        .flatMap((vm) => [
          ...(vm.conversion?.volumes ?? []),
          ...(vm.protection?.replicas ?? []).flatMap((r) => r.volumes),
        ])
        .filter((d) => d.datastoreId === datastore.id)
        .reduce(
          (n, d) => n + d.sizeGiB,
          holds.reduce((n, hold) => n + hold.gib, swapGiB(belief.hosts, datastore.id)),
        );
      if (datastore.capacityGiB - datastore.freeGiB !== sum)
        violations.push(
          `${datastore.id}: ledger says ${datastore.capacityGiB - datastore.freeGiB} GiB taken, its volumes take ${sum}`,
        );
      const turns = holds.reduce((n, hold) => n + hold.migrations, 0);
      if (DATASTORE_MIGRATION_BUDGET - datastore.freeMigrations !== turns)
        violations.push(
          `${datastore.id}: ledger says ${DATASTORE_MIGRATION_BUDGET - datastore.freeMigrations} of its migration budget taken, storage migrations take ${turns}`,
        );
      if (datastore.freeMigrations < 0)
        violations.push(`${datastore.id}: its migration budget is overdrawn by ${-datastore.freeMigrations}`);
      if (datastore.freeGiB < 0) violations.push(`${datastore.id}: overdrawn by ${-datastore.freeGiB} GiB`);
    }
    for (const link of belief.links) {
      const taken = belief.groups.reduce((n, group) => n + (group.links[link.id] ?? 0), 0);
      if (link.mbps - link.freeMbps !== taken)
        violations.push(
          `${link.id}: ledger says ${link.mbps - link.freeMbps} Mbit/s taken, protected groups take ${taken}`,
        );
      if (link.freeMbps < 0) violations.push(`${link.id}: overdrawn by ${-link.freeMbps} Mbit/s`);
    }
    return { checked: belief.hosts.length + belief.datastores.length + belief.links.length, violations };
  },
};

/** What the swap partitions of hosts take of a datastore (OVC-3). */
const swapGiB = (hosts: readonly Host[], datastoreId: string): number =>
  hosts
    .filter((h) => h.swap?.datastoreId === datastoreId)
    .reduce((n, h) => n + Math.ceil((h.swap?.sizeMiB ?? 0) / 1024), 0);

/** INV-4: every VDC ledger equals the sum over its resources. */
export const vdcLedgersEqualSums: Invariant = {
  id: 'INV-4',
  check({ belief }) {
    const violations: string[] = [];
    for (const vdc of belief.vdcs) {
      // Copies that a DR test has made charge nothing (DR-8).
      const vms = belief.vms.filter((vm) => vm.vdcId === vdc.id && vm.testOf === undefined);
      const sums: Partial<Quota> = {
        vcpus: vms.reduce((n, vm) => n + vm.cpu.vcpus, 0),
        memoryMiB: vms.reduce((n, vm) => n + vm.memory.sizeMiB, 0),
        storageGiB: vms.reduce((n, vm) => n + storageGiBOf(vm), 0),
        vms: vms.length,
        vpcs: belief.vpcs.filter((v) => v.vdcId === vdc.id).length,
        networks: belief.networks.filter((n) => n.vdcId === vdc.id).length,
      };
      const used = usageOf(vdc);
      for (const d of QUOTA_DIMENSIONS) {
        if (used[d] !== (sums[d] ?? 0))
          violations.push(`${vdc.id}: charged ${used[d]} ${d}, its resources sum to ${sums[d] ?? 0}`);
        if (vdc.left[d] < 0) violations.push(`${vdc.id}: ${d} is over quota by ${-vdc.left[d]}`);
      }
    }
    return { checked: belief.vdcs.length, violations };
  },
};
