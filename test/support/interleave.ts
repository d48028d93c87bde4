import { onTestFinished } from 'vitest';
import { STEP_TABLES } from '../../infra/local/workflows/steps.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import type { OperationKind } from '../../shared/model/operation.ts';
import { Store } from '../../shared/store/store.ts';
import { GiveUp, type State, type Step, type StepDeps, TryAgain } from '../../workflows/engine/step-table.ts';

type Undo = Extract<Step['undo'], (...args: never[]) => unknown>;
type Around<R> = (run: (deps?: StepDeps) => Promise<R>, deps: StepDeps, state: State) => Promise<R>;

function stepOf(kind: OperationKind, step: string): Step {
  const line = STEP_TABLES[kind][step];
  if (!line) throw new Error(`${kind} has no step '${step}'`);
  return line;
}

/** Until the test ends this is done in place of the step, which it may run, with other surroundings too. */
export function aroundStep(kind: OperationKind, step: string, what: Around<Record<string, unknown>>): void {
  const line = stepOf(kind, step);
  const original = line.do;
  line.do = (state, deps) => what((other = deps) => original(state, other), deps, state);
  onTestFinished(() => {
    line.do = original;
  });
}

/** As `aroundStep`, for what unwinds the step. */
export function aroundUndo(kind: OperationKind, step: string, what: Around<void>): void {
  const line = stepOf(kind, step);
  const original = line.undo as Undo;
  line.undo = (state, deps) => what((other = deps) => original(state, other), deps, state);
  onTestFinished(() => {
    line.undo = original;
  });
}

/** The step has to be tried again until it is let go. */
export function holdStep(kind: OperationKind, step: string): { letGo(): void } {
  let held = true;
  aroundStep(kind, step, async (run) => {
    if (held) throw new TryAgain('held by the test');
    return run();
  });
  return {
    letGo() {
      held = false;
    },
  };
}

/** The step fails for good until it is mended. */
export function breakStep(kind: OperationKind, step: string): { mend(): void } {
  let broken = true;
  aroundStep(kind, step, async (run) => {
    if (broken) throw new GiveUp('injected', 'given up by the test');
    return run();
  });
  return {
    mend() {
      broken = false;
    },
  };
}

/** The store with one of its functions replaced. */
function replaced<N extends 'commit' | 'queryAll'>(store: Store, name: N, by: Store[N]): Store {
  return new Proxy(store, {
    get(target, asked) {
      if (asked === name) return by;
      const member = Reflect.get(target, asked, target) as unknown;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** What is done before each transaction; all that it was made from has been read. */
export const beforeCommits = (store: Store, act: () => Promise<void>): Store =>
  replaced(store, 'commit', async (tx) => {
    await act();
    return store.commit(tx);
  });

/** What is done after the first transaction; it may throw, as of a function that dies then. */
export const afterFirstCommit = (store: Store, act: () => void): Store => {
  let first = true;
  return replaced(store, 'commit', async (tx) => {
    await store.commit(tx);
    if (first) {
      first = false;
      act();
    }
  });
};

/** Indexes show nothing yet of what was written. */
export const laggingIndexes = (store: Store): Store =>
  replaced(store, 'queryAll', async (pk, table, options) => (options?.index ? [] : store.queryAll(pk, table, options)));

/** Only the first of several calls does it. */
export function once(act: () => Promise<void>): () => Promise<void> {
  let done = false;
  return async () => {
    if (done) return;
    done = true;
    await act();
  };
}

export const withPort = (deps: StepDeps, port: Partial<HypervisorPort>): StepDeps => ({
  ...deps,
  port: { ...deps.port, ...port },
});

/** Where work stands still until the test lets it pass. */
export class Gate {
  /** Somebody stands at it. */
  readonly reached: Promise<void>;
  readonly pass: () => Promise<void>;
  readonly open: () => void;

  constructor() {
    const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.reached = reached.promise;
    this.open = opened.resolve;
    this.pass = () => {
      reached.resolve();
      return opened.promise;
    };
  }
}

/** Opens as soon as so many stand at it. */
export function meeting(count: number): () => Promise<void> {
  const gate = new Gate();
  let there = 0;
  return () => {
    if (++there === count) gate.open();
    return gate.pass();
  };
}

/** The error of what failed, or undefined. */
export const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/**
 * The next so many transactions wait for each other before the first of them is carried out: so each was decided on the same
 * picture, and what they took in it they must not both be given.
 */
export function meetBeforeCommit(count: number): { met: () => boolean } {
  const original = Store.prototype.commit;
  let arrived = 0;
  let open: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  Store.prototype.commit = async function (tx) {
    if (++arrived === count) open();
    await all;
    return original.call(this, tx);
  };
  onTestFinished(() => {
    Store.prototype.commit = original;
  });
  return { met: () => arrived >= count };
}
