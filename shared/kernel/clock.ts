/**
 * Cloud time. Domain code never asks the machine for the time: it is given a Clock, so that a recovery can be replayed,
 * sped up or driven by a test. All times are milliseconds since the Unix epoch, in cloud time.
 */
export interface Clock {
  /** Cloud time in milliseconds. Never goes backwards. */
  now(): number;
  /** Resolves once `now() >= at`; rejects with the signal's reason if aborted. */
  sleepUntil(at: number, signal?: AbortSignal): Promise<void>;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** RFC 3339 in UTC, as every API answer writes times. */
export const iso = (at: number): string => new Date(at).toISOString();

/** Node's timers fire at once beyond 2^31-1 ms (24.8 days), so longer waits are cut into pieces of this many ms. */
const LONGEST_TIMER_MS = 2_000_000_000;

interface Sleeper {
  at: number;
  wake: () => void;
  timer?: NodeJS.Timeout;
}

/** Cloud time runs with the machine's time. Used on AWS. */
export class RealClock implements Clock {
  now(): number {
    return Date.now();
  }

  async sleepUntil(at: number, signal?: AbortSignal): Promise<void> {
    while (this.now() < at) await pause(Math.min(at - this.now(), LONGEST_TIMER_MS), signal);
  }
}

/** What must be remembered for cloud time to go on after a restart. */
export interface ClockState {
  /** Cloud time at the anchor, ms. */
  cloud: number;
  /** Machine time at the anchor, ms. */
  real: number;
  /** Cloud seconds that pass in one real second. */
  speed: number;
}

/** cloud time = anchor + (real - anchor's real) x speed. The speed may change and time may be advanced while it runs. */
export class ScaledClock implements Clock {
  private state: ClockState;
  private last = 0;
  private readonly sleepers = new Set<Sleeper>();
  private readonly machineNow: () => number;
  /** Called with the new anchor whenever speed or time is changed by hand. */
  onChange: (state: ClockState) => void = () => {};

  constructor(state: ClockState, machineNow: () => number = Date.now) {
    this.state = state;
    this.machineNow = machineNow;
  }

  get speed(): number {
    return this.state.speed;
  }

  now(): number {
    const at = Math.floor(this.state.cloud + (this.machineNow() - this.state.real) * this.state.speed);
    this.last = Math.max(this.last, at);
    return this.last;
  }

  setSpeed(speed: number): void {
    this.reanchor(0, speed);
  }

  advance(ms: number): void {
    this.reanchor(ms, this.state.speed);
  }

  sleepUntil(at: number, signal?: AbortSignal): Promise<void> {
    return sleepIn(this.sleepers, at, this.now(), signal, (sleeper) => this.arm(sleeper));
  }

  private reanchor(advanceMs: number, speed: number): void {
    this.state = { cloud: this.now() + advanceMs, real: this.machineNow(), speed };
    this.onChange(this.state);
    for (const sleeper of [...this.sleepers]) this.arm(sleeper);
  }

  private arm(sleeper: Sleeper): void {
    clearTimeout(sleeper.timer);
    const left = sleeper.at - this.now();
    if (left <= 0) {
      sleeper.wake();
      return;
    }
    const real = Math.min(Math.max(1, Math.ceil(left / this.state.speed)), LONGEST_TIMER_MS);
    sleeper.timer = setTimeout(() => this.arm(sleeper), real);
  }
}

/** Time stands still until a test advances it. */
export class ManualClock implements Clock {
  private at: number;
  private readonly sleepers = new Set<Sleeper>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.at = start;
  }

  now(): number {
    return this.at;
  }

  sleepUntil(at: number, signal?: AbortSignal): Promise<void> {
    return sleepIn(this.sleepers, at, this.at, signal, () => {});
  }

  /** When the next sleeper wakes, or undefined when nobody sleeps. */
  nextWake(): number | undefined {
    let next: number | undefined;
    for (const { at } of this.sleepers) next = next === undefined ? at : Math.min(next, at);
    return next;
  }

  /** Moves time forward (never back) and wakes in order whoever is due. */
  advanceTo(at: number): void {
    if (at < this.at) throw new Error(`time cannot go back: ${iso(at)} is before ${iso(this.at)}`);
    this.at = at;
    const due = [...this.sleepers].filter((s) => s.at <= at).sort((a, b) => a.at - b.at);
    for (const sleeper of due) sleeper.wake();
  }
}

function sleepIn(
  sleepers: Set<Sleeper>,
  at: number,
  now: number,
  signal: AbortSignal | undefined,
  arm: (sleeper: Sleeper) => void,
): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (at <= now) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = () => {
      leave();
      reject(signal?.reason);
    };
    const leave = () => {
      clearTimeout(sleeper.timer);
      sleepers.delete(sleeper);
      signal?.removeEventListener('abort', stop);
    };
    const sleeper: Sleeper = {
      at,
      wake: () => {
        leave();
        resolve();
      },
    };
    signal?.addEventListener('abort', stop, { once: true });
    sleepers.add(sleeper);
    arm(sleeper);
  });
}

/** A pause of machine time. Only the rim uses it: long polling, back-off of a contended write. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
