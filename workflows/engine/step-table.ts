import type { Runtime } from '../../shared/aws/runtime.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Operations } from '../../shared/store/outbox.ts';

/** What a step is given. */
export interface StepDeps extends Runtime {
  port: HypervisorPort;
}

/** The state of an execution: small JSON, ids and figures only; plans stay in the tables. */
export interface State {
  operationId: string;
  [field: string]: unknown;
}

/** One line of a workflow's table. `undo` must do nothing where `do` did nothing; a missing one says why. */
export interface Step {
  /** How far the operation is when this step begins, percent. */
  percent: number;
  /** A cancellation that was asked for is taken up before it: the workflow unwinds. */
  cancelable?: true;
  do(state: State, deps: StepDeps): Promise<Record<string, unknown>>;
  undo: ((state: State, deps: StepDeps) => Promise<void>) | { none: string };
}
export type StepTable = Record<string, Step>;

/** Not yet: the state machine waits and repeats the step. */
export class TryAgain extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TryAgain';
  }
}

/** Never: the state machine unwinds. `code` goes on the operation. */
export class GiveUp extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'GiveUp';
    this.code = code;
  }
}

/** What the state machine sends to the function of its steps. */
export interface StepCall {
  step: string;
  execution: string;
  state: State;
}

/** The step that runs every `undo`, last first, and ends the operation as failed. In every workflow's machine. */
export const UNWIND = 'unwind';

/** The handler of a workflow's function: runs one step of its table. The answer is the next state. */
export function stepHandler(table: StepTable, deps: StepDeps): (call: StepCall) => Promise<State> {
  const operations = new Operations(deps.store, SYSTEM);
  return async ({ step, execution, state }) => {
    const known = { ...state, operationId: execution };
    if (step === UNWIND) return unwind(table, known, deps, operations);
    const line = table[step];
    if (!line) throw new GiveUp('unknown-step', `this workflow has no step '${step}'`);
    const { state: asked } = await operations.stepBegan(execution, step, line.percent, deps.clock);
    try {
      if (line.cancelable && asked === 'cancelling') throw new GiveUp('cancelled', 'it was cancelled');
      return { ...known, ...(await line.do(known, deps)) };
    } catch (error) {
      throw named(error);
    }
  };
}

async function unwind(table: StepTable, state: State, deps: StepDeps, operations: Operations): Promise<State> {
  for (const line of Object.values(table).reverse()) if (typeof line.undo === 'function') await line.undo(state, deps);
  const { code, message } = causeOf(state.error);
  deps.log.info('a workflow was unwound', { operationId: state.operationId, code, message });
  await operations.finish(state.operationId, { ok: false, error: { code, message: publicWords(message) } }, deps.clock);
  return state;
}

/** The state machine knows errors by name: what is neither TryAgain nor a time-out of the port is final. */
function named(error: unknown): Error {
  if (error instanceof DomainError)
    return error.code === 'busy' ? new TryAgain(error.message) : new GiveUp(error.code, error.message);
  return error instanceof Error ? error : new Error(String(error));
}

/** What a Catch leaves in the state: `{Error, Cause}`; on AWS the cause is the JSON of the function's error. */
export function causeOf(caught: unknown): { code: string; message: string } {
  const { Error: name = 'failed', Cause: cause = '' } = (caught ?? {}) as { Error?: string; Cause?: string };
  let message = cause;
  try {
    message = (JSON.parse(cause) as { errorMessage?: string }).errorMessage ?? cause;
  } catch {
    // Not JSON: the embedded engine gives the message itself.
  }
  return { code: name === 'GiveUp' ? 'failed' : name, message: message || name };
}

/**
 * What a tenant may read of a reason: hosts and what is free on them are the operator's, who finds the whole in the log.
 */
export const publicWords = (reason: string): string =>
  reason
    .replace(/\bhost (host_[\w-]+)/g, 'its host')
    .replace(/\bhost_[\w-]+/g, 'a host')
    .replace(/: \d[^;]* needed, -?\d+ free(, \d[^;]* needed, -?\d+ free)*/g, '');
