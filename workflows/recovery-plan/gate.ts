import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import type { Execution, Wait } from '../../shared/model/execution.ts';
import type { PlanStep } from '../../shared/model/recovery-plan.ts';
import { stepsAt } from '../../shared/recovery/waves.ts';
import { emit } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../engine/step-table.ts';
import { type Case, phasesWith, setExecution } from './case.ts';

/** How long a pause or a call-out is waited for when its plan does not say, minutes. */
const STEP_MINUTES = 60;
/** It is looked after so often at least and at most, s; in between after an eighth of what it has waited. Declared. */
const LOOK_S = { least: 5, most: 120 } as const;

/** `seconds`: it is closed, and looked at again then. `failed`: a step that must not be passed was not answered in time. */
export type Gate = { seconds: number } | { execution: Execution; failed?: string };

/**
 * The steps of the plan at one place (DR-11): each is told of once, and holds the execution up until a person or a program
 * answers it through the API, or its time is over. They come one after the other.
 */
export async function passGate(
  { plan, execution }: Case,
  at: PlanStep['at'],
  priority: number,
  vmIds: readonly string[],
  deps: StepDeps,
): Promise<Gate> {
  const now = deps.clock.now();
  let is = execution;
  for (const step of stepsAt(plan, at, priority, vmIds)) {
    const wait = is.waits.find((w) => w.step.name === step.name);
    if (!wait) {
      await open(is, step, deps);
      return { seconds: LOOK_S.least };
    }
    if (!wait.ended && now < wait.until) {
      const left = (wait.until - now) / SECOND;
      const look = Math.min(LOOK_S.most, Math.max(LOOK_S.least, (now - wait.since) / SECOND / 8));
      return { seconds: Math.max(1, Math.ceil(Math.min(left, look))) };
    }
    is = await goOn(is, wait, deps);
    const end = is.waits.find((w) => w.step.name === step.name)?.ended;
    if (end?.how === 'timedOut' && (step.onTimeout ?? 'fail') === 'fail')
      return { execution: is, failed: `step '${step.name}' was not answered within ${minutesOf(step)} minutes` };
  }
  return { execution: is };
}

const minutesOf = (step: PlanStep): number => step.timeoutMinutes ?? STEP_MINUTES;

async function open(was: Execution, step: PlanStep, { store, ids, clock }: StepDeps): Promise<void> {
  const now = clock.now();
  const wait: Wait = { step, since: now, until: now + minutesOf(step) * MINUTE };
  const tx = new Transaction();
  setExecution(tx, was, {
    state: 'paused',
    waits: [...was.waits, wait],
    phases: phasesWith(was.phases, `${step.kind} ${step.name}`, now),
  });
  emit(tx, {
    id: ids.make('event', tagOfTenant(was.tenantId)),
    type: 'plan.waits',
    at: now,
    tenantId: was.tenantId,
    subject: was.planId,
    data: {
      executionId: was.id,
      step: step.name,
      kind: step.kind,
      ...(step.message ? { message: step.message } : {}),
      until: wait.until,
    },
  });
  await store.commit(tx);
}

/** It was answered, or its time is over: the execution runs on. Writes nothing when that stands there already. */
async function goOn(was: Execution, wait: Wait, { store, clock }: StepDeps): Promise<Execution> {
  if (wait.ended && was.state === 'running') return was;
  const ended = wait.ended ?? { at: clock.now(), how: 'timedOut' as const };
  const tx = new Transaction();
  const is = setExecution(tx, was, {
    state: 'running',
    waits: was.waits.map((w) => (w.step.name === wait.step.name ? { ...w, ended } : w)),
  });
  await store.commit(tx);
  return is;
}
