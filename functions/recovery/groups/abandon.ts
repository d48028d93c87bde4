import type * as z from 'zod';
import type { abandonFormer } from '../../../shared/contract/protection.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import { type FormerPrimary, type ProtectedGroup, waitsForFormer } from '../../../shared/model/protection.ts';
import { planMachine, type RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import { decideAnew, Raced } from '../../../shared/store/anew.ts';
import { keys } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { versioned } from '../../http/conditions.ts';
import { changeGroup, mustBeFree, readGroup } from './begin.ts';
import { groupView } from './views.ts';

/**
 * A person's word that a site which nobody hears does not come back: the group waits for it no longer, nor does a plan of
 * which no other former site is waited for. Its right to write stays revoked; if it is heard after all it is demoted, and
 * what it has alone is kept, as if nobody had said anything (DR-14).
 */
export const abandon = (call: Call<z.infer<typeof abandonFormer>>): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    mustBeFree(group);
    const { siteId, reason } = call.body;
    const before = mustBeWaitedFor(group, siteId);
    const former: FormerPrimary = { ...before, abandoned: { at: call.now, by: call.caller.actor, reason } };
    const tx = new Transaction();
    changeGroup(tx, group, { set: { former } });
    await settlePlans(tx, call as Call<never>, group);
    return call.commit(tx, resource(200, groupView({ ...group, former, version: group.version + 1 })), {
      event: { type: 'group.former-abandoned', subject: group.id, data: { siteId, reason } },
    });
  });

/** @throws `illegal-transition` where there is no such former primary, or it was heard, or abandoned before */
function mustBeWaitedFor({ name, state, former }: ProtectedGroup, siteId: string): FormerPrimary {
  if (former && former.siteId === siteId && !former.demoted && !former.abandoned) return former;
  const why =
    former?.siteId !== siteId
      ? former
        ? `its former primary is ${former.siteId}`
        : 'it has no former primary'
      : former.demoted
        ? `site ${siteId} was heard since, and writes no more: read what it has alone, and discard it`
        : `site ${siteId} was abandoned before`;
  throw new DomainError('illegal-transition', `Group ${name} does not wait for site ${siteId}: ${why}.`, {
    figures: { state, event: 'abandon', siteId, allowed: [] },
  });
}

async function settlePlans(tx: Transaction, call: Call<never>, group: ProtectedGroup): Promise<void> {
  const data = new TenantData(call.deps.store, call.context);
  const { items } = await data.list('plan', { limit: 100, contains: { groups: group.id } });
  for (const plan of items.filter((p) => p.state === 'recoveredPeerPending')) {
    const others = await Promise.all(plan.groups.filter((id) => id !== group.id).map((id) => data.find('group', id)));
    if (!others.some((g) => g && waitsForFormer(g))) settle(tx, plan);
  }
}

function settle(tx: Transaction, plan: RecoveryPlan): void {
  const asRead = versioned(plan);
  tx.update(keys.plan(plan.tenantId, plan.id), {
    set: { state: planMachine.next(plan.state, 'peerSettled') },
    add: { version: 1 },
    ...asRead,
    onFail: (found) => new Raced(asRead.onFail?.(found as never) as Error),
  });
}
