import type { Refusal } from '../hypervisor/refusal.ts';
import {
  type Cluster,
  type Datastore,
  hypervisorVersionOf,
  type Link,
  majorVersionOf,
  type Site,
} from '../model/inventory.ts';
import { GROUP_VMS_MAX, type GroupLeg, type Replica, type ReplicationSpec } from '../model/protection.ts';
import { hasPassthrough, storageGiBOf, type Vm } from '../model/vm.ts';
import { rpoRefusals } from './feasible.ts';
import { type CompleteSpec, completed, hasAsyncLeg, legsOf, targetsOf } from './legs.ts';
import { isReplicable, roomFor } from './replicas.ts';

/** All that a decision on protection looks at. */
export interface Question {
  vms: readonly Vm[];
  replication: ReplicationSpec;
  /** Of the VDC that the group is in. */
  vdc: { id: string; sites: readonly string[]; management?: boolean };
  inventory: {
    sites: readonly Site[];
    clusters: readonly Cluster[];
    datastores: readonly Datastore[];
    links: readonly Link[];
  };
  /** The group that is there already: its VMs stay, and what it holds is its own. */
  group?: {
    id: string;
    primarySiteId: string;
    vms: readonly Vm[];
    links: Readonly<Record<string, number>>;
  };
  /** What a VM writes now, MB/s, where that is known. */
  writeMBps: ReadonlyMap<string, number>;
  newVolumeId: () => string;
}

export interface Eligibility {
  /** What is in the way for the group as a whole. */
  group: Refusal[];
  /** All that is in the way of each VM, at once (DR-16). */
  vms: Map<string, Refusal[]>;
  spec: CompleteSpec;
  primarySiteId: string;
  legs: GroupLeg[];
  links: Record<string, number>;
  replicas: Map<string, Replica[]>;
}

/** Whether VMs can be protected so, and if not, everything that forbids it (DR-16). Pure; changes nothing. */
export function eligibilityOf(question: Question): Eligibility {
  const { vms, replication, vdc, inventory, group } = question;
  const spec = completed(replication);
  const primarySiteId = group?.primarySiteId ?? vms[0]?.siteId ?? '';
  const targets = targetsOf(spec);
  // Of sites that the VDC does not have nothing is said but that.
  const known = targets.every((id) => vdc.sites.includes(id));
  const { legs, links, refusals } = known
    ? legsOf(spec, primarySiteId, inventory.links, group?.links)
    : { legs: [], links: {}, refusals: [] };
  const rooms = roomFor(vms, known ? targets : [], inventory, question.newVolumeId);
  const every = [...(group?.vms ?? []), ...vms];
  const whole = [
    ...siteRefusals(targets, primarySiteId, vdc.sites, inventory.sites),
    ...refusals,
    ...(hasAsyncLeg(spec) ? rpoOf(question, spec, legs, every) : []),
    ...(every.length > GROUP_VMS_MAX ? [tooMany(every.length)] : []),
  ];
  const each = new Map(
    vms.map((vm) => [vm.id, [...vmRefusals(vm, primarySiteId, question), ...(rooms.refusals.get(vm.id) ?? [])]]),
  );
  return { group: whole, vms: each, spec, primarySiteId, legs, links, replicas: rooms.replicas };
}

/** What forbids the protection of a VM, whatever the policy is. */
export function vmRefusals(
  vm: Vm,
  primarySiteId: string,
  { vdc, group, inventory }: Pick<Question, 'vdc' | 'group' | 'inventory'>,
): Refusal[] {
  const refuse = (reason: string, fix: string, figures?: Refusal['figures']): Refusal => ({
    rule: 'DR-16',
    reason,
    fix,
    ...(figures ? { figures } : {}),
  });
  const found: Refusal[] = [];
  if (hasPassthrough(vm))
    found.push(refuse('it has a passthrough device, which no other site has', 'give it virtio devices'));
  for (const { name } of vm.disks.filter((d) => d.persistent === false))
    found.push(
      refuse(`its disk ${name} is not persistent: what is written there is gone with each start`, 'leave it out'),
    );
  if (vdc.management && vm.vdcId === vdc.id)
    found.push(refuse("it is a VM of the cloud's own management, which every site has for itself", 'leave it out'));
  if (vm.disks.length === 0) found.push(refuse('it has no disk: there is nothing to copy', 'leave it out'));
  if (vm.nics.length === 0) found.push(refuse('it has no NIC: nobody could reach it at the other site', 'give it one'));
  if (vm.testOf) found.push(refuse('it is the copy that a DR test has made', 'leave it out'));
  if (vm.state === 'deleting') found.push(refuse('it is being deleted', 'leave it out'));
  if (vm.vdcId !== vdc.id) found.push(refuse('it belongs to another VDC', 'name VMs of one VDC', { vdcId: vm.vdcId }));
  if (vm.siteId !== primarySiteId)
    found.push(
      refuse(
        `it stands at ${vm.siteId}, and the group's primary site is ${primarySiteId}`,
        'protect it in a group of its site',
        {
          siteId: vm.siteId,
          primarySiteId,
        },
      ),
    );
  if (vm.protection && vm.protection.groupId !== group?.id)
    found.push(
      refuse(`it is protected by group ${vm.protection.groupId} already`, 'remove it there first', {
        groupId: vm.protection.groupId,
      }),
    );
  if (vm.conversion || vm.storageMoves) found.push(refuse('its disks are being moved', 'wait until that has ended'));
  found.push(...diskRefusals(vm, inventory.datastores));
  return found;
}

/** Disks that cannot be replicated where they stand now. Also what makes a member outdated (DR-17). */
export const diskRefusals = (vm: Pick<Vm, 'disks'>, datastores: readonly Datastore[]): Refusal[] =>
  vm.disks.flatMap((disk): Refusal[] => {
    const store = datastores.find((d) => d.id === disk.datastoreId);
    if (!store || isReplicable(store)) return [];
    return [
      {
        rule: 'DR-16',
        reason: `its disk ${disk.name} lies on local storage of one host, which is not replicated`,
        fix: 'have the disk moved to a shared datastore',
        figures: { disk: disk.name, kind: store.kind },
      },
    ];
  });

function siteRefusals(
  targets: readonly string[],
  primary: string,
  vdcSites: readonly string[],
  sites: readonly Site[],
): Refusal[] {
  const home = sites.find((s) => s.id === primary);
  return targets.flatMap((id): Refusal[] => {
    const site = vdcSites.includes(id) ? sites.find((s) => s.id === id) : undefined;
    // A site that the VDC does not have is not told from one that is not there.
    if (!site)
      return [{ rule: 'DR-16', reason: `the VDC has no site '${id}'`, fix: `choose one of ${vdcSites.join(', ')}` }];
    return home ? hypervisorRefusals(home, site) : [];
  });
}

/** What runs at one of them must run at the other: the same hypervisor, of the same major release. */
function hypervisorRefusals(home: Site, target: Site): Refusal[] {
  const [here, there] = [hypervisorVersionOf(home), hypervisorVersionOf(target)];
  const at = { at: home.id, hypervisor: home.hypervisor, target: target.id, targetHypervisor: target.hypervisor };
  if (home.hypervisor !== target.hypervisor)
    return [
      {
        rule: 'DR-16',
        reason: `${target.id} runs ${target.hypervisor}, and ${home.id} runs ${home.hypervisor}`,
        fix: 'choose a site with the same hypervisor',
        figures: at,
      },
    ];
  if (majorVersionOf(home) === majorVersionOf(target)) return [];
  return [
    {
      rule: 'DR-16',
      reason: `${target.id} runs ${target.hypervisor} ${there}, and ${home.id} runs ${here}`,
      fix: 'choose a site of the same major release, or have one of them upgraded',
      figures: { ...at, version: here, targetVersion: there },
    },
  ];
}

function rpoOf({ inventory, writeMBps }: Question, spec: CompleteSpec, legs: readonly GroupLeg[], vms: readonly Vm[]) {
  const leg = legs.find((l) => l.mode === 'async');
  if (!leg || spec.rpoMinutes === undefined) return [];
  return rpoRefusals({
    rpoMinutes: spec.rpoMinutes,
    mbps: leg.mbps,
    latencyMs: inventory.links.find((l) => l.id === leg.linkId)?.latencyMs ?? 0,
    ...(spec.windows ? { windows: spec.windows } : {}),
    writeMBps: vms.reduce((sum, vm) => sum + (writeMBps.get(vm.id) ?? 0), 0),
    gib: vms.reduce((sum, vm) => sum + storageGiBOf(vm), 0),
  });
}

const tooMany = (count: number): Refusal => ({
  rule: 'DR-3',
  reason: `the group would have ${count} VMs, and ${GROUP_VMS_MAX} are the most`,
  fix: 'make a second group',
  figures: { count, limit: GROUP_VMS_MAX },
});
