import { HOST_STATES, type HostState } from '../../../shared/model/inventory.ts';
import type { Cast } from './cast.ts';
import { DR_PROMISE_FORMS } from './dr/promise-forms.ts';
import type { Promise_ } from './story.ts';
import { type Form, type Place, SPAN, StoryError, span } from './words.ts';

function hostState(text: string, place: Place): HostState {
  if ((HOST_STATES as readonly string[]).includes(text)) return text as HostState;
  throw new StoryError(place, `there is no host state '${text}'. States are`, [HOST_STATES.join(', ')]);
}

const STATES = { stopped: 'stopped', gone: 'gone', waiting: 'waiting', 'in error': 'in error' } as const;

/** What a story promises, besides all that its golden shows. */
export const PROMISE_FORMS: readonly Form<Promise_[], Cast>[] = [
  ...DR_PROMISE_FORMS,
  {
    usage: 'no [other] alarm',
    pattern: /^no (?<other>other )?alarm$/,
    make: ({ other }) => [{ kind: 'no alarm', other: other !== undefined }],
  },
  {
    usage: '[no | once] alarm <code> [on <name>]',
    pattern: /^(?:(?<word>no|once) )?alarm (?<code>[\w-]+)(?: on (?<object>\S+))?$/,
    make: ({ word, code = '', object }, cast, place) => [
      {
        kind: 'alarm',
        code,
        absent: word === 'no',
        ever: word === 'once',
        ...(object
          ? { object: cast.one(object, ['vm', 'host', 'cluster', 'site', 'datastore', 'group', 'plan'], place) }
          : {}),
      },
    ],
  },
  {
    usage: 'nothing restarted',
    pattern: /^nothing restarted$/,
    make: () => [{ kind: 'nothing restarted' }],
  },
  {
    usage: 'incident of <host or VM> open | closed | falseAlarm | none',
    pattern: /^incident of (?<name>\S+) (?<state>open|closed|falseAlarm|none)$/,
    make: ({ name = '', state }, cast, place) => [
      { kind: 'incident', of: cast.one(name, ['host', 'vm'], place), state: state as 'open' },
    ],
  },
  {
    usage: 'refused "<command>" with <code>',
    pattern: /^refused "(?<command>.+)" with (?<because>[\w-]+)$/,
    make: ({ command = '', because = '' }) => [{ kind: 'refused', command, because }],
  },
  {
    usage: '<VM> block <n> reads "<text>"',
    pattern: /^(?<vm>\S+) block (?<block>\d+) reads "(?<text>[^"]*)"$/,
    make: ({ vm = '', block, text = '' }, cast, place) => [
      { kind: 'block', vm: cast.one(vm, ['vm'], place), block: Number(block), data: text },
    ],
  },
  {
    usage: '<VM> refused <n> writes',
    pattern: /^(?<vm>\S+) refused (?<count>\d+) writes?$/,
    make: ({ vm = '', count }, cast, place) => [
      { kind: 'refused writes', vm: cast.one(vm, ['vm'], place), count: Number(count) },
    ],
  },
  {
    usage: '<VMs> back within <time>',
    pattern: new RegExp(`^(?<vms>.+) back within (?<span>${SPAN})$`),
    make: ({ vms = '', span: time = '' }, cast, place) =>
      cast.many(vms, ['vm'], place).map((vm) => ({ kind: 'back within', vm, ms: span(time, place) })),
  },
  {
    usage: '<VMs> start elsewhere before | after <time>',
    pattern: new RegExp(`^(?<vms>.+) starts? elsewhere (?<bound>before|after) (?<span>${SPAN})$`),
    make: ({ vms = '', bound, span: time = '' }, cast, place) =>
      cast
        .many(vms, ['vm'], place)
        .map((vm) => ({ kind: 'starts', vm, bound: bound as 'before', ms: span(time, place) })),
  },
  {
    usage: '<VM> starts before <VM>',
    pattern: /^(?<first>\S+) starts before (?<second>\S+)$/,
    make: ({ first = '', second = '' }, cast, place) => [
      { kind: 'order', first: cast.one(first, ['vm'], place), second: cast.one(second, ['vm'], place) },
    ],
  },
  {
    usage: '<VM> boots after <VM> serves',
    pattern: /^(?<vm>\S+) boots after (?<other>\S+) serves$/,
    make: ({ vm = '', other = '' }, cast, place) => [
      { kind: 'boots after', vm: cast.one(vm, ['vm'], place), other: cast.one(other, ['vm'], place) },
    ],
  },
  {
    usage: '<VMs> never on <host>',
    pattern: /^(?<vms>.+) never on (?<host>\S+)$/,
    make: ({ vms = '', host = '' }, cast, place) =>
      cast.many(vms, ['vm'], place).map((vm) => ({ kind: 'never on', vm, host: cast.one(host, ['host'], place) })),
  },
  {
    usage: '<VMs> run [elsewhere | on <host>] [with a newer epoch]',
    pattern: /^(?<vms>.+?) runs?(?:(?<elsewhere> elsewhere)| on (?<host>\S+))?(?<newer> with a newer epoch)?$/,
    make: ({ vms = '', elsewhere, host, newer }, cast, place) =>
      cast.many(vms, ['vm'], place).map((vm) => ({
        kind: 'runs',
        vm,
        ...(host ? { host: cast.one(host, ['host'], place) } : {}),
        ...(elsewhere ? { elsewhere: true as const } : {}),
        ...(newer ? { newerEpoch: true as const } : {}),
      })),
  },
  {
    usage: '<VMs> untouched',
    pattern: /^(?<vms>.+) untouched$/,
    make: ({ vms = '' }, cast, place) => cast.many(vms, ['vm'], place).map((vm) => ({ kind: 'untouched', vm })),
  },
  {
    usage: '<VMs> stopped | gone | waiting | in error [because "<part of the reason>"]',
    pattern: /^(?<vms>.+?) (?<state>stopped|gone|waiting|in error)(?: because "(?<reason>[^"]+)")?$/,
    make: ({ vms = '', state, reason }, cast, place) =>
      cast.many(vms, ['vm'], place).map((vm) => ({
        kind: 'vm is',
        vm,
        state: STATES[state as keyof typeof STATES],
        ...(reason ? { reason } : {}),
      })),
  },
  {
    usage: '<hosts> <host state> [by <time>]',
    pattern: new RegExp(`^(?<hosts>.+?) (?<state>\\w+)(?: by (?<span>${SPAN}))?$`),
    make: ({ hosts = '', state = '', span: time }, cast, place) =>
      cast.many(hosts, ['host'], place).map((host) => ({
        kind: 'host is',
        host,
        state: hostState(state, place),
        ...(time ? { by: span(time, place) } : {}),
      })),
  },
];
