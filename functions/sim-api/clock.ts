import type * as z from 'zod';
import type { setClock } from '../../shared/contract/sim-shapes.ts';
import { iso, SECOND } from '../../shared/kernel/clock.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Call } from '../http/call.ts';

/** What can be done to cloud time, where it is not the real one. */
export interface ClockControl {
  readonly speed: number;
  setSpeed(speed: number): void;
  advance(ms: number): void;
}

export const clockHandlers = (control: ClockControl | undefined) => ({
  getClock: async (call: Call) => ({ status: 200, body: { now: iso(call.now), speed: control?.speed ?? 1 } }),

  async setClock(call: Call<z.infer<typeof setClock>>) {
    if (!control) throw new DomainError('clock-not-adjustable', 'Time is real here.');
    if ('speed' in call.body) control.setSpeed(call.body.speed);
    else control.advance(call.body.advanceSeconds * SECOND);
    const answer = { status: 200, body: { now: iso(call.now), speed: control.speed } };
    return call.commit(new Transaction(), answer, {
      event: { type: 'simulation.changed', subject: 'clock', data: call.body },
    });
  },
});
