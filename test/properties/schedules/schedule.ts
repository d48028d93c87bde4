import fc from 'fast-check';
import type { FaultKind } from '../../../shared/model/fault.ts';

/** What happens, so many half seconds after what happened before. Numbers of hosts, racks and VMs count round. */
export type Happening = { gap: number } & (
  | { do: 'fault'; kind: FaultKind; on: 'host' | 'rack' | 'site' | 'vm'; which: number; seconds: number }
  | { do: 'start' | 'stop' | 'delete' | 'migrate'; vm: number }
  | { do: 'power-on'; which: number }
);
export interface Schedule {
  seed: number;
  hosts: number;
  racks: number;
  sites: number;
  /** Memory of all hosts, in percent of what the VMs need. */
  roomPercent: number;
  batches: { count: number; ha: boolean; priority: 'high' | 'medium' | 'low' }[];
  happenings: Happening[];
}

export const MOST_FAULTS = 10;
const MOST_VMS = 200;
const LONGEST_FAULT_S = 300;
/** Everything begins within so many half seconds. */
const LAST_BEGINNING = 600;

/** Anywhere, or while a recovery from what happened before is under way, or in the very moment of its detection. */
const gap = fc.oneof(
  { weight: 1, arbitrary: fc.nat(LAST_BEGINNING) },
  { weight: 4, arbitrary: fc.integer({ min: 20, max: 120 }) },
  { weight: 2, arbitrary: fc.nat(30) },
);
const seconds = fc.integer({ min: 1, max: LONGEST_FAULT_S });
const which = fc.nat(11);
const fault = (on: 'host' | 'rack' | 'site' | 'vm', length: fc.Arbitrary<number>, ...kinds: FaultKind[]) =>
  fc.record({
    gap,
    do: fc.constant('fault' as const),
    kind: fc.constantFrom(...kinds),
    on: fc.constant(on),
    which,
    seconds: length,
  });

const OF_A_HOST: FaultKind[] = [
  'host-power-loss',
  'host-hang',
  'management-partition',
  'storage-partition',
  'bmc-unreachable',
  'agent-lost',
];
const faults = fc.oneof(
  { weight: 8, arbitrary: fault('host', seconds, ...OF_A_HOST) },
  {
    weight: 2,
    arbitrary: fault(
      'rack',
      seconds,
      'host-power-loss',
      'management-partition',
      'storage-partition',
      'bmc-unreachable',
    ),
  },
  { weight: 1, arbitrary: fault('site', seconds, 'site-loss') },
  {
    weight: 3,
    arbitrary: fault('site', fc.integer({ min: 1, max: 60 }), 'answer-lost', 'duplicate-call', 'call-timeout'),
  },
  { weight: 1, arbitrary: fault('vm', seconds, 'guest-crash') },
);
const command = fc.oneof(
  fc.record({
    gap,
    do: fc.constantFrom('start' as const, 'stop' as const, 'delete' as const, 'migrate' as const),
    vm: fc.nat(MOST_VMS),
  }),
  fc.record({ gap, do: fc.constant('power-on' as const), which }),
);

const batch = fc.record({
  count: fc.integer({ min: 10, max: 30 }),
  ha: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  priority: fc.constantFrom('medium' as const, 'high' as const, 'low' as const),
});

export const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    seed: fc.nat(),
    hosts: fc.integer({ min: 3, max: 12 }),
    racks: fc.integer({ min: 1, max: 4 }),
    sites: fc.constantFrom(1, 1, 2),
    roomPercent: fc.integer({ min: 120, max: 400 }),
    batches: fc.array(batch, { minLength: 1, maxLength: 7 }),
    happenings: fc.array(fc.oneof({ weight: 3, arbitrary: faults }, { weight: 1, arbitrary: command }), {
      minLength: 1,
      maxLength: 14,
    }),
  })
  .map((s) => withWords({ ...s, batches: fewEnough(s.batches), happenings: inTime(s.happenings) }));

function fewEnough(batches: Schedule['batches']): Schedule['batches'] {
  let room = MOST_VMS;
  return batches.flatMap((b) => {
    const count = Math.min(b.count, room);
    room -= count;
    return count > 0 ? [{ ...b, count }] : [];
  });
}

function inTime(happenings: Happening[]): Happening[] {
  let [at, faultsLeft] = [0, MOST_FAULTS];
  return happenings.filter((h) => {
    const fits = at + h.gap <= LAST_BEGINNING && (h.do !== 'fault' || faultsLeft > 0);
    if (!fits) return false;
    at += h.gap;
    if (h.do === 'fault') faultsLeft--;
    return true;
  });
}

/** Sites of equal size, each with its hosts dealt out to racks. */
export function places(s: Schedule): { site: string; hosts: string[]; racks: string[] }[] {
  const sites = s.hosts >= 6 ? s.sites : 1;
  return Array.from({ length: sites }, (_, i) => {
    const site = 'ab'[i] as string;
    const count = Math.floor(s.hosts / sites) + (i < s.hosts % sites ? 1 : 0);
    const names = (n: number, word: (k: number) => string) => Array.from({ length: n }, (_, k) => word(k + 1));
    return {
      site,
      hosts: names(count, (k) => `host_${site}-c1-${String(k).padStart(2, '0')}`),
      racks: names(Math.min(s.racks, count), (k) => `${site}-c1-rack-${k}`),
    };
  });
}

export function targetOf(
  s: Schedule,
  h: Extract<Happening, { do: 'fault' }>,
  vms: readonly string[],
): string | undefined {
  const all = places(s);
  const one = (from: readonly string[]) => from[h.which % from.length];
  if (h.on === 'vm') return one(vms);
  if (h.on === 'site') return `site_${one(all.map((p) => p.site))}`;
  return one(all.flatMap((p) => (h.on === 'host' ? p.hosts : p.racks)));
}
export const hostOf = (s: Schedule, which: number): string => {
  const hosts = places(s).flatMap((p) => p.hosts);
  return hosts[which % hosts.length] as string;
};

/** The schedule as a story. */
export function inWords(s: Schedule): string {
  let at = 0;
  const vms = s.batches.map((b) => `${b.count} VMs ${b.ha ? `with HA, ${b.priority}` : 'without HA'}`).join('; ');
  const lines = s.happenings.map((h) => {
    at += h.gap / 2;
    return `  ${at.toFixed(1).padStart(6)} s  ${wordsOf(s, h)}`;
  });
  return [
    `seed ${s.seed}: ${s.hosts} hosts at ${places(s).length} site(s), ${s.racks} rack(s) each, memory for ${s.roomPercent} %`,
    `  ${vms}`,
    ...lines,
  ].join('\n');
}
function wordsOf(s: Schedule, h: Happening): string {
  if (h.do === 'fault')
    return `${h.kind} of ${h.on === 'vm' ? `VM ${h.which} (counted round)` : targetOf(s, h, [])} for ${h.seconds} s`;
  return h.do === 'power-on' ? `power-on of ${hostOf(s, h.which)}` : `${h.do} VM ${h.vm} (counted round)`;
}
const withWords = (s: Schedule): Schedule =>
  Object.defineProperty(s, fc.toStringMethod, { value: () => `\n${inWords(s)}\n`, enumerable: false });
