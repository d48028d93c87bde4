import type { Cast } from '../cast.ts';
import type { Setting } from '../story.ts';
import { type Form, type Place, SPAN, StoryError, span } from '../words.ts';
import type { GroupSetting, PlanSetting } from './story.ts';

const GROUP_PROPERTIES = [
  'sync | async to <site>',
  'rpo <time>',
  'mbps <n>',
  'hold back',
  'sends from <hour> to <hour>',
  'points <n>',
  'cascade | parallel | star with <site>',
];

/** `sync to b, mbps 100, cascade with c`. */
export function groupShape(
  name: string,
  vms: string,
  properties: string,
  cast: Cast,
  place: Place,
): Omit<GroupSetting, 'kind'> {
  const site = (letter: string) => cast.one(`site-${letter}`, ['site'], place);
  const replication: Record<string, unknown> = {};
  for (const part of properties.split(',').map((p) => p.trim())) {
    const [, mode, target] = /^(sync|async) to (\w+)$/.exec(part) ?? [];
    const [, rpo] = new RegExp(`^rpo (${SPAN})$`).exec(part) ?? [];
    const [, word, figure] = /^(mbps|points) (\d+)$/.exec(part) ?? [];
    const [, from, to] = /^sends from (\d+) to (\d+)$/.exec(part) ?? [];
    const [, topology, third] = /^(cascade|parallel|star) with (\w+)$/.exec(part) ?? [];
    if (mode) Object.assign(replication, { mode, targetSiteId: site(target as string) });
    else if (rpo) replication.rpoMinutes = span(rpo, place) / 60_000;
    else if (word) replication[word === 'mbps' ? 'mbps' : 'keepPoints'] = Number(figure);
    else if (from) replication.windows = [{ fromHour: Number(from), toHour: Number(to) }];
    else if (part === 'hold back') replication.onLinkLoss = 'holdBack';
    else if (topology) Object.assign(replication, { topology, thirdSiteId: site(third as string) });
    else throw new StoryError(place, `cannot understand '${part}' of a group. Possible are`, GROUP_PROPERTIES);
  }
  if (!replication.targetSiteId) throw new StoryError(place, 'a group is copied somewhere', GROUP_PROPERTIES);
  return { name, vms: cast.many(vms, ['vm'], place), replication: replication as GroupSetting['replication'] };
}

const PLAN_PROPERTIES = [
  'priority <1-5> <VM>',
  '<VM> dependsOn <VM>',
  'delay <1-5> <time>',
  'pause | callOut <name> beforeStart | afterStart | beforeShutdown | afterShutdown <1-5> [for <time>][ or go on]',
  'tested',
  'automatic',
];

export function planShape(
  name: string,
  groups: string,
  properties: string,
  cast: Cast,
  place: Place,
): Omit<PlanSetting, 'kind'> {
  const out: Omit<PlanSetting, 'kind'> = {
    name,
    groups: cast.many(groups, ['group'], place),
    priorities: {},
    dependsOn: {},
    delays: {},
    steps: [],
    tested: false,
    automatic: false,
  };
  const waits = new RegExp(
    `^(?<kind>pause|callOut) (?<name>\\w+) (?<at>beforeStart|afterStart|beforeShutdown|afterShutdown) (?<n>[1-5])(?: for (?<span>${SPAN}))?(?<on> or go on)?$`,
  );
  for (const part of properties
    .split(',')
    .map((p) => p.trim())
    .filter(Boolean)) {
    const [, n, who] = /^priority ([1-5]) (.+)$/.exec(part) ?? [];
    const [, vm, on] = /^(\S+) dependsOn (\S+)$/.exec(part) ?? [];
    const [, of, delay] = new RegExp(`^delay ([1-5]) (${SPAN})$`).exec(part) ?? [];
    const step = waits.exec(part)?.groups;
    if (who) for (const each of cast.many(who, ['vm'], place)) out.priorities[each] = Number(n);
    else if (vm) out.dependsOn[cast.one(vm, ['vm'], place)] = cast.many(on as string, ['vm'], place);
    else if (of) out.delays[of] = span(delay as string, place) / 1_000;
    else if (step)
      out.steps.push({
        name: step.name,
        at: step.at,
        priority: Number(step.n),
        kind: step.kind,
        ...(step.span ? { timeoutMinutes: span(step.span, place) / 60_000 } : {}),
        ...(step.on ? { onTimeout: 'goOn' } : {}),
      });
    else if (part === 'tested') out.tested = true;
    else if (part === 'automatic') out.automatic = true;
    else throw new StoryError(place, `cannot understand '${part}' of a plan. Possible are`, PLAN_PROPERTIES);
  }
  return out;
}

export const DR_SETTING_FORMS: readonly Form<Setting[], Cast>[] = [
  {
    usage: 'link <site>-<site>: sync | async, <n> ms, <n> Mbit/s',
    pattern: /^link (?<from>\w+)-(?<to>\w+): (?<mode>sync|async), (?<ms>\d+) ms, (?<mbps>\d+) Mbit\/s$/,
    make({ from = '', to = '', mode, ms, mbps }, cast, place) {
      for (const letter of [from, to]) cast.one(`site-${letter}`, ['site'], place);
      const name = `${from}-${to}`;
      cast.introduce('link', name, place);
      return [{ kind: 'link', name, from, to, mode: mode as 'sync', latencyMs: Number(ms), mbps: Number(mbps), place }];
    },
  },
  {
    usage: 'group <name> of <VMs>: sync | async to <site>[, ...]',
    pattern: /^group (?<name>[a-z][\w-]*) of (?<vms>[^:]+): (?<properties>.+)$/,
    make({ name = '', vms = '', properties = '' }, cast, place) {
      const shape = groupShape(name, vms, properties, cast, place);
      cast.introduce('group', name, place);
      return [{ kind: 'group', ...shape, place }];
    },
  },
  {
    usage: 'plan <name> of <groups>[: priority <n> <VMs>, ...]',
    pattern: /^plan (?<name>[a-z][\w-]*) of (?<groups>[^:]+)(?:: (?<properties>.+))?$/,
    make({ name = '', groups = '', properties = '' }, cast, place) {
      const shape = planShape(name, groups, properties, cast, place);
      cast.introduce('plan', name, place);
      return [{ kind: 'plan', ...shape, place }];
    },
  },
  {
    usage: 'guests write every <time>[ in <VMs>][, <n> bytes]',
    pattern: new RegExp(`^guests write every (?<span>${SPAN})(?: in (?<vms>[^,]+))?(?:, (?<bytes>\\d+) bytes)?$`),
    make: ({ span: time = '', vms = 'all VMs', bytes = '64' }, cast, place) => [
      {
        kind: 'guests',
        vms: cast.many(vms, ['vm'], place),
        everyMs: span(time, place),
        bytes: Number(bytes),
        place,
      },
    ],
  },
];
