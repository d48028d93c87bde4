import type { Ids } from '../kernel/ids.ts';
import type { Alarm } from '../model/incident.ts';
import { keys } from './keys.ts';
import { emit } from './outbox.ts';
import type { Store } from './store.ts';
import { Transaction } from './transaction.ts';

/** Raises an alarm, once per code and object (MON-4). */
export async function raiseAlarm(
  store: Store,
  ids: Ids,
  alarm: Pick<Alarm, 'code' | 'object' | 'severity' | 'text'>,
  now: number,
): Promise<void> {
  const key = keys.alarm(alarm.code, alarm.object);
  const there = await store.get<Alarm>(key);
  if (there?.state === 'active') return;
  const tx = new Transaction().put(key, {
    ...alarm,
    id: `${alarm.code}#${alarm.object}`,
    state: 'active',
    raisedAt: now,
  } satisfies Alarm);
  emit(tx, {
    id: ids.make('event'),
    type: 'alarm.raised',
    at: now,
    subject: alarm.object,
    data: { code: alarm.code, severity: alarm.severity, text: alarm.text },
  });
  await store.commit(tx);
}

export async function clearAlarm(store: Store, ids: Ids, code: string, object: string, now: number): Promise<void> {
  const key = keys.alarm(code, object);
  const there = await store.get<Alarm>(key);
  if (there?.state !== 'active') return;
  const tx = new Transaction().update(key, { set: { state: 'cleared', clearedAt: now } });
  emit(tx, { id: ids.make('event'), type: 'alarm.cleared', at: now, subject: object, data: { code } });
  await store.commit(tx);
}
