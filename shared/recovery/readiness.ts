import { iso, MINUTE, SECOND } from '../kernel/clock.ts';
import type { Flaw } from '../kernel/errors.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import { planMachine, type RecoveryPlan } from '../model/recovery-plan.ts';
import type { Vm } from '../model/vm.ts';
import { type Capacity, capacityWords, failuresWords } from './capacity.ts';
import type { Standing } from './standing.ts';
import { drillsOf, isTested, lastDrill } from './tested.ts';

/** What a plan can lack. */
const FINDING_CODES = [
  'no-route',
  'plan-state',
  'group-missing',
  'group-in-use',
  'group-state',
  'no-point',
  'not-tested',
  'mapping',
  'capacity',
  'seats-lacking',
  'failures-unprepared',
  'rpo-violated',
  'not-synced',
  'divergence',
  'link-down',
  'site-silent',
  'rpo-at-risk',
  'drill-overdue',
  'vm-outdated',
] as const;
type FindingCode = (typeof FINDING_CODES)[number];

/**
 * Points of 100 that a finding costs, once per code; `blocks`: nothing may be begun while it is there, so the score is
 * below BLOCKED. Declared: what would make a failover lose data or VMs weighs most.
 */
const WEIGHTS: Record<FindingCode, { points: number; blocks?: true }> = {
  'no-route': { points: 60, blocks: true },
  'plan-state': { points: 60, blocks: true },
  'group-missing': { points: 60, blocks: true },
  'group-in-use': { points: 60, blocks: true },
  'group-state': { points: 50, blocks: true },
  'no-point': { points: 50, blocks: true },
  'not-tested': { points: 30 },
  mapping: { points: 30 },
  capacity: { points: 30 },
  'seats-lacking': { points: 20 },
  'failures-unprepared': { points: 5 },
  'rpo-violated': { points: 25 },
  'not-synced': { points: 20 },
  divergence: { points: 20 },
  'link-down': { points: 20 },
  'site-silent': { points: 15 },
  'rpo-at-risk': { points: 10 },
  'drill-overdue': { points: 10 },
  'vm-outdated': { points: 10 },
};
/** No plan that is blocked has as many points. */
const BLOCKED = 50;

interface ReadinessFinding {
  code: FindingCode;
  /** What it is about: an id. */
  subject: string;
  blocks: boolean;
  points: number;
  message: string;
  fix: string;
  figures: Record<string, unknown>;
}
export interface Readiness {
  /** 0 to 100. */
  score: number;
  /** Nothing is found that would keep a switch from beginning. */
  ready: boolean;
  findings: ReadinessFinding[];
}

export interface ReadinessFacts {
  plan: RecoveryPlan;
  groups: readonly ProtectedGroup[];
  vms: readonly Pick<Vm, 'id' | 'name' | 'protection'>[];
  standings: readonly Standing[];
  capacity?: Capacity;
  /** By VM, what the plan keeps at its recovery site (DR-21). */
  seats?: ReadonlyMap<string, unknown> | undefined;
  flaws: readonly Flaw[];
  now: number;
}

/** How ready a plan is, with everything that is found and what would mend it. Pure. */
export function readinessOf(facts: ReadinessFacts): Readiness {
  const findings = [
    ...planFindings(facts),
    ...facts.groups.flatMap((group) => groupFindings(group, facts)),
    ...facts.standings.flatMap(standingFindings),
    ...siteFindings(facts),
    ...outdatedFindings(facts),
  ];
  const codes = [...new Set(findings.map((f) => f.code))];
  const score = Math.max(0, 100 - codes.reduce((sum, code) => sum + WEIGHTS[code].points, 0));
  const blocked = findings.some((f) => f.blocks);
  const ready = !blocked && !codes.some((c) => c === 'not-tested' || c === 'mapping' || c === 'capacity');
  return { score: blocked ? Math.min(score, BLOCKED - 1) : score, ready, findings };
}

const finding = (
  code: FindingCode,
  subject: string,
  message: string,
  fix: string,
  figures: Record<string, unknown> = {},
): ReadinessFinding => {
  const { points, blocks = false } = WEIGHTS[code];
  return { code, subject, blocks, points, message, fix, figures };
};

function planFindings({ plan, groups, now, capacity }: ReadinessFacts): ReadinessFinding[] {
  const found: ReadinessFinding[] = [];
  if (!planMachine.can(plan.state, 'failover'))
    found.push(
      finding(
        'plan-state',
        plan.id,
        `the plan is ${plan.state}${plan.claim ? `, held by operation ${plan.claim}` : ''}`,
        nextOf(plan),
        { state: plan.state },
      ),
    );
  if (!capacity && groups.length > 0)
    found.push(finding('no-route', plan.id, 'its groups have no site to go to', 'protect them again (reprotect)'));
  if (!isTested(plan, groups)) {
    const last = lastDrill(plan);
    found.push(
      finding('not-tested', plan.id, notTestedWords(plan), 'test it and clean the test up', {
        ...(last ? { lastTestAt: iso(last) } : {}),
      }),
    );
  }
  const drills = drillsOf(plan, now);
  if (drills && drills.overdueDays > 0)
    found.push(
      finding(
        'drill-overdue',
        plan.id,
        `it was to be tested every ${drills.everyDays} days, and is ${drills.overdueDays} days late`,
        'test it and clean the test up',
        { everyDays: drills.everyDays, due: iso(drills.nextDue), overdueDays: drills.overdueDays },
      ),
    );
  return found;
}

/** I11, in words. */
export function notTestedWords(plan: RecoveryPlan): string {
  const last = lastDrill(plan);
  if (last === undefined) return 'no test of the plan was ever successful';
  return `the last successful test, of ${iso(last)}, was of the plan before it or its groups have changed`;
}

/** What is to be done with a plan that is under way. */
export function nextOf({ state, claim }: Pick<RecoveryPlan, 'state' | 'claim'>): string {
  if (claim) return `wait for operation ${claim}`;
  switch (state) {
    case 'testComplete':
    case 'testPartialFailure':
    case 'cleanupPartialFailure':
      return 'clean the test up (cleanup)';
    case 'migratePartialFailure':
      return 'go on with it (migrate), take it back (rollback), or fail over';
    case 'failoverPartialFailure':
      return 'go on with it (failover)';
    case 'recoveredPeerPending':
      return 'wait until the former site is back, or abandon it (abandon-former of its groups); then protect it the other way round (reprotect)';
    case 'recovered':
    case 'reprotectPartialFailure':
      return 'protect it the other way round (reprotect)';
    default:
      return 'wait until it has ended';
  }
}

/** States in which the copy is what it should be, or a test of it stands. */
const SOUND: readonly ProtectedGroup['state'][] = ['protected', 'testing', 'testComplete', 'cleaning'];

function groupFindings(group: ProtectedGroup, { plan }: ReadinessFacts): ReadinessFinding[] {
  const found: ReadinessFinding[] = [];
  if (group.usedBy !== undefined && group.usedBy !== plan.id)
    found.push(
      finding(
        'group-in-use',
        group.id,
        `${group.name} is used by plan ${group.usedBy}`,
        'wait for that plan, or clean it up',
        {
          usedBy: group.usedBy,
        },
      ),
    );
  if (!SOUND.includes(group.state))
    found.push(
      finding(
        'group-state',
        group.id,
        `${group.name} is ${group.state}${group.reason ? `: ${group.reason}` : ''}`,
        group.state === 'suspended' ? 'resume it' : 'wait until it is protected, or mend what it says',
        { state: group.state },
      ),
    );
  return found;
}

const seconds = (ms: number) => Math.round(ms / SECOND);

function standingFindings(s: Standing): ReadinessFinding[] {
  const found: ReadinessFinding[] = [];
  const add = (code: FindingCode, message: string, fix: string, figures: Record<string, unknown> = {}) =>
    found.push(finding(code, s.groupId, message, fix, figures));
  const silent = [s.heard.primary ? [] : ['primary'], s.heard.target ? [] : ['recovery']].flat();
  if (silent.length > 0)
    add(
      'site-silent',
      `the ${silent.join(' and the ')} site of ${s.name} does not answer`,
      'look at the site and its link',
      {
        sites: silent,
      },
    );
  if (s.heard.target && !s.newest)
    add('no-point', `${s.name} has no complete point at the recovery site`, 'wait for its first copy');
  if (s.linkUp === false) add('link-down', `the link of ${s.name} is down`, 'mend the link');
  const figures = {
    ...(s.rpoMs === undefined ? {} : { rpoSeconds: seconds(s.rpoMs) }),
    expectedRpoSeconds: seconds(s.expectedRpoMs),
    ...(s.backlogBytes === undefined ? {} : { backlogBytes: s.backlogBytes }),
  };
  if (s.mode === 'sync' && s.leg !== undefined && s.leg !== 'synced')
    add(
      'not-synced',
      `${s.name} is to be synchronous, and its copy is ${s.leg}`,
      'mend the link and let it catch up',
      figures,
    );
  else if (s.rpo === 'violated' && s.newest)
    add(
      'rpo-violated',
      `the newest complete point of ${s.name} is ${seconds(s.rpoMs ?? 0)} s old, ${s.expectedRpoMs / MINUTE} min are promised`,
      'give it more of the link (mbps), or a longer RPO',
      figures,
    );
  else if (s.rpo === 'atRisk')
    add(
      'rpo-at-risk',
      `the next point of ${s.name} will be late`,
      'give it more of the link (mbps), or a longer RPO',
      figures,
    );
  if (s.divergent)
    add(
      'divergence',
      `site ${s.divergent.siteId} holds ${s.divergent.count} writes (${s.divergent.bytes} bytes) that ${s.name} does not have`,
      'look at them, then discard them (discard-divergence)',
      s.divergent,
    );
  return found;
}

/** States of the group in which the watch sees to its seats; from a switch on until it is reprotected there are none. */
const SEATED: readonly ProtectedGroup['state'][] = [...SOUND, 'initialSync', 'suspended', 'error'];

/** DR-21: what was to be kept at the recovery site, and is not. */
function seatFindings({ plan, groups, vms, seats, capacity }: ReadinessFacts): ReadinessFinding[] {
  if (plan.reserve !== 'full' || !seats || !capacity || !groups.every((g) => SEATED.includes(g.state))) return [];
  const without = vms.filter((vm) => !seats.has(vm.id));
  if (without.length === 0) return [];
  return [
    finding(
      'seats-lacking',
      capacity.siteId,
      `room is to be kept there for each VM, and ${without.length} of ${vms.length} have none; the first is ${without[0]?.name}`,
      'bring hosts of the recovery site back, or add some: seats are taken by themselves as soon as there is room',
      { siteId: capacity.siteId, withoutSeat: without.length, vms: vms.length, free: capacity.free },
    ),
  ];
}

function siteFindings(facts: ReadinessFacts): ReadinessFinding[] {
  const { capacity, flaws, plan } = facts;
  const found = flaws.map(({ location, message, fix = 'change the plan' }) =>
    finding(message.startsWith('There is no protected group') ? 'group-missing' : 'mapping', plan.id, message, fix, {
      location: location.replace(/^body\./, ''),
    }),
  );
  found.push(...seatFindings(facts));
  const used = capacity && failuresWords(capacity);
  if (capacity && used)
    found.push(
      finding(
        'failures-unprepared',
        capacity.siteId,
        `with its VMs there nothing would be left for failures of hosts (HA-13): ${used}`,
        'add hosts there, or be ready to repair them fast after a failover',
        { clusters: capacity.failures },
      ),
    );
  const words = capacity && capacityWords(capacity);
  if (!capacity || !words) return found;
  const fix = capacity.homeless[0]?.help[0] ?? 'free or add storage at the recovery site';
  return [
    ...found,
    finding('capacity', capacity.siteId, words, fix, {
      needed: capacity.needed,
      free: capacity.free,
      lacking: capacity.lacking,
      homeless: capacity.homeless.length,
    }),
  ];
}

const outdatedFindings = ({ vms }: ReadinessFacts): ReadinessFinding[] =>
  vms.flatMap(({ id, name, protection }) =>
    protection?.outdated === undefined
      ? []
      : [
          finding(
            'vm-outdated',
            id,
            `${name} has changed since it was protected: ${protection.outdated}`,
            'execute its group again',
          ),
        ],
  );
