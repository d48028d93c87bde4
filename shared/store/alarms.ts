import type { Ids } from '../kernel/ids.ts';
import type { Alarm, AlarmText } from '../model/incident.ts';
import { keys } from './keys.ts';
import { emit } from './outbox.ts';
import type { Store } from './store.ts';
import { Transaction } from './transaction.ts';

/** Raises an alarm, once per code and object (MON-4). */
export async function raiseAlarm(store: Store, ids: Ids, alarm: AlarmText, now: number): Promise<void> {
  const key = keys.alarm(alarm.code, alarm.object);
  const there = await store.get<Alarm>(key);
  if (there?.state === 'active') return;
  const tx = new Transaction();
  putActive(tx, ids, alarm, now);
  await store.commit(tx);
}

export async function clearAlarm(store: Store, ids: Ids, code: string, object: string, now: number): Promise<void> {
  const key = keys.alarm(code, object);
  const there = await store.get<Alarm>(key);
  if (there?.state !== 'active') return;
  const tx = new Transaction();
  putCleared(tx, ids, code, object, now);
  await store.commit(tx);
}

/**
 * Raises and clears alarms in the transaction that makes it true: those of `after` stand then, those of `before` that are
 * not among them stand no more. `before` is what the same belief asked for until now.
 */
export function moveAlarms(
  tx: Transaction,
  ids: Ids,
  before: readonly AlarmText[],
  after: readonly AlarmText[],
  now: number,
): void {
  const among = (list: readonly AlarmText[], a: AlarmText) =>
    list.some((b) => b.code === a.code && b.object === a.object);
  for (const alarm of after.filter((a) => !among(before, a))) putActive(tx, ids, alarm, now);
  for (const { code, object } of before.filter((a) => !among(after, a))) putCleared(tx, ids, code, object, now);
}

function putActive(tx: Transaction, ids: Ids, alarm: AlarmText, now: number): void {
  const { code, object, severity, text } = alarm;
  tx.put(keys.alarm(code, object), {
    ...alarm,
    id: `${code}#${object}`,
    state: 'active',
    raisedAt: now,
  } satisfies Alarm);
  emit(tx, {
    id: ids.make('event'),
    type: 'alarm.raised',
    at: now,
    subject: object,
    data: { code, severity, text },
  });
}

function putCleared(tx: Transaction, ids: Ids, code: string, object: string, now: number): void {
  tx.update(keys.alarm(code, object), { set: { state: 'cleared', clearedAt: now } });
  emit(tx, { id: ids.make('event'), type: 'alarm.cleared', at: now, subject: object, data: { code } });
}
