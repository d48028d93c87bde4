import type { Check } from '../host/verdict.ts';
import type { VmNow } from '../stage.ts';
import type { ExecutionNow } from './plan.ts';

/** A fire is noticed by people, who give the word. From then on a plan of this size takes at most so long, s. Declared. */
export const READY_WITHIN_S = 300;

export interface DisasterFacts {
  homeSiteId: string;
  otherSiteId: string;
  before: readonly VmNow[];
  /** After the fire, and after all came home. */
  away: readonly VmNow[];
  home: readonly VmNow[];
  test: ExecutionNow;
  failover: ExecutionNow;
  failback: ExecutionNow;
  /** The failover as it stands once the old site was heard again. */
  settled: ExecutionNow;
  /** VMs of the synchronous group. */
  inStep: ReadonlySet<string>;
  /** Blocks of the first round and of the second, and those that are not what was written: after the fire, and at home. */
  first: { blocks: number; awayDifferent: readonly string[]; homeDifferent: readonly string[] };
  second: { blocks: number; awayMissing: readonly string[]; homeMissing: readonly string[] };
  /** Writes that the burnt site alone had, as it said when it was back. */
  divergent: number;
  processes: readonly { vmId: string; hostId: string; epoch: number }[];
  audit: { ok: boolean; invariants: readonly { id: string; ok: boolean; violations: readonly string[] }[] };
}

/** Everything that has to be true at the end of the story, each with its figures. Pure. */
export function disasterVerdict(facts: DisasterFacts): Check[] {
  const { before, away, home, failover, failback, settled, first, second, audit } = facts;
  const at = (vms: readonly VmNow[], siteId: string) =>
    vms.filter((vm) => vm.state === 'running' && vm.siteId === siteId);
  const slowest = Math.max(...failover.vms.map((vm) => vm.rtoSeconds ?? Number.POSITIVE_INFINITY));
  const names = new Set(before.filter((vm) => facts.inStep.has(vm.id)).map((vm) => vm.name));
  const lostInStep = second.awayMissing.filter((line) => names.has(line.split(',')[0] ?? ''));
  const once = home.filter((vm) => {
    const mine = facts.processes.filter((p) => p.vmId === vm.id);
    return mine.length === 1 && mine[0]?.hostId === vm.hostId && mine[0]?.epoch === vm.epoch;
  });
  const broken = audit.invariants.filter((i) => !i.ok).flatMap((i) => i.violations.map((v) => `${i.id}: ${v}`));
  return [
    {
      holds: facts.test.vms.length === before.length && facts.test.vms.every((vm) => vm.ready),
      words: `the drill started ${facts.test.vms.filter((vm) => vm.ready).length} of ${before.length} copies, and left nothing behind`,
    },
    {
      holds: at(away, facts.otherSiteId).length === before.length,
      words: `${at(away, facts.otherSiteId).length} of ${before.length} VMs ran at the other site after the fire`,
    },
    {
      holds: slowest <= READY_WITHIN_S,
      words: `the last of them served ${slowest.toFixed(1)} s after the word (at most ${READY_WITHIN_S} s)`,
    },
    {
      holds: first.awayDifferent.length === 0,
      words: `${first.blocks - first.awayDifferent.length} of ${first.blocks} blocks that were there before the last point are byte-identical${list(first.awayDifferent)}`,
    },
    { holds: lostInStep.length === 0, words: `the synchronous group has lost nothing${list(lostInStep)}` },
    {
      holds: second.awayMissing.length === failover.lostWrites.count && facts.divergent === failover.lostWrites.count,
      words: `${failover.lostWrites.count} writes were reported lost; ${second.awayMissing.length} blocks are missing, and the burnt site had ${facts.divergent} that nobody else has`,
    },
    {
      holds: settled.lostWrites.known === 'exact',
      words: `the report is ${settled.lostWrites.known} since the burnt site was heard again`,
    },
    {
      holds: at(home, facts.homeSiteId).length === before.length && failback.lostWrites.count === 0,
      words: `${at(home, facts.homeSiteId).length} of ${before.length} VMs came home, with ${failback.lostWrites.count} writes lost`,
    },
    {
      holds: first.homeDifferent.length === 0 && second.homeMissing.length === second.awayMissing.length,
      words: `at home every block is what it was at the other site${list(first.homeDifferent)}`,
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

const list = (flaws: readonly string[]): string => (flaws.length === 0 ? '' : ` (${flaws.slice(0, 3).join('; ')})`);
