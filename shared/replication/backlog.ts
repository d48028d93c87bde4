import { Refused } from '../hypervisor/refusal.ts';

/**
 * DR-22: what waits to be sent while a volume is written faster than its link carries. Writes are sent in order. Rates
 * are constant within a phase, so every answer is a closed form and no time step is taken.
 */

/** MB are 10^6 bytes, as link rates are given. */
export interface Phase {
  seconds: number;
  writeMBps: number;
  linkMBps: number;
}
export interface Replicated {
  /** Written since the beginning, MB. */
  writtenMB: number;
  /** Received at the target, MB. */
  sentMB: number;
  backlogMB: number;
  /** Age of the oldest write that is not replicated, seconds; 0 when there is none (I4). */
  achievedRpoSeconds: number;
}

/**
 * Where replication stands t seconds after the beginning, when there was no backlog.
 * @throws `Refused` DR-22 when a rate or duration is below zero or no number, or t is not within the phases
 */
export function replicated(phases: readonly Phase[], t: number): Replicated {
  mustBe(phases, t);
  let [begin, writtenMB, sentMB, backlogMB] = [0, 0, 0, 0];
  for (const phase of phases) {
    const seconds = Math.min(phase.seconds, t - begin);
    if (seconds <= 0) break;
    writtenMB += phase.writeMBps * seconds;
    backlogMB = Math.max(0, backlogMB + (phase.writeMBps - phase.linkMBps) * seconds);
    // Summed by itself, not as what is left: a rounding of the difference could reach back over hours without a write.
    sentMB = backlogMB === 0 ? writtenMB : sentMB + phase.linkMBps * seconds;
    begin += phase.seconds;
  }
  return {
    writtenMB,
    sentMB,
    backlogMB,
    achievedRpoSeconds: backlogMB === 0 ? 0 : Math.max(0, t - committedAt(phases, sentMB)),
  };
}

/** The instant, seconds, at which the first write after so many MB was committed. */
function committedAt(phases: readonly Phase[], afterMB: number): number {
  let [begin, written] = [0, 0];
  for (const { seconds, writeMBps } of phases) {
    const more = writeMBps * seconds;
    if (written + more > afterMB) return begin + Math.max(0, afterMB - written) / writeMBps;
    begin += seconds;
    written += more;
  }
  return begin;
}

/**
 * Seconds until a backlog is gone at constant rates; infinite when the link does not carry more than is written.
 * @throws `Refused` DR-22 when a figure is below zero or no number
 */
export function secondsToDrain(backlogMB: number, writeMBps: number, linkMBps: number): number {
  mustBe([{ seconds: backlogMB, writeMBps, linkMBps }], 0);
  if (backlogMB === 0) return 0;
  return linkMBps > writeMBps ? backlogMB / (linkMBps - writeMBps) : Number.POSITIVE_INFINITY;
}

function mustBe(phases: readonly Phase[], t: number): void {
  const refuse = (reason: string, fix: string) => new Refused({ rule: 'DR-22', reason, fix, figures: { t } });
  if (!phases.every((p) => [p.seconds, p.writeMBps, p.linkMBps].every((v) => Number.isFinite(v) && v >= 0)))
    throw refuse('a rate, a duration or a backlog is below zero or no number', 'give figures of zero or more');
  const end = phases.reduce((sum, p) => sum + p.seconds, 0);
  if (!(t >= 0 && t <= end))
    throw refuse(`the rates at ${t} s are not known`, `ask for 0 to ${end} s, or give more phases`);
}
