import { SECOND } from '../../../../shared/kernel/clock.ts';
import type { VmNow } from '../stage.ts';
import type { IncidentNow } from './incident.ts';

/** What the defaults promise for the loss of a host, s of cloud time from the cut (the budgets of ARCHITECTURE.md). */
export const DETECTED_WITHIN_S = 15;
export const READY_WITHIN_S = 80;

export interface Facts {
  cutAt: number;
  hostId: string;
  before: readonly VmNow[];
  after: readonly VmNow[];
  incident: IncidentNow | undefined;
  /** Blocks that were read, and those that are not what was written. */
  blocks: number;
  different: readonly string[];
  /** The truth of the simulated world, which the control plane never sees. */
  processes: readonly { vmId: string; hostId: string; epoch: number }[];
  audit: { ok: boolean; invariants: readonly { id: string; ok: boolean; violations: readonly string[] }[] };
}
export interface Check {
  holds: boolean;
  words: string;
}

/** Everything that has to be true at the end of the story, each with its figures. Pure. */
export function verdictOf(facts: Facts): Check[] {
  const { incident, cutAt, hostId, before, different, blocks, audit } = facts;
  const after = new Map(facts.after.map((vm) => [vm.id, vm]));
  const lost = before.filter((vm) => vm.hostId === hostId);
  const others = before.filter((vm) => vm.hostId !== hostId);
  const recovered = lost.filter((vm) => isElsewhere(vm, after.get(vm.id)));
  const untouched = others.filter((vm) => isUntouched(vm, after.get(vm.id)));
  const once = facts.after.filter((vm) => runsOnce(vm, facts.processes));
  const seconds = (at: string | undefined) => (at ? (Date.parse(at) - cutAt) / SECOND : Number.POSITIVE_INFINITY);
  const detected = seconds(incident?.openedAt);
  const ready = Math.max(...lost.map((vm) => seconds(incident?.vms.find((v) => v.id === vm.id)?.readyAt)));
  const broken = audit.invariants.filter((i) => !i.ok).flatMap((i) => i.violations.map((v) => `${i.id}: ${v}`));
  return [
    { holds: detected <= DETECTED_WITHIN_S, words: `detected ${afterCut(detected)} (at most ${DETECTED_WITHIN_S} s)` },
    { holds: ready <= READY_WITHIN_S, words: `all guests ready ${afterCut(ready)} (at most ${READY_WITHIN_S} s)` },
    {
      holds: lost.length > 0 && recovered.length === lost.length,
      words: `${recovered.length} of ${lost.length} lost VMs run on another host with a higher epoch`,
    },
    {
      holds: untouched.length === others.length,
      words: `${untouched.length} of ${others.length} other VMs ran on, where they were`,
    },
    {
      holds: blocks > 0 && different.length === 0,
      words: `${blocks - different.length} of ${blocks} blocks are byte-identical${list(different)}`,
    },
    {
      holds: once.length === before.length,
      words: `${once.length} of ${before.length} VMs have one process in the simulated world, where they are believed to run`,
    },
    {
      holds: audit.ok,
      words: `audit: ${audit.invariants.filter((i) => i.ok).length} of ${audit.invariants.length} invariants hold${list(broken)}`,
    },
  ];
}

export const isElsewhere = (was: VmNow, is: VmNow | undefined): boolean =>
  is?.state === 'running' && is.hostId !== null && is.hostId !== was.hostId && is.epoch > was.epoch;

export const isUntouched = (was: VmNow, is: VmNow | undefined): boolean =>
  is?.state === 'running' && is.hostId === was.hostId && is.epoch === was.epoch;

/** Belief and truth agree on it. */
function runsOnce(vm: VmNow, processes: Facts['processes']): boolean {
  const mine = processes.filter((p) => p.vmId === vm.id);
  return mine.length === 1 && mine[0]?.hostId === vm.hostId && mine[0]?.epoch === vm.epoch;
}

const afterCut = (seconds: number): string =>
  Number.isFinite(seconds) ? `${seconds.toFixed(1)} s after the cut` : 'never';
const list = (flaws: readonly string[]): string => (flaws.length === 0 ? '' : ` (${flaws.slice(0, 3).join('; ')})`);
