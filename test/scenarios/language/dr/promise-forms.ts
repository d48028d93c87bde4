import { PLAN_ACTIONS } from '../../../../shared/model/execution.ts';
import { SITE_ACTIONS, SITE_PLAN_OUTCOMES, SITE_SWITCH_STATES } from '../../../../shared/model/site-switch.ts';
import type { Cast } from '../cast.ts';
import type { Promise_ } from '../story.ts';
import { type Form, type Place, SPAN, span } from '../words.ts';
import { PLAN_OR_GROUP, planOrGroup } from './trigger-forms.ts';

const groupsOf = (text: string | undefined, cast: Cast, place: Place) =>
  text ? cast.many(text, ['group'], place) : cast.of('group');

/** What a story of disaster recovery promises. */
export const DR_PROMISE_FORMS: readonly Form<Promise_[], Cast>[] = [
  {
    usage: 'nothing | something was lost [of <groups>]',
    pattern: /^(?<what>nothing|something) was lost(?: of (?<groups>.+))?$/,
    make: ({ what, groups }, cast, place) => [
      { kind: 'lost', what: what as 'nothing', groups: groupsOf(groups, cast, place) },
    ],
  },
  {
    usage: 'lost [exactly] as reported [of <groups>]',
    pattern: /^lost (?<exactly>exactly )?as reported(?: of (?<groups>.+))?$/,
    make: ({ exactly, groups }, cast, place) => [
      { kind: 'lost as reported', exactly: exactly !== undefined, groups: groupsOf(groups, cast, place) },
    ],
  },
  {
    usage: '<VMs> run at <site>',
    pattern: /^(?<vms>.+?) runs? at (?<site>\w+)$/,
    make: ({ vms = '', site }, cast, place) =>
      cast
        .many(vms, ['vm'], place)
        .map((vm) => ({ kind: 'runs at', vm, site: cast.one(`site-${site}`, ['site'], place) })),
  },
  {
    usage: 'plan <plan> is <state> | group <group> is <state>',
    pattern: PLAN_OR_GROUP,
    make: (found, cast, place) => [planOrGroup(found, cast, place)],
  },
  { usage: 'as before', pattern: /^as before$/, make: () => [{ kind: 'as before' }] },
  {
    usage: 'phases of <plan> without a gap',
    pattern: /^phases of (?<plan>\S+) without a gap$/,
    make: ({ plan = '' }, cast, place) => [{ kind: 'phases', plan: cast.one(plan, ['plan'], place) }],
  },
  {
    usage: 'report of <plan>: rto | rpo within <time>',
    pattern: new RegExp(`^report of (?<plan>\\S+): (?<figure>rto|rpo) within (?<span>${SPAN})$`),
    make: ({ plan = '', figure, span: time = '' }, cast, place) => [
      {
        kind: 'report within',
        plan: cast.one(plan, ['plan'], place),
        figure: figure as 'rto',
        ms: span(time, place),
      },
    ],
  },
  {
    usage: 'report of <plan>: <action> success | partial | failed | running | paused',
    pattern: new RegExp(
      `^report of (?<plan>\\S+): (?<action>${PLAN_ACTIONS.join('|')}) (?<state>success|partial|failed|running|paused)$`,
    ),
    make: ({ plan = '', action, state = '' }, cast, place) => [
      { kind: 'report', plan: cast.one(plan, ['plan'], place), action: action as 'test', state },
    ],
  },
  {
    usage: `report of site <site>: <action> ${SITE_SWITCH_STATES.join(' | ')}`,
    pattern: new RegExp(
      `^report of site (?<site>\\w+): (?<action>${SITE_ACTIONS.join('|')}) (?<state>${SITE_SWITCH_STATES.join('|')})$`,
    ),
    make: ({ site, action, state = '' }, cast, place) => [
      { kind: 'site report', site: cast.one(`site-${site}`, ['site'], place), action: action as 'failover', state },
    ],
  },
  {
    usage: `report of its plans: <plans> ${SITE_PLAN_OUTCOMES.join(' | ')} [because "<part of the reason>"]`,
    pattern: new RegExp(
      `^report of its plans: (?<plans>.+?) (?<outcome>${SITE_PLAN_OUTCOMES.join('|')})(?: because "(?<because>[^"]+)")?$`,
    ),
    make: ({ plans = '', outcome, because }, cast, place) => [
      {
        kind: 'site plans',
        plans: cast.many(plans, ['plan'], place),
        outcome: outcome as 'success',
        ...(because ? { because } : {}),
      },
    ],
  },
  {
    usage: 'divergence of <group>: none | some | discarded',
    pattern: /^divergence of (?<group>\S+): (?<what>none|some|discarded)$/,
    make: ({ group = '', what }, cast, place) => [
      { kind: 'divergence', group: cast.one(group, ['group'], place), what: what as 'none' },
    ],
  },
  {
    usage: 'refused "<command>" because "<part of the reason>"',
    pattern: /^refused "(?<command>.+)" because "(?<text>[^"]+)"$/,
    make: ({ command = '', text = '' }) => [{ kind: 'refused because', command, reason: text }],
  },
];
