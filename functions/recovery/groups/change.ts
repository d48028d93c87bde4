import type * as z from 'zod';
import type { patchGroup } from '../../../shared/contract/protection.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { busy, DomainError, type Flaw, invalid } from '../../../shared/kernel/errors.ts';
import type { GroupState, ProtectedGroup } from '../../../shared/model/protection.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import { vmRefusals } from '../../../shared/replication/eligibility.ts';
import { roomRefusals, roomToCatchUp } from '../../../shared/replication/growth.ts';
import { decideAnew } from '../../../shared/store/anew.ts';
import { shiftLinks } from '../../../shared/store/ledger.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { accepted, changeGroup, groupOperation, locationOf, mustBeFree, readGroup } from './begin.ts';
import { judge, namesOf } from './create.ts';
import { addMembers, mustBeAtRest, mustFit, orRaced } from './members.ts';
import { inventoryOf, mustFind } from './picture.ts';
import { refusalOf } from './refusals.ts';
import { groupView } from './views.ts';

type Change = z.infer<typeof patchGroup>;

/** Where members and policy may change: between switches, and while no test of it stands. */
const CHANGEABLE: readonly GroupState[] = ['initialSync', 'protected', 'suspended', 'error'];

function mustBeChangeable(group: ProtectedGroup, what: string): void {
  mustBeFree(group);
  if (CHANGEABLE.includes(group.state)) return;
  throw new DomainError('illegal-transition', `A protected group that is ${group.state} cannot be ${what}.`, {
    figures: { state: group.state, event: what, allowed: CHANGEABLE },
  });
}

/** Changes name, members and policy; all but the name is told to the sites by an operation. */
export const change = (call: Call<Change>, port: HypervisorPort): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    const { name = group.name, addVms, removeVms, replication } = call.body;
    if (!addVms && !removeVms && !replication) return rename(call, group, name);
    mustBeChangeable(group, 'changed');
    const [members, added] = await Promise.all([membersOf(call, group), mustFind(call, addVms ?? [], 'addVms')]);
    const removed = mustBeMembers(group, call.body);
    const stay = members.filter((vm) => !removed.includes(vm.id));
    const vdc = await new TenantData(call.deps.store, call.context).get('vdc', group.vdcId);
    const spec = { ...group.replication, ...replication };
    const found = await judge(call, port, { vms: added, replication: spec, vdc, group: { of: group, vms: stay } });
    const refused = refusalOf(found, namesOf(added), 'addVms');
    if (refused) throw refused;
    mustBeAtRest(added);
    const operation = groupOperation(call, group.id, 'protect-group');
    const set = {
      name,
      vms: [...stay, ...added].map((vm) => vm.id),
      leaving: [...new Set([...(group.leaving ?? []), ...removed])],
      replication: found.spec,
      legs: found.legs,
      links: found.links,
      orderVersion: group.orderVersion + 1,
      claim: operation.id,
      operationId: operation.id,
    };
    const tx = new Transaction();
    changeGroup(tx, group, { set });
    addMembers(tx, group.id, added, found.replicas, 'its first copy is under way');
    shiftLinks(tx, group.links, found.links);
    mustFit(tx);
    const answer = resource(200, groupView({ ...group, ...set, version: group.version + 1 }));
    const headers = { ...answer.headers, ...locationOf(operation) };
    return orRaced(
      () => call.commit(tx, { ...answer, headers }, { operation }),
      () => busy('Others take room and links faster than this request can; nothing was changed.'),
    );
  });

async function rename(call: Call<Change>, group: ProtectedGroup, name: string): Promise<Answer> {
  const tx = new Transaction();
  changeGroup(tx, group, { set: { name } });
  return call.commit(tx, resource(200, groupView({ ...group, name, version: group.version + 1 })), {
    event: { type: 'group.changed', subject: group.id, data: { name } },
  });
}

/** What is removed, by id. @throws `invalid-request` for VMs that are not in the group, and when none would be left */
function mustBeMembers(group: ProtectedGroup, { removeVms = [], addVms = [] }: Change): string[] {
  const flaws = removeVms.flatMap((id, i): Flaw[] =>
    group.vms.includes(id)
      ? []
      : [{ location: `body.removeVms.${i}`, message: `the group has no VM '${id}'`, fix: 'name members of it' }],
  );
  if (flaws.length === 0 && addVms.length === 0 && group.vms.every((id) => removeVms.includes(id)))
    flaws.push({ location: 'body.removeVms', message: 'no VM would be left', fix: 'delete the group' });
  if (flaws.length > 0) throw invalid(flaws);
  return removeVms;
}

export async function membersOf(call: Call<unknown>, group: ProtectedGroup): Promise<Vm[]> {
  const data = new TenantData(call.deps.store, call.context);
  return (await Promise.all(group.vms.map((id) => data.find('vm', id)))).filter((vm) => vm !== undefined);
}

/** Executes the policy once more (DR-17). @throws `feature-unavailable` naming members that cannot be protected as they are */
export const execute = (call: Call): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    mustBeChangeable(group, 'executed');
    const members = await membersOf(call, group);
    const vdc = await new TenantData(call.deps.store, call.context).get('vdc', group.vdcId);
    const inventory = await inventoryOf(call, vdc);
    const of = { ...group, vms: members };
    const vms = new Map(
      members.map((vm) => [vm.id, vmRefusals(vm, group.primarySiteId, { vdc, inventory, group: of })]),
    );
    // What has grown while a site was not to be reached takes its room there now (DR-17).
    const room = roomRefusals(roomToCatchUp(members), inventory.datastores, group.primarySiteId);
    const refused = refusalOf({ group: room, vms }, namesOf(members), 'vms');
    if (refused) throw refused;
    const operation = groupOperation(call, group.id, 'protect-group');
    const tx = new Transaction();
    const order = { orderVersion: group.orderVersion + 1, claim: operation.id, operationId: operation.id };
    changeGroup(tx, group, { set: order });
    return call.commit(tx, accepted(operation), { operation });
  });
