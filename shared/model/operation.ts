import { stateMachine } from './state-machine.ts';

/** The kinds of long work; each is a workflow of the same name. */
export const OPERATION_KINDS = [
  'provision-vm',
  'start-vm',
  'stop-vm',
  'delete-vm',
  'ha-recovery',
  'recover-guest',
  'reconcile-host',
  'power-on-host',
  'migrate-vm',
  'convert-vm',
  'move-volumes',
  'grow-disk',
  'configure',
  'evacuate-host',
  'expand-host',
  'protect-group',
  'unprotect-group',
  'plan-test',
  'plan-cleanup',
  'plan-migrate',
  'plan-failover',
  'plan-reprotect',
  'site-switch',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/**
 * S8 of the vocabulary, with three readings: a cancelled operation has a state of its own instead of `failed` with a
 * flag; one that ends before its first step reports is not led through `running`; and one that is cancelled before its
 * first step is unwound all the same, since it holds its target from the moment it was accepted.
 */
export type OperationState = 'waiting' | 'running' | 'success' | 'failed' | 'cancelling' | 'cancelled';
export type OperationEvent = 'begin' | 'complete' | 'fail' | 'cancel' | 'compensated' | 'tooLate';
export const operationMachine = stateMachine<OperationState, OperationEvent>('operation', {
  waiting: { begin: 'running', complete: 'success', fail: 'failed', cancel: 'cancelling' },
  running: { complete: 'success', fail: 'failed', cancel: 'cancelling' },
  cancelling: { compensated: 'cancelled', tooLate: 'success' },
  success: {},
  failed: {},
  cancelled: {},
});

export interface OperationStep {
  name: string;
  state: 'running' | 'success' | 'failed';
  startedAt: number;
  finishedAt?: number;
  detail?: string;
}

/**
 * Long work, and at once the outbox message that starts it: the insert of this item in the Events table is what makes
 * the dispatcher start the workflow, so that nothing can be acknowledged without being started.
 */
export interface Operation {
  id: string;
  kind: OperationKind;
  tenantId?: string;
  target: string;
  state: OperationState;
  percent: number;
  steps: OperationStep[];
  /** What whoever asked for it must know of how it goes. */
  note?: string;
  /** Whoever asked for it may take it back while it runs. */
  cancelable?: true;
  error?: { code: string; message: string };
  result?: Record<string, unknown>;
  /** What the workflow is started with, beside the operation's id. */
  input: Record<string, unknown>;
  createdAt: number;
  finishedAt?: number;
}

export const isFinal = (state: OperationState): boolean =>
  state === 'success' || state === 'failed' || state === 'cancelled';
