import type { AutoConverge } from './throttle.ts';

/** A copy in rounds of something that is written to meanwhile: memory (MIG-3) or disks (STO-5). */
export interface CopyInput {
  /** What the first round sends, before compression. */
  firstMiB: number;
  /** What can be dirty at the end of a round at most. */
  dirtyCapMiB: number;
  dirtyMiBps: number;
  /** What the link carries, after compression. */
  bandwidthMiBps: number;
  /** Bytes on the link for each byte copied. */
  compressionRatio: number;
  allowedPauseMs: number;
  /** Part of the pause that is not copying. */
  resumeMs: number;
  maxRounds: number;
  autoConverge?: AutoConverge;
}

/** One round while the guest runs. */
export interface CopyRound {
  /** On the link, after compression. */
  sentMiB: number;
  seconds: number;
  /** The guest's writes in this round, after throttling. */
  dirtyRateMiBps: number;
  /** Share of its CPU time that the guest is denied. */
  throttlePercent: number;
}

export interface CopyPlan {
  /** `not-converged`: the pause would be too long, so it never happens and nothing moves (MIG-4, MIG-5). */
  outcome: 'completed' | 'not-converged';
  rounds: CopyRound[];
  /** What is left when the rounds end, before compression: sent in the pause, or, when not converged, not at all. */
  remainderMiB: number;
  /** The guest's pause; 0 when not converged. */
  downtimeMs: number;
  /** Rounds and pause. */
  totalSeconds: number;
  /** On the link, rounds and pause. */
  sentMiB: number;
  bandwidthMiBps: number;
  /** CPU time of each vCPU that throttling took. */
  lostCpuSeconds: number;
  /** Only when not converged. */
  reason?: string;
  advice?: CopyAdvice;
}

/** What would let a copy converge that did not; each figure is enough by itself, with all others as they were. */
export interface CopyAdvice {
  /** Absent when no bandwidth is enough. Without auto-converge the smallest whole number that is. */
  bandwidthMiBps?: number;
  /** Absent when even a guest that writes nothing would not do. Without auto-converge the largest whole number that does. */
  dirtyMiBps?: number;
  /** The shortest pause that would have been enough, whole ms. */
  allowedPauseMs: number;
}
