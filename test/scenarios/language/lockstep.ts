import type { InvokeSteps, WorkflowEngine } from '../../../infra/local/workflows/engine.ts';
import type { TestCloud } from '../../support/cloud.ts';
import type { Names } from './names.ts';
import { natural } from './words.ts';

/**
 * Makes a story the same every time it is played: of the workflows that are awake at one instant, one takes a step at a
 * time, in the order of their kinds and of what they work on. Without it the machine's speed would decide who is first.
 * (What may happen in other orders is the business of the random searches.)
 */
export function lockstep(test: TestCloud, names: Names): void {
  // The engine has no need of a seam for its own sake.
  const engine = test.cloud.engine as unknown as { invoke: InvokeSteps; busy: WorkflowEngine['busy'] };
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

  engine.invoke = (kind, payload) =>
    new Promise((resolve, reject) => {
      gate.push({
        label: `${kind} ${labelOf(payload, names)}`,
        go: () => invoke(kind, payload).then(resolve, reject),
      });
      void walk();
    });
}

function labelOf(payload: unknown, names: Names): string {
  const state = (payload as { state?: Record<string, unknown> }).state ?? {};
  return names.in(['vmId', 'hostId', 'clusterId', 'incidentId', 'operationId'].map((k) => state[k] ?? '').join(' '));
}

const breath = () => new Promise<void>((resolve) => setImmediate(resolve));
