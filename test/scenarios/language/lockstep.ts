import type { InvokeSteps, WorkflowEngine } from '../../../infra/local/workflows/engine.ts';
import type { OperationKind } from '../../../shared/model/operation.ts';
import type { TestCloud } from '../../support/cloud.ts';
import type { Names } from './names.ts';
import { natural } from './words.ts';

/**
 * Makes a story the same every time it is played: of the workflows that are awake at one instant, one takes a step at a
 * time, in the order of their kinds and of what they work on. Without it the machine's speed would decide who is first.
 * (What may happen in other orders is the business of the random searches.)
 */
export function lockstep(test: TestCloud, names: Names, strike?: Strike): void {
  // The engine has no need of a seam for its own sake.
  const engine = test.cloud.engine as unknown as {
    invoke: InvokeSteps;
    busy: WorkflowEngine['busy'];
    halt: AbortController;
  };
  const { feed } = test.cloud;
  const invoke = engine.invoke;
  const gate: { label: string; go: () => Promise<void> }[] = [];
  let walking = false;

  const walk = async () => {
    if (walking) return;
    walking = true;
    while (gate.length > 0) {
      // Whoever is awake comes to the gate, falls asleep or ends, before the next step is taken.
      do {
        await feed.idle();
        if (engine.busy > gate.length) await breath();
      } while (engine.busy > gate.length);
      gate.sort((a, b) => natural(a.label, b.label));
      await gate.shift()?.go();
    }
    walking = false;
  };

  /** Whoever is to do something right before or after a step does it here. When the process dies, nothing goes on. */
  const struck: InvokeSteps = async (kind, payload) => {
    const { step } = payload as { step: string };
    engine.halt.signal.throwIfAborted();
    if (await strike?.('before', kind, step)) return die();
    const answer = await invoke(kind, payload);
    if (await strike?.('after', kind, step)) return die();
    return answer;
  };
  const die = (): never => {
    engine.halt.abort(new Error('the process died'));
    engine.halt.signal.throwIfAborted();
    throw new Error('it is dead');
  };

  engine.invoke = (kind, payload) =>
    new Promise((resolve, reject) => {
      gate.push({
        label: `${kind} ${labelOf(payload, names)}`,
        go: () => struck(kind, payload).then(resolve, reject),
      });
      void walk();
    });
}

/** What happens in the middle of a workflow. The answer is whether the process dies there. */
export type Strike = (when: 'before' | 'after', kind: OperationKind, step: string) => Promise<boolean>;

function labelOf(payload: unknown, names: Names): string {
  const state = (payload as { state?: Record<string, unknown> }).state ?? {};
  return names.in(
    ['vmId', 'hostId', 'clusterId', 'incidentId', 'planId', 'groupId', 'operationId']
      .map((k) => state[k] ?? '')
      .join(' '),
  );
}

const breath = () => new Promise<void>((resolve) => setImmediate(resolve));
