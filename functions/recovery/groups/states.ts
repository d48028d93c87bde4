import { DomainError } from '../../../shared/kernel/errors.ts';
import { groupMachine, type ProtectedGroup } from '../../../shared/model/protection.ts';
import { decideAnew } from '../../../shared/store/anew.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { accepted, changeGroup, groupOperation, mustBeFree, readGroup } from './begin.ts';

/** Nothing is sent any more; what the guests write is noted, and sent when it is resumed. */
export const suspend = (call: Call): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    mustBeFree(group);
    const state = groupMachine.next(group.state, 'suspend');
    const operation = groupOperation(call, group.id, 'protect-group');
    const tx = new Transaction();
    changeGroup(tx, group, {
      set: { state, orderVersion: group.orderVersion + 1, claim: operation.id, operationId: operation.id },
      remove: ['reason'],
    });
    return call.commit(tx, accepted(operation), { operation });
  });

/** Suspended until the copies have caught up: before, the promise is not kept. */
export const resume = (call: Call): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    mustBeFree(group);
    groupMachine.next(group.state, 'resume');
    const operation = groupOperation(call, group.id, 'protect-group', { resume: true });
    const tx = new Transaction();
    changeGroup(tx, group, {
      set: {
        reason: 'it is being resumed',
        orderVersion: group.orderVersion + 1,
        claim: operation.id,
        operationId: operation.id,
      },
    });
    return call.commit(tx, accepted(operation), { operation });
  });

/**
 * Ends the protection. A site that may have writes which nobody has seen keeps its group until somebody has looked
 * (DR-14). What was begun and did not end can be asked for again.
 */
export const end = (call: Call): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    mustBeFree(group);
    const state = group.state === 'unprotected' ? group.state : groupMachine.next(group.state, 'unprotect');
    await mustBeInNoPlan(call, group);
    mustHaveNothingUnseen(group);
    const operation = groupOperation(call, group.id, 'unprotect-group');
    const tx = new Transaction();
    changeGroup(tx, group, {
      set: { state, claim: operation.id, operationId: operation.id },
      remove: ['reason'],
    });
    return call.commit(tx, accepted(operation), { operation });
  });

async function mustBeInNoPlan(call: Call, group: ProtectedGroup): Promise<void> {
  const { items } = await new TenantData(call.deps.store, call.context).list('plan', {
    limit: 10,
    contains: { groups: group.id },
  });
  if (items.length === 0) return;
  const names = items.map((plan) => plan.name).join(', ');
  throw new DomainError(
    'in-use',
    `Recovery plan ${names} switches group ${group.name}; take it out of the plan first.`,
    {
      figures: { plans: items.map((plan) => plan.id) },
    },
  );
}

function mustHaveNothingUnseen({ name, former }: ProtectedGroup): void {
  if (!former) return;
  const { siteId, demoted, divergent, abandoned } = former;
  const figures = { siteId, ...divergent };
  if (!demoted && abandoned) return;
  if (!demoted)
    throw new DomainError(
      'in-use',
      `Site ${siteId}, which was the primary of group ${name} before, has not been heard since: it may have writes that no other site has. Delete the group when it is back, or answer for it that it does not come back (abandon-former).`,
      { figures },
    );
  if (divergent && divergent.count > 0 && !divergent.discarded)
    throw new DomainError(
      'in-use',
      `Site ${siteId} has ${divergent.count} writes of group ${name} that no other site has. Read and discard them first.`,
      { figures },
    );
}
