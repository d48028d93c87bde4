import { STEP_TABLES } from '../../infra/local/workflows/steps.ts';
import type { OperationKind } from '../../shared/model/operation.ts';
import type { Store } from '../../shared/store/store.ts';
import type { StepTable } from '../../workflows/engine/step-table.ts';

/** What is done to a workflow while it runs. Every workflow must bear each of these, at each of its steps. */
export type Harm =
  | { kind: 'none' }
  /** Each step is executed twice. */
  | { kind: 'twice' }
  /** The step fails for good, before it does anything. */
  | { kind: 'fails'; step: string }
  /** The step fails for good after it did its work: the answer is lost. */
  | { kind: 'fails-after'; step: string }
  /** As `fails-after`, and every undo is executed twice. */
  | { kind: 'undo-twice'; step: string }
  /** The function dies right after its n-th write to the tables; the state machine runs the step again. */
  | { kind: 'crash-after-write'; n: number }
  /** The function dies after the step did its work; the state machine runs the step again. */
  | { kind: 'crash-after'; step: string };

class Injected extends Error {
  constructor() {
    super('injected by the harness');
    this.name = 'GiveUp';
  }
}
class Crashed extends Error {
  constructor() {
    super('the function died');
    this.name = 'TryAgain';
  }
}

/** Wraps the steps of one workflow with a harm. Restores them when disposed. */
export function harm(
  kind: OperationKind,
  what: Harm,
): { hits: () => number; writes: () => number; restore: () => void } {
  const table = STEP_TABLES[kind];
  const before: StepTable = { ...table };
  let hits = 0;
  let writes = 0;
  /** A store that lets the n-th write happen, and then the function is no more. */
  const dying = (store: Store, n: number): Store =>
    new Proxy(store, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        if (name !== 'commit' && name !== 'update' && name !== 'put') return member.bind(target);
        return async (...args: unknown[]) => {
          const out = await (member as (...a: unknown[]) => Promise<unknown>).apply(target, args);
          if (++writes === n) {
            hits++;
            throw new Crashed();
          }
          return out;
        };
      },
    });
  for (const [name, step] of Object.entries(before)) {
    let first = true;
    table[name] = {
      ...step,
      async do(state, deps) {
        const here = 'step' in what && what.step === name;
        if (here && what.kind === 'fails') {
          hits++;
          throw new Injected();
        }
        // An undisturbed run is counted with: at write 0 nobody dies.
        if (what.kind === 'none') return step.do(state, { ...deps, store: dying(deps.store, 0) });
        if (what.kind === 'crash-after-write') return step.do(state, { ...deps, store: dying(deps.store, what.n) });
        let out = await step.do(state, deps);
        if (what.kind === 'twice') {
          hits++;
          out = await step.do(state, deps);
        }
        if (here && (what.kind === 'fails-after' || what.kind === 'undo-twice')) {
          hits++;
          throw new Injected();
        }
        if (here && what.kind === 'crash-after' && first) {
          first = false;
          hits++;
          throw new Crashed();
        }
        return out;
      },
      undo:
        typeof step.undo === 'function' && what.kind === 'undo-twice'
          ? async (state, deps) => {
              const undo = step.undo as (s: typeof state, d: typeof deps) => Promise<void>;
              await undo(state, deps);
              await undo(state, deps);
            }
          : step.undo,
    };
  }
  return {
    hits: () => hits,
    writes: () => writes,
    restore: () => {
      for (const [name, step] of Object.entries(before)) table[name] = step;
    },
  };
}

/** Writes of each workflow's steps in the harness's story: each is died after. The undisturbed run checks the figures. */
export const WRITES: Record<OperationKind, number> = {
  'provision-vm': 3,
  'start-vm': 3,
  'stop-vm': 2,
  'delete-vm': 2,
  'ha-recovery': 11,
  'recover-guest': 3,
  'reconcile-host': 2,
  'power-on-host': 2,
  'migrate-vm': 4,
  'convert-vm': 4,
  'move-volumes': 3,
  'grow-disk': 2,
  configure: 7,
  'evacuate-host': 4,
  'expand-host': 7,
  'protect-group': 3,
  'unprotect-group': 3,
  'plan-test': 13,
  'plan-cleanup': 5,
  'plan-migrate': 25,
  'plan-failover': 15,
  'plan-reprotect': 7,
  'site-switch': 6,
};

/** Every harm that a workflow is put through. */
export function harmsOf(kind: OperationKind): Harm[] {
  const steps = Object.keys(STEP_TABLES[kind]);
  return [
    { kind: 'none' },
    { kind: 'twice' },
    ...Array.from({ length: WRITES[kind] }, (_, i): Harm => ({ kind: 'crash-after-write', n: i + 1 })),
    ...steps.flatMap((step): Harm[] => [
      { kind: 'fails', step },
      { kind: 'fails-after', step },
      { kind: 'undo-twice', step },
      { kind: 'crash-after', step },
    ]),
  ];
}

export const wordsOf = (h: Harm): string =>
  'step' in h ? `${h.kind} ${h.step}` : 'n' in h ? `${h.kind} ${h.n}` : h.kind;
/** Whether the workflow is expected to reach its goal under the harm. */
export const survives = (h: Harm): boolean =>
  h.kind === 'none' || h.kind === 'twice' || h.kind === 'crash-after' || h.kind === 'crash-after-write';
