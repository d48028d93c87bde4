import { readFileSync } from 'node:fs';
import type { OperationKind } from '../../../shared/model/operation.ts';
import { WORKFLOWS } from '../../topology.ts';

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxAttempts?: number;
  MaxDelaySeconds?: number;
}
interface AslState {
  Type: string;
  Parameters?: Record<string, unknown>;
  Retry?: Retrier[];
  SecondsPath?: string;
  TimestampPath?: string;
  Seconds?: number;
  [field: string]: unknown;
}
export interface Definition {
  StartAt: string;
  States: Record<string, AslState>;
}

export const readDefinition = (kind: OperationKind): Definition =>
  JSON.parse(readFileSync(new URL(`../../../${WORKFLOWS[kind].definition}`, import.meta.url), 'utf8')) as Definition;

/** A state that the engine runs through a hook: what the hook needs to know of it. */
export interface Hooked {
  kind: 'task' | 'wait';
  retry: Retrier[];
}

/**
 * The same machine, made ready for the embedded engine. Tasks also receive the whole state, for the journal. Waits become
 * tasks whose hook waits in cloud time, and retries are left to the hook: the engine itself knows only machine time.
 */
export function embed(definition: Definition): { definition: Definition; hooks: Map<string, Hooked> } {
  const hooks = new Map<string, Hooked>();
  const States = Object.fromEntries(
    Object.entries(definition.States).map(([name, state]): [string, AslState] => {
      if (state.Type === 'Task') {
        const { Retry = [], TimeoutSeconds: _, ...rest } = state;
        hooks.set(name, { kind: 'task', retry: Retry });
        return [name, { ...rest, Parameters: { ...state.Parameters, 'journal.$': '$' } }];
      }
      if (state.Type === 'Wait') {
        const { SecondsPath, TimestampPath, Seconds, Type: _, ...rest } = state;
        hooks.set(name, { kind: 'wait', retry: [] });
        const due = SecondsPath
          ? { 'seconds.$': SecondsPath }
          : TimestampPath
            ? { 'timestamp.$': TimestampPath }
            : { seconds: Seconds };
        return [
          name,
          {
            ...rest,
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke',
            Parameters: { ...due, 'journal.$': '$' },
            ResultPath: null,
          },
        ];
      }
      return [name, state];
    }),
  );
  return { definition: { ...definition, States }, hooks };
}
