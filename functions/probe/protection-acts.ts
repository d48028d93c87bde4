import type { Runtime } from '../../shared/aws/runtime.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { groupMachine, type ProtectedGroup } from '../../shared/model/protection.ts';
import { ALARM, type Finding } from '../../shared/replication/watch.ts';
import { moveAlarms } from '../../shared/store/alarms.ts';
import { groupChange, tellOfGroup } from '../../shared/store/groups.ts';
import { accept, newOperation } from '../../shared/store/outbox.ts';
import { stopStale } from '../../shared/store/stale.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { settleFormer } from './former.ts';
import { Overtaken } from './overtaken.ts';

type Act = Exclude<Finding, { kind: 'alarm' }>;

/** Does what was found about a group, under the version that it was found on. @throws Overtaken when somebody was faster */
export async function act(group: ProtectedGroup, finding: Act, runtime: Runtime, port: HypervisorPort): Promise<void> {
  const { store, clock } = runtime;
  const { name, id: groupId } = group;
  const tx = new Transaction();
  switch (finding.kind) {
    case 'goAlone': {
      // Noted first: from then on nobody may take the other copy for complete.
      const { order } = finding;
      if (!finding.noted) {
        const aloneSince = group.aloneSince ?? clock.now();
        tx.update(...changed(group, { set: { aloneSince, aloneOrder: order } }));
        tellOfGroup(tx, group, 'group.went-alone', { sites: finding.sites }, runtime);
        await store.commit(tx);
      }
      const legs = finding.sites.map((siteId) => ({ groupId, epoch: group.epoch, siteId, order }));
      await port.goAlone(group.primarySiteId, legs);
      return;
    }
    case 'together': {
      // No order that may still be on its way is obeyed from then on: only then is it said that nothing is missing there.
      const legs = finding.sites.map((siteId) => ({ groupId, epoch: group.epoch, siteId, order: finding.order }));
      const results = await port.stayTogether(group.primarySiteId, legs);
      if (results.some((r) => r.outcome === 'refused')) return;
      tx.update(...changed(group, { remove: ['aloneSince'] }));
      return store.commit(tx);
    }
    case 'error': {
      const state = groupMachine.next(group.state, finding.event);
      tx.update(...changed(group, { set: { state, reason: finding.reason } }));
      tellOfGroup(tx, group, 'group.error', { reason: finding.reason }, runtime);
      const text = `Protected group ${name} is not kept up to date: ${finding.reason}`;
      moveAlarms(tx, runtime.ids, [], [{ code: ALARM.error, object: groupId, severity: 'major', text }], clock.now());
      return store.commit(tx);
    }
    case 'complete': {
      const state = groupMachine.next(group.state, finding.event);
      tx.update(...changed(group, { set: { state }, remove: ['reason'] }));
      tellOfGroup(tx, group, 'group.protected', { siteId: group.primarySiteId }, runtime);
      if (finding.event === 'repaired') {
        const over = { code: ALARM.error, object: groupId, severity: 'major' as const, text: '' };
        moveAlarms(tx, runtime.ids, [over], [], clock.now());
      }
      return store.commit(tx);
    }
    case 'takeUp':
      return begin(group, { takenUpAt: clock.now() }, runtime);
    case 'reroute':
      return begin(
        group,
        { legs: finding.legs, orderVersion: group.orderVersion + 1, takenUpAt: clock.now() },
        runtime,
      );
    case 'demote':
      await port.demoteGroups(finding.siteId, [{ groupId, epoch: finding.epoch }]);
      return;
    case 'former':
      // While an execution has the group, its VMs may still be believed at the old site: it is settled after that.
      if (group.claim !== undefined) return;
      // What goes on there, cut off, is stopped before it is said that the site has come to terms with it.
      await stopStale(finding.former.siteId, group.vms, { store, port });
      return settleFormer(group, finding.former, runtime);
  }
}

/** The operation that tells the sites; the group is claimed by it in the same transaction. */
async function begin(group: ProtectedGroup, set: object, { store, ids, clock }: Runtime): Promise<void> {
  const operation = newOperation({
    id: ids.make('operation', tagOfTenant(group.tenantId)),
    kind: 'protect-group',
    tenantId: group.tenantId,
    target: group.id,
    input: { groupId: group.id },
    createdAt: clock.now(),
  });
  const tx = new Transaction().update(
    ...changed(group, { set: { ...set, claim: operation.id, operationId: operation.id } }),
  );
  accept(tx, operation);
  await store.commit(tx);
}

const changed = (group: ProtectedGroup, change: Pick<UpdateSpec, 'set' | 'remove'>) =>
  groupChange(group, change, () => new Overtaken());
