import type { AlarmText } from '../../shared/model/incident.ts';
import type { SiteSwitch } from '../../shared/model/site-switch.ts';
import { endOf } from '../../shared/recovery/site-order.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { emit, Operations } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { causeOf, type State, type StepDeps } from '../engine/step-table.ts';
import { leave } from './pass.ts';
import { findSwitch, plansOf, recordChange, type Switched } from './records.ts';

const INCOMPLETE = 'site-switch-incomplete';

/** Ends the switch and its operation. Repeating it changes nothing. */
export async function report(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await findSwitch(state, deps);
  const ended = found ? await endSwitch(found, state.cancelled === true, undefined, deps) : await recordOf(state, deps);
  await new Operations(deps.store, SYSTEM).finish(state.operationId, endOfOperation(ended), deps.clock);
  return {};
}

/** What was begun goes on by itself, each plan with an operation of its own; the rest is told to be left. */
export async function letGo(state: State, deps: StepDeps): Promise<void> {
  const found = await findSwitch(state, deps);
  if (!found) return;
  const { message } = causeOf(state.error);
  await endSwitch(await leave(found, `the switch of the site broke off: ${message}`, deps), false, message, deps);
}

async function endSwitch(
  found: Switched,
  cancelled: boolean,
  brokeOff: string | undefined,
  { store, ids, clock }: StepDeps,
): Promise<SiteSwitch> {
  const { record } = found;
  const plans = plansOf(found);
  const end = endOf(plans);
  const now = clock.now();
  const words = [brokeOff, end.reason].filter(Boolean).join('; ');
  const whole = end.state === 'success' && brokeOff === undefined && !cancelled;
  const state = cancelled ? 'cancelled' : brokeOff !== undefined && plans.length === 0 ? 'failed' : end.state;
  const set: Partial<SiteSwitch> = { state, finishedAt: now, ...(words ? { reason: words } : {}) };
  // The alarm goes first: whoever repeats this after a crash finds the switch not ended yet.
  if (whole) await clearAlarm(store, ids, INCOMPLETE, record.siteId, now);
  else await raiseAlarm(store, ids, alarmOf(record, state, words), now);
  const tx = new Transaction()
    .update(keys.siteSwitch(record.id), recordChange(record, set))
    .delete(keys.siteClaim(record.siteId));
  emit(tx, {
    id: ids.make('event'),
    type: 'site.switched',
    at: now,
    subject: record.siteId,
    data: { operationId: record.id, action: record.action, state, plans: record.plans ?? 0 },
  });
  await store.commit(tx);
  return { ...record, ...set };
}

const alarmOf = ({ siteId, action }: SiteSwitch, state: SiteSwitch['state'], words: string): AlarmText => ({
  code: INCOMPLETE,
  object: siteId,
  severity: 'critical',
  text: `${action} of site ${siteId} is ${state}${words ? `: ${words}` : ''}`,
});

const recordOf = async (state: State, { store }: StepDeps): Promise<SiteSwitch> =>
  (await store.get<SiteSwitch>(keys.siteSwitch(state.operationId))) as SiteSwitch;

function endOfOperation({ state, reason, plans = 0 }: SiteSwitch): Parameters<Operations['finish']>[1] {
  const message = reason ?? 'no plan was begun';
  if (state === 'cancelled')
    return { ok: false, error: { code: 'cancelled', message: `no further plan was begun; ${message}` } };
  if (state === 'failed') return { ok: false, error: { code: 'failed', message } };
  return { ok: true, result: { state, plans, ...(reason ? { reason } : {}) } };
}
