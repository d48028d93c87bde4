import { notFound } from '../../../shared/kernel/errors.ts';
import type { Operation, OperationKind } from '../../../shared/model/operation.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import { Raced } from '../../../shared/store/anew.ts';
import { keys } from '../../../shared/store/keys.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Transaction, UpdateSpec } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { operationView } from '../../http/views.ts';
import { groupHeld } from './refusals.ts';

/** The group of a call, as its caller insists on it. */
export async function readGroup(call: Call<unknown>): Promise<ProtectedGroup> {
  const group = await new TenantData(call.deps.store, call.context).get('group', call.param('groupId'));
  call.checkVersion(group);
  return group;
}

/** @throws `operation-in-progress` while an operation or an execution has it */
export function mustBeFree(group: ProtectedGroup): void {
  if (group.claim !== undefined) throw groupHeld(group);
}

/** The group changes as it was read, held by nobody. Whoever comes between has the request decided anew. */
export function changeGroup(tx: Transaction, group: ProtectedGroup, change: Pick<UpdateSpec, 'set' | 'remove'>): void {
  tx.update(keys.group(group.tenantId, group.id), {
    ...change,
    add: { version: 1 },
    condition: '#version = :version AND attribute_not_exists(#claim)',
    names: { '#version': 'version', '#claim': 'claim' },
    values: { ':version': group.version },
    onFail: (found) =>
      new Raced(found ? groupHeld(found as unknown as ProtectedGroup) : notFound('protected group', group.id)),
  });
}

/** An operation on a group. Whoever begins it has the group claimed by it, in the same transaction. */
export const groupOperation = (
  call: Call<unknown>,
  groupId: string,
  kind: Extract<OperationKind, 'protect-group' | 'unprotect-group'>,
  input: Record<string, unknown> = {},
): Operation =>
  newOperation({
    id: call.newId('operation'),
    kind,
    tenantId: call.tenantId,
    target: groupId,
    input: { groupId, ...input },
    createdAt: call.now,
  });

export const locationOf = ({ id }: Operation): Record<string, string> => ({
  'operation-location': `/v1/operations/${id}`,
});

export const accepted = (operation: Operation): Answer => ({
  status: 202,
  body: operationView(operation),
  headers: { ...locationOf(operation), 'retry-after': '1' },
});
