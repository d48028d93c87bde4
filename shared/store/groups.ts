import type { EventType } from '../events/event.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Ids, tagOfTenant } from '../kernel/ids.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import { keys } from './keys.ts';
import { emit } from './outbox.ts';
import type { Key } from './tables.ts';
import type { OnFail, Transaction, UpdateSpec } from './transaction.ts';

/** A change of a group, as it was read. */
export const groupChange = (
  group: ProtectedGroup,
  change: Pick<UpdateSpec, 'set' | 'remove'>,
  overtaken: OnFail,
): [Key, UpdateSpec] => [
  keys.group(group.tenantId, group.id),
  {
    ...change,
    add: { version: 1 },
    condition: '#version = :versionWas',
    names: { '#version': 'version' },
    values: { ':versionWas': group.version },
    onFail: overtaken,
  },
];

/** A fact about a group, told to its tenant. */
export function tellOfGroup(
  tx: Transaction,
  group: ProtectedGroup,
  type: EventType,
  data: Record<string, unknown>,
  { ids, clock }: { ids: Ids; clock: Clock },
): void {
  emit(tx, {
    id: ids.make('event', tagOfTenant(group.tenantId)),
    type,
    at: clock.now(),
    tenantId: group.tenantId,
    subject: group.id,
    data: { name: group.name, ...data },
  });
}
