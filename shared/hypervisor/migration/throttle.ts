import {
  THROTTLE_INCREMENT_PERCENT,
  THROTTLE_INITIAL_PERCENT,
  THROTTLE_MAX_PERCENT,
  THROTTLE_TRIGGER_PERCENT,
  THROTTLE_TRIGGER_ROUNDS,
} from '../parameters.ts';
import { requireFigure } from './figures.ts';

/** Slowing the guest down until its memory can be followed (MIG-4), all in % of its CPU time. */
export interface AutoConverge {
  initialPercent: number;
  incrementPercent: number;
  maxPercent: number;
}

/** QEMU's defaults, with what is given in their place. Refused MIG-4 outside of 0 to 99 %, or with a first step above the most. */
export function autoConvergeOf(given: Partial<AutoConverge>): AutoConverge {
  const {
    initialPercent = THROTTLE_INITIAL_PERCENT,
    incrementPercent = THROTTLE_INCREMENT_PERCENT,
    maxPercent = THROTTLE_MAX_PERCENT,
  } = given;
  requireFigure('MIG-4', 'maxPercent', maxPercent, { min: 0, max: THROTTLE_MAX_PERCENT });
  requireFigure('MIG-4', 'initialPercent', initialPercent, { min: 0, max: maxPercent });
  requireFigure('MIG-4', 'incrementPercent', incrementPercent, { min: 0, max: maxPercent });
  return { initialPercent, incrementPercent, maxPercent };
}

/** The throttle between two rounds, and how many rounds have been above the trigger since its last step. */
export interface Throttle {
  percent: number;
  roundsAbove: number;
}
export const UNTHROTTLED: Throttle = { percent: 0, roundsAbove: 0 };

/** The throttle after a round that sent and dirtied so much, MiB. As in QEMU, a calm round does not reset the count. */
export function nextThrottle(now: Throttle, policy: AutoConverge, sentMiB: number, dirtiedMiB: number): Throttle {
  if (dirtiedMiB <= (sentMiB * THROTTLE_TRIGGER_PERCENT) / 100) return now;
  if (now.roundsAbove + 1 < THROTTLE_TRIGGER_ROUNDS) return { ...now, roundsAbove: now.roundsAbove + 1 };
  const wanted = now.percent === 0 ? policy.initialPercent : now.percent + policy.incrementPercent;
  return { percent: Math.min(policy.maxPercent, wanted), roundsAbove: 0 };
}
