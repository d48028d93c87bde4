import type { Invariant } from './facts.ts';

const alive = (state: string): boolean => state !== 'dead';

/** INV-1: at most one process of a VM runs with the current epoch; only one whose epoch is the volumes' can write. */
export const oneWriterPerVm: Invariant = {
  id: 'INV-1',
  check({ belief, seen }) {
    const epochs = new Map(belief.vms.map((vm) => [vm.id, vm.epoch]));
    // A migration was promised its epoch before the belief follows it.
    const given = new Map(
      belief.vms.map((vm) => [vm.id, Math.max(vm.epoch, vm.promised ?? 0, vm.migration?.epoch ?? 0)]),
    );
    const running = seen.processes.filter((p) => alive(p.state));
    const byVm = Map.groupBy(running, (p) => p.vmId);
    const violations: string[] = [];
    for (const [vmId, processes] of byVm) {
      const current = processes.filter((p) => p.epoch === epochs.get(vmId));
      if (current.length > 1)
        violations.push(
          `${vmId} runs ${current.length} times with epoch ${epochs.get(vmId)}: on ${current.map((p) => p.hostId).join(', ')}`,
        );
      for (const p of processes) {
        const known = given.get(vmId);
        if (known !== undefined && p.epoch > known)
          violations.push(
            `${vmId} runs on ${p.hostId} with epoch ${p.epoch}, which was never given (${known} is the newest)`,
          );
      }
    }
    // A copy of a protected group that has not the right to write refuses whoever has its volumes (DR-7).
    const groupOf = new Map(belief.vms.map((vm) => [vm.id, vm.protection?.groupId]));
    const refuses = new Set((seen.copies ?? []).filter((c) => !c.writes).map((c) => `${c.groupId} ${c.siteId}`));
    const writable = (v: { vmId: string; siteId?: string }) => !refuses.has(`${groupOf.get(v.vmId)} ${v.siteId}`);
    for (const [vmId, volumes] of Map.groupBy(seen.volumes ?? [], (v) => v.vmId)) {
      const writers = new Set(
        volumes
          .filter(writable)
          .flatMap((v) =>
            (byVm.get(vmId) ?? []).filter((p) => p.epoch === v.leaseEpoch).map((p) => `${p.hostId}/${p.epoch}`),
          ),
      );
      if (writers.size > 1)
        violations.push(`${vmId} has ${writers.size} processes that can write: ${[...writers].join(', ')}`);
    }
    return { checked: byVm.size, violations };
  },
};

/** INV-2: a host that was declared fenced runs nothing, so that starting its VMs elsewhere was safe. */
export const fencedHostsRunNothing: Invariant = {
  id: 'INV-2',
  check({ belief, seen }) {
    const fenced = new Set(belief.hosts.filter((h) => h.state === 'fenced').map((h) => h.id));
    const violations = seen.processes
      .filter((p) => alive(p.state) && fenced.has(p.hostId))
      .map((p) => `${p.vmId} (epoch ${p.epoch}) is alive on ${p.hostId}, which is believed fenced`);
    return { checked: fenced.size, violations };
  },
};
