import { PLAN_ACTIONS } from '../../../../shared/model/execution.ts';
import { SITE_ACTIONS } from '../../../../shared/model/site-switch.ts';
import type { Cast } from '../cast.ts';
import type { Command } from '../story.ts';
import { type Form, SPAN, span } from '../words.ts';
import { groupShape, planShape } from './setting-forms.ts';
import type { DrCommand } from './story.ts';

type GroupAction = Extract<DrCommand, { kind: 'group action' }>['action'];
const GROUP_WORDS: Record<string, GroupAction> = {
  suspend: 'suspend',
  resume: 'resume',
  execute: 'execute',
  delete: 'delete',
  'discard the divergence of': 'discard',
};

/** What is done with groups and plans. */
export const DR_COMMAND_FORMS: readonly Form<Command[], Cast>[] = [
  {
    usage: `${PLAN_ACTIONS.join(' | ')} plan <plan> [as of <time>] [to <site>] [without a test because "<reason>"]`,
    pattern: new RegExp(
      `^(?<dry>dry run of )?(?<action>${PLAN_ACTIONS.join('|')}) plan (?<plan>\\S+)(?: as of (?<before>${SPAN}))?(?: to (?<to>\\w+))?(?: without a test because "(?<reason>[^"]+)")?$`,
    ),
    make: ({ action, plan = '', before, to, reason, dry }, cast, place) => [
      {
        kind: 'plan action',
        plan: cast.one(plan, ['plan'], place),
        action: action as 'test',
        ...(before ? { before: span(before, place) } : {}),
        ...(to ? { to: cast.one(`site-${to}`, ['site'], place) } : {}),
        ...(reason ? { override: reason } : {}),
        ...(dry ? { dryRun: true as const } : {}),
      },
    ],
  },
  {
    usage: `${SITE_ACTIONS.join(' | ')} site <site> [<n> at once] [going on] [without a test because "<reason>"]`,
    pattern: new RegExp(
      `^(?<dry>dry run of )?(?<action>${SITE_ACTIONS.join('|')}) site (?<site>\\w+)(?: (?<n>\\d+) at once)?(?<on> going on)?(?: without a test because "(?<reason>[^"]+)")?$`,
    ),
    make: ({ action, site, n, on, reason, dry }, cast, place) => [
      {
        kind: 'site action',
        site: cast.one(`site-${site}`, ['site'], place),
        action: action as 'failover',
        ...(n ? { atOnce: Number(n) } : {}),
        ...(on ? { goOn: true as const } : {}),
        ...(reason ? { override: reason } : {}),
        ...(dry ? { dryRun: true as const } : {}),
      },
    ],
  },
  {
    usage: 'cancel the switch of site <site>',
    pattern: /^cancel the switch of site (?<site>\w+)$/,
    make: ({ site }, cast, place) => [{ kind: 'cancel site', site: cast.one(`site-${site}`, ['site'], place) }],
  },
  {
    usage: 'resume | cancel the execution of <plan>',
    pattern: /^(?<word>resume|cancel) the execution of (?<plan>\S+)$/,
    make: ({ word, plan = '' }, cast, place) => [
      { kind: 'execution', plan: cast.one(plan, ['plan'], place), word: word as 'resume' },
    ],
  },
  {
    usage: `${Object.keys(GROUP_WORDS).join(' | ')} group <group>`,
    pattern: new RegExp(`^(?<word>${Object.keys(GROUP_WORDS).join('|')}) group (?<group>\\S+)$`),
    make: ({ word = '', group = '' }, cast, place) => [
      { kind: 'group action', group: cast.one(group, ['group'], place), action: GROUP_WORDS[word] as GroupAction },
    ],
  },
  {
    usage: 'add <VMs> to group <group>',
    pattern: /^add (?<vms>.+) to group (?<group>\S+)$/,
    make: ({ vms = '', group = '' }, cast, place) => [
      {
        kind: 'members',
        group: cast.one(group, ['group'], place),
        change: 'add',
        vms: cast.many(vms, ['vm'], place),
      },
    ],
  },
  {
    usage: 'remove <VMs> from group <group>',
    pattern: /^remove (?<vms>.+) from group (?<group>\S+)$/,
    make: ({ vms = '', group = '' }, cast, place) => [
      {
        kind: 'members',
        group: cast.one(group, ['group'], place),
        change: 'remove',
        vms: cast.many(vms, ['vm'], place),
      },
    ],
  },
  {
    usage: 'create group <name> of <VMs>: sync | async to <site>[, ...]',
    pattern: /^create group (?<name>[a-z][\w-]*) of (?<vms>[^:]+): (?<properties>.+)$/,
    make({ name = '', vms = '', properties = '' }, cast, place) {
      const shape = groupShape(name, vms, properties, cast, place);
      cast.introduce('group', name, place);
      return [{ kind: 'create group', group: { kind: 'group', ...shape } }];
    },
  },
  {
    usage: 'create | change plan <name> of <groups>[: ...]',
    pattern: /^(?<word>create|change) plan (?<name>[a-z][\w-]*) of (?<groups>[^:]+)(?:: (?<properties>.+))?$/,
    make({ word, name = '', groups = '', properties = '' }, cast, place) {
      const shape = planShape(name, groups, properties, cast, place);
      if (word === 'create') cast.introduce('plan', name, place);
      return [{ kind: `${word as 'create' | 'change'} plan`, plan: { kind: 'plan', ...shape } }];
    },
  },
  {
    usage: 'delete plan <plan>',
    pattern: /^delete plan (?<plan>\S+)$/,
    make: ({ plan = '' }, cast, place) => [{ kind: 'delete plan', plan: cast.one(plan, ['plan'], place) }],
  },
  {
    usage: 'grow <VM> to <n> GiB',
    pattern: /^grow (?<vm>\S+) to (?<size>\d+) GiB$/,
    make: ({ vm = '', size }, cast, place) => [
      { kind: 'grow', vm: cast.one(vm, ['vm'], place), sizeGiB: Number(size) },
    ],
  },
  {
    usage: 'guests rest | write',
    pattern: /^guests (?<what>rest|write)$/,
    make: ({ what }) => [{ kind: 'guests', what: what as 'rest' }],
  },
  { usage: 'remember everything', pattern: /^remember everything$/, make: () => [{ kind: 'remember' }] },
];
