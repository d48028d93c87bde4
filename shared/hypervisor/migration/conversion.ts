import type { HypervisorKind } from '../../model/inventory.ts';
import type { GuestSpec } from '../../model/vm.ts';
import { type DeviceModes, passthroughRefusal } from '../io/passthrough.ts';
import type { Refusal } from '../refusal.ts';

/** The only direction that is known (MIG-9, ARCH-19): from a third-party platform into this one. */
const FROM: HypervisorKind = 'vmware';
const INTO: HypervisorKind = 'fusioncompute';

export interface ConversionQuestion {
  vm: DeviceModes & { kind: HypervisorKind; arch: string };
  /** Where its owner wants it; without a site any site of the VDC will do. */
  siteId?: string | undefined;
  clusterId?: string | undefined;
  /** Sites of the VDC with their kind, and their clusters. */
  sites: readonly { id: string; hypervisor: HypervisorKind }[];
  clusters: readonly { id: string; siteId: string; arch: string }[];
}
/** `at` names the part of the request that it is about. */
export interface ConversionRefusal extends Refusal {
  at: 'path.vmId' | 'body.siteId' | 'body.clusterId';
}

/** The clusters that may take the VM, or all that forbids the conversion, not only the first (MIG-8). */
export function conversionPlan(question: ConversionQuestion): { refusals: ConversionRefusal[]; clusterIds: string[] } {
  const { vm, siteId, clusterId } = question;
  const refusals: ConversionRefusal[] = [];
  if (vm.kind !== FROM)
    refusals.push({
      at: 'path.vmId',
      rule: 'MIG-9',
      reason: `a VM of a ${vm.kind} pool is not converted: the only direction is ${FROM} to ${INTO}`,
      fix: 'convert VMs of a vmware pool',
    });
  const devices = passthroughRefusal('conversion', vm);
  if (devices) refusals.push({ at: 'path.vmId', ...devices });
  const wanted = question.sites.filter((s) => siteId === undefined || s.id === siteId);
  const sites = wanted.filter((s) => s.hypervisor === INTO);
  if (siteId !== undefined && wanted.length === 0)
    refusals.push({
      at: 'body.siteId',
      rule: 'VDC-1',
      reason: `site ${siteId} is not among the VDC's`,
      fix: 'name a site of the VDC',
    });
  else if (sites.length === 0)
    refusals.push({
      at: 'body.siteId',
      rule: 'MIG-9',
      reason: siteId ? `site ${siteId} is not of kind ${INTO}` : `the VDC has no site of kind ${INTO}`,
      fix: `choose a site of kind ${INTO}, or have one added to the VDC`,
    });
  const reached = question.clusters.filter((c) => sites.some((s) => s.id === c.siteId));
  const named = reached.filter((c) => clusterId === undefined || c.id === clusterId);
  const fitting = named.filter((c) => c.arch === vm.arch);
  if (clusterId !== undefined && named.length === 0)
    refusals.push({
      at: 'body.clusterId',
      rule: 'MIG-9',
      reason: `there is no cluster ${clusterId} in a site of kind ${INTO} that may take the VM`,
      fix: 'leave clusterId out, or name a cluster of such a site',
    });
  else if (named.length > 0 && fitting.length === 0)
    refusals.push({
      at: clusterId === undefined ? 'body.siteId' : 'body.clusterId',
      rule: 'VIRT-2',
      reason: `the VM is of architecture ${vm.arch}; ${named.map((c) => c.id).join(', ')} ${named.length > 1 ? 'are' : 'is'} not`,
      fix: `choose a cluster of architecture ${vm.arch}: a VM never moves between architectures`,
    });
  return { refusals, clusterIds: fitting.map((c) => c.id) };
}

/** What in a guest belongs to its former platform. `before`: without it the guest's virtio devices are emulated at the target (IO-2). */
export interface ToolChange {
  from: string;
  to: string;
  when: 'before' | 'after';
  why: string;
}

/**
 * Drivers and tools that a guest needs changed. Linux brings its virtio drivers along; Windows does not. Devices that
 * are emulated are the same on both platforms.
 */
export function toolsToChange(vm: DeviceModes & { guest: GuestSpec }): ToolChange[] {
  const { os, pvDriver } = vm.guest;
  const changes: ToolChange[] = [];
  const driver = (from: string, to: string, devices: string) => {
    const missing = pvDriver === false || (os === 'windows' && pvDriver !== true);
    changes.push({
      from,
      to,
      when: missing ? 'before' : 'after',
      why: missing
        ? `without the PV driver, installed before it starts at the target, its ${devices} are emulated and slow (IO-2)`
        : `the guest has the driver and loads it by itself; the old one can be removed`,
    });
  };
  if (vm.disks.some((d) => d.io === 'virtio')) driver('pvscsi', 'virtio-blk', 'disks');
  if (vm.nics.some((n) => n.io === 'virtio')) driver('vmxnet3', 'virtio-net', 'NICs');
  changes.push({
    from: 'VMware Tools',
    to: 'FusionCompute tools',
    when: 'after',
    why: 'without them the platform neither shuts the guest down nor sees its memory',
  });
  return changes;
}
