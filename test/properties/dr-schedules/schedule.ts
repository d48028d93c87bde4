import fc from 'fast-check';
import type { PlanAction } from '../../../shared/model/execution.ts';
import type { FaultKind } from '../../../shared/model/fault.ts';

export type Place = 'a' | 'b' | 'link' | 'host';
/** What happens, so many half seconds after what happened before. Numbers of groups, plans and hosts count round. */
export type Happening = { gap: number } & (
  | { do: 'plan'; action: PlanAction; plan: number }
  /** One of those actions that the state of the plan allows. */
  | { do: 'onward'; plan: number; which: number }
  /** A disaster: a site is lost, and what was there is failed over. */
  | { do: 'disaster'; seconds: number; after: number }
  | { do: 'group'; action: 'suspend' | 'resume' | 'discard' | 'execute'; group: number }
  | { do: 'fault'; kind: FaultKind; on: Place; which: number; seconds: number }
  /** The control plane dies at its n-th step from then on, before it or after it has done its work; at once where n is 0. */
  | { do: 'kill'; n: number; when: 'before' | 'after'; seconds: number }
);
export interface GroupPlan {
  mode: 'sync' | 'async';
  holdBack: boolean;
  home: 'a' | 'b';
  vms: number;
}
export interface Schedule {
  seed: number;
  groups: GroupPlan[];
  /** Besides the plan of each site there is one more that uses the first group too. */
  second: boolean;
  priorities: number[];
  writeEverySeconds: number;
  happenings: Happening[];
}

/** Everything begins within so many half seconds. */
const LAST_BEGINNING = 1_600;
const LONGEST_FAULT_S = 300;

/** In the very moment, while what was begun is under way, or long after it. */
const gap = fc.oneof(
  { weight: 3, arbitrary: fc.nat(20) },
  { weight: 4, arbitrary: fc.integer({ min: 20, max: 160 }) },
  { weight: 1, arbitrary: fc.integer({ min: 160, max: 500 }) },
);
const seconds = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 60, max: LONGEST_FAULT_S }));
const fault = (on: fc.Arbitrary<Place>, ...kinds: FaultKind[]) =>
  fc.record({
    gap,
    do: fc.constant('fault' as const),
    kind: fc.constantFrom(...kinds),
    on,
    which: fc.nat(7),
    seconds,
  });
const site = fc.constantFrom<Place>('a', 'b');
const action = (...actions: PlanAction[]) =>
  fc.record({ gap, do: fc.constant('plan' as const), action: fc.constantFrom(...actions), plan: fc.nat(3) });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ gap, do: fc.constant('onward' as const), plan: fc.nat(3), which: fc.nat(11) }),
  },
  { weight: 2, arbitrary: action('failover', 'migrate', 'test', 'failback', 'cleanup', 'reprotect', 'rollback') },
  {
    weight: 2,
    arbitrary: fc.record({ gap, do: fc.constant('disaster' as const), seconds, after: fc.nat(60) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      gap,
      do: fc.constant('group' as const),
      action: fc.constantFrom(
        'suspend' as const,
        'resume' as const,
        'discard' as const,
        'discard' as const,
        'execute' as const,
      ),
      group: fc.nat(3),
    }),
  },
  { weight: 3, arbitrary: fault(fc.constant('link'), 'link-cut', 'link-degraded') },
  { weight: 2, arbitrary: fault(site, 'site-loss') },
  { weight: 3, arbitrary: fault(site, 'call-timeout', 'answer-lost', 'duplicate-call') },
  { weight: 2, arbitrary: fault(fc.constant('host'), 'host-power-loss', 'host-hang', 'management-partition') },
  {
    weight: 3,
    arbitrary: fc.record({
      gap,
      do: fc.constant('kill' as const),
      n: fc.nat(12),
      when: fc.constantFrom('before' as const, 'after' as const),
      seconds: fc.nat(120),
    }),
  },
);

export const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    seed: fc.nat(),
    groups: fc.array(
      fc.record({
        mode: fc.constantFrom('sync' as const, 'async' as const),
        holdBack: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
        home: fc.constantFrom('a' as const, 'a' as const, 'b' as const),
        vms: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    second: fc.boolean(),
    priorities: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 9, maxLength: 9 }),
    writeEverySeconds: fc.integer({ min: 2, max: 20 }),
    happenings: fc.array(happening, { minLength: 1, maxLength: 14 }),
  })
  .map((s) => withWords({ ...s, happenings: inTime(s.happenings) }));

function inTime(happenings: Happening[]): Happening[] {
  let at = 0;
  return happenings.filter((h) => {
    if (at + h.gap > LAST_BEGINNING) return false;
    at += h.gap;
    return true;
  });
}

/** The schedule as a story. */
export function inWords(s: Schedule): string {
  let at = 0;
  const groups = s.groups.map(
    (g, i) => `g${i}: ${g.vms} VMs at ${g.home}, ${g.mode}${g.mode === 'sync' && g.holdBack ? ', held back' : ''}`,
  );
  const lines = s.happenings.map((h) => {
    at += h.gap / 2;
    return `  ${at.toFixed(1).padStart(7)} s  ${wordsOf(h)}`;
  });
  return [
    `seed ${s.seed}: ${groups.join('; ')}${s.second ? '; two plans of the first' : ''}; writes every ${s.writeEverySeconds} s`,
    ...lines,
  ].join('\n');
}
export function wordsOf(h: Happening): string {
  switch (h.do) {
    case 'plan':
      return `${h.action} of plan ${h.plan}`;
    case 'onward':
      return `plan ${h.plan} goes on (${h.which})`;
    case 'disaster':
      return `the first site burns for ${h.seconds} s, failover after ${h.after} s`;
    case 'group':
      return `${h.action} of group ${h.group}`;
    case 'fault':
      return `${h.kind} of ${h.on} ${h.which} for ${h.seconds} s`;
    case 'kill':
      return `the control plane dies ${h.n === 0 ? 'at once' : `${h.when} its step ${h.n}`}, for ${h.seconds} s`;
  }
}
const withWords = (s: Schedule): Schedule =>
  Object.defineProperty(s, fc.toStringMethod, { value: () => `\n${inWords(s)}\n`, enumerable: false });
