import type * as z from 'zod';
import type { checkEligibility, createGroup } from '../../../shared/contract/protection.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { busy } from '../../../shared/kernel/errors.ts';
import {
  GROUP_VMS_MAX,
  groupMachine,
  type ProtectedGroup,
  type ReplicationSpec,
} from '../../../shared/model/protection.ts';
import type { Vdc } from '../../../shared/model/vdc.ts';
import { storageGiBOf, type Vm } from '../../../shared/model/vm.ts';
import { type Eligibility, eligibilityOf } from '../../../shared/replication/eligibility.ts';
import { initialCopyMs } from '../../../shared/replication/feasible.ts';
import { decideAnew } from '../../../shared/store/anew.ts';
import { keys } from '../../../shared/store/keys.ts';
import { shiftLinks } from '../../../shared/store/ledger.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { groupOperation, locationOf } from './begin.ts';
import { addMembers, mustBeAtRest, mustFit, orRaced } from './members.ts';
import { inventoryOf, mustFind, writeRates } from './picture.ts';
import { refusalOf } from './refusals.ts';
import { groupView } from './views.ts';

type Create = z.infer<typeof createGroup>;

/** Whether VMs can be protected so, with the group that they are in already or are to join. */
export async function judge(
  call: Call<unknown>,
  port: HypervisorPort,
  {
    vms,
    replication,
    vdc,
    group,
  }: { vms: Vm[]; replication: ReplicationSpec; vdc: Vdc; group?: { of: ProtectedGroup; vms: Vm[] } },
): Promise<Eligibility> {
  const [inventory, writeMBps] = await Promise.all([
    inventoryOf(call, vdc),
    writeRates([...vms, ...(group?.vms ?? [])], port),
  ]);
  return eligibilityOf({
    vms,
    replication,
    vdc,
    inventory,
    writeMBps,
    newVolumeId: () => call.newId('volume'),
    ...(group
      ? { group: { id: group.of.id, primarySiteId: group.of.primarySiteId, links: group.of.links, vms: group.vms } }
      : {}),
  });
}

export const namesOf = (vms: readonly Vm[]): Map<string, string> => new Map(vms.map((vm) => [vm.id, vm.name]));

/** A group with its members, room for their copies and its part of the links: all of it in one transaction, or nothing. */
export const create = (call: Call<Create>, port: HypervisorPort): Promise<Answer> =>
  decideAnew(async () => {
    const { name, vdcId, replication } = call.body;
    const vdc = await new TenantData(call.deps.store, call.context).get('vdc', vdcId);
    const vms = await mustFind(call, call.body.vms, 'vms');
    const found = await judge(call, port, { vms, replication, vdc });
    const refused = refusalOf(found, namesOf(vms), 'vms');
    if (refused) throw refused;
    mustBeAtRest(vms);
    const id = call.newId('group');
    const operation = groupOperation(call, id, 'protect-group');
    const group: ProtectedGroup = {
      id,
      tenantId: call.tenantId,
      vdcId: vdc.id,
      name,
      state: groupMachine.next('unprotected', 'protect'),
      vms: vms.map((vm) => vm.id),
      replication: found.spec,
      primarySiteId: found.primarySiteId,
      epoch: 1,
      orderVersion: 1,
      legs: found.legs,
      links: found.links,
      claim: operation.id,
      operationId: operation.id,
      version: 1,
      createdAt: call.now,
    };
    const tx = new Transaction()
      .put(keys.group(group.tenantId, id), group, { ifAbsent: () => busy('The id of the group is taken; try again.') })
      .put(keys.protectedGroup(id), { groupId: id, tenantId: group.tenantId });
    addMembers(tx, id, vms, found.replicas);
    shiftLinks(tx, {}, found.links);
    mustFit(tx);
    const answer = resource(201, groupView(group));
    const headers = { ...answer.headers, ...locationOf(operation) };
    return orRaced(
      () => call.commit(tx, { ...answer, headers }, { operation }),
      () => busy('Others take room and links faster than this request can; nothing was changed.'),
    );
  });

/** Says of each VM all that is in the way (DR-16). */
export async function eligibility(call: Call<z.infer<typeof checkEligibility>>, port: HypervisorPort): Promise<Answer> {
  const { replication } = call.body;
  const vms = await mustFind(call, call.body.vms, 'vms');
  const vdc = await new TenantData(call.deps.store, call.context).get('vdc', vms[0]?.vdcId ?? '');
  const found = await judge(call, port, { vms, replication, vdc });
  const gib = vms.reduce((sum, vm) => sum + storageGiBOf(vm), 0);
  const items = vms.slice(0, GROUP_VMS_MAX).map(({ id }) => {
    const reasons = found.vms.get(id) ?? [];
    return { vmId: id, eligible: reasons.length === 0, reasons };
  });
  return {
    status: 200,
    body: {
      eligible: found.group.length === 0 && items.every((i) => i.eligible),
      reasons: found.group,
      items,
      initialCopySeconds: Math.ceil(initialCopyMs(gib, found.spec.mbps, found.spec.windows) / 1000),
    },
  };
}
