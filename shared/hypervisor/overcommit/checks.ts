import { Refused } from '../refusal.ts';
import { overcommitRefusals } from './admission.ts';
import { PAGES_PER_MIB } from './content.ts';
import { isPinned } from './holding.ts';
import type { MemoryHost, MemoryVm } from './settlement.ts';

/** Host memory for VMs without the pool of huge pages, MiB. */
export const domainOf = (host: MemoryHost): number => host.physicalMiB - host.managementMiB - host.hugePoolMiB;

/** Throws `Refused` for a host or a VM that cannot be, and for VMs that the host cannot have taken. */
export function checkMemory(host: MemoryHost, vms: readonly MemoryVm[]): void {
  const { physicalMiB, managementMiB, hugePoolMiB, overcommit } = host;
  if (!(managementMiB >= 0 && hugePoolMiB >= 0 && domainOf(host) >= 0 && overcommit.swapMiB >= 0))
    throw new Refused({
      rule: 'OVC-7',
      reason: `management and huge pages do not fit the host's ${physicalMiB} MiB, or a size is negative`,
      fix: 'Set aside less.',
      figures: { physicalMiB, managementMiB, hugePoolMiB, swapMiB: overcommit.swapMiB },
    });
  for (const vm of vms) checkVm(vm);
  if (new Set(vms.map((vm) => vm.id)).size < vms.length)
    throw new Refused({ rule: 'OVC-7', reason: 'a VM is there twice', fix: 'Name each VM once.' });
  const takenMiB = vms.reduce((sum, vm) => sum + (vm.hugePagesMiB ?? 0), 0);
  if (takenMiB > hugePoolMiB)
    throw new Refused({
      rule: 'MEM-12',
      reason: `no huge pages: VMs take ${takenMiB} MiB of a pool of ${hugePoolMiB} MiB`,
      fix: 'Enlarge the pool or use ordinary pages.',
      figures: { takenMiB, hugePoolMiB },
    });
  const ordinary = (vm: MemoryVm): number => vm.sizeMiB - (vm.hugePagesMiB ?? 0);
  const [refusal] = overcommitRefusals({
    sizes: vms.map(ordinary),
    reservations: vms.map((vm) => (isPinned(vm) ? ordinary(vm) : vm.reservationMiB)),
    domainMiB: domainOf(host),
    ratioPercent: overcommit.ratioPercent,
    enabled: overcommit.enabled,
  });
  if (refusal !== undefined) throw new Refused(refusal);
}

function checkVm(vm: MemoryVm): void {
  const { sizeMiB, touchedMiB, activeMiB, reservationMiB, shares, hugePagesMiB = 0 } = vm;
  const refuse = (rule: string, reason: string, fix: string, figures: Record<string, number>) =>
    new Refused({ rule, reason: `the VM ${vm.id} ${reason}`, fix, figures });
  if (!(activeMiB >= 0 && activeMiB <= touchedMiB && touchedMiB <= sizeMiB))
    throw refuse('OVC-1', 'does not have active <= touched <= size', 'Give figures of one instant.', {
      activeMiB,
      touchedMiB,
      sizeMiB,
    });
  if (!(reservationMiB >= 0 && reservationMiB <= sizeMiB && shares > 0 && Number.isFinite(shares)))
    throw refuse('MEM-15', 'reserves more than its size, or has no shares', 'Reserve at most the size.', {
      reservationMiB,
      sizeMiB,
      shares,
    });
  if (!(hugePagesMiB >= 0 && hugePagesMiB <= sizeMiB))
    throw refuse('MEM-12', 'has more huge pages than memory', 'Take at most its size.', { hugePagesMiB, sizeMiB });
  const pages = (vm.runs ?? []).reduce((sum, run) => sum + run.pages, 0);
  if (!(pages <= touchedMiB * PAGES_PER_MIB))
    throw refuse('OVC-4', 'has more content than touched memory', 'Describe what it has touched.', {
      pages,
      touchedMiB,
    });
}
