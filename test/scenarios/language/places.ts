import type { Belief } from '../../../shared/invariants/facts.ts';
import type { Span } from '../../../shared/world/timeline.ts';
import { recoveryPicture } from './dr/observe.ts';
import { vmWords } from './observe.ts';
import type { Stage } from './stage.ts';
import type { Life, Lives, Truth } from './truth.ts';
import { fold, natural } from './words.ts';

/** What is left of a span. */
const without = (whole: Span, cuts: readonly Span[]): Span[] =>
  cuts
    .reduce<Span[]>(
      (left, cut) =>
        left.flatMap(({ from, to }) => [
          { from, to: Math.min(to, cut.from) },
          { from: Math.max(from, cut.to), to },
        ]),
      [whole],
    )
    .filter((s) => s.to > s.from);

/** Spans without a serving process, from the beginning of the story to `now`, ms. Only of VMs that served at first. */
export function outages(lives: readonly Life[], begin: number, now: number): { from: number; to: number }[] {
  const served = lives.flatMap((l) => without({ from: l.ready, to: l.to ?? now }, l.troubled));
  const out: { from: number; to: number }[] = [];
  if (!served.some((s) => s.from <= begin && s.to >= begin)) return out;
  let until = begin;
  for (const s of served.sort((a, b) => a.from - b.from)) {
    if (s.from > until && until >= begin) out.push({ from: until, to: s.from });
    until = Math.max(until, s.to);
  }
  if (until < now) out.push({ from: until, to: now });
  return out;
}

const together = (pairs: readonly [string, string][]): string[] =>
  [...Map.groupBy(pairs, ([, words]) => words)]
    .map(([words, group]) => [fold(group.map(([name]) => name)), words] as const)
    .sort(([a], [b]) => natural(a, b))
    .map(([who, words]) => `  ${who}: ${words}`);

const whole = (ms: number): string => `${Math.round(ms / 1_000)} s`;

/** How everything stands at the end, believed and true. */
export function finalPlaces(belief: Belief, truth: Truth, lives: Lives, stage: Stage, now: number): string[] {
  const { names, begin } = stage;
  const out = ['In the end'];
  out.push(
    ...together(
      belief.vms.map((vm) => [names.of(vm.id), `${vmWords(vm, names)}${vm.reason ? `; ${names.in(vm.reason)}` : ''}`]),
    ),
  );
  out.push(...[...recoveryPicture(belief, names)].map(([name, words]) => `  ${name}: ${words}`));
  out.push(...together(belief.hosts.map((h) => [names.of(h.id), h.state])));
  const down = [...Map.groupBy(lives.all.values(), (l) => l.vmId)].flatMap(([id, all]): [string, string][] => {
    const spans = outages(all, begin, now);
    const ended = spans.some((s) => s.to === now);
    const sum = spans.reduce((n, s) => n + s.to - s.from, 0);
    if (spans.length === 0) return [];
    return [
      [names.of(id), ended ? `down since ${whole((spans.at(-1)?.from ?? 0) - begin)}` : `down for ${whole(sum)}`],
    ];
  });
  out.push(...together(down));
  out.push(
    ...together(
      truth.volumes
        .filter((v) => v.refused > 0)
        .map((v) => [`${names.of(v.vmId)}/${v.name}`, `${v.refused} writes of a stale copy were refused`]),
    ),
  );
  const alarms = belief.alarms
    .filter((a) => a.state === 'active')
    .map((a): [string, string] => [names.of(a.object), `alarm ${a.code}`]);
  out.push(...(alarms.length > 0 ? together(alarms) : ['  no alarm']));
  return out;
}
