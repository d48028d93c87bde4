import { FAULT_KINDS, type FaultKind } from '../../../shared/model/fault.ts';
import { type Cast, NAME_KINDS } from './cast.ts';
import { DR_COMMAND_FORMS } from './dr/command-forms.ts';
import { vmProperties } from './setting-forms.ts';
import { clusterSettings, vmSettings } from './settings.ts';
import type { Command, DispatcherMood, HostRef } from './story.ts';
import { type Form, type Place, SPAN, StoryError, span } from './words.ts';

/** `h1`, or `the host of web-1`. */
export function hostRef(text: string, cast: Cast, place: Place): HostRef {
  const vm = /^the host of (\S+)$/.exec(text.trim())?.[1];
  return vm ? { hostOf: cast.one(vm, ['vm'], place) } : { host: cast.one(text, ['host'], place) };
}
const hostRefs = (text: string, cast: Cast, place: Place): HostRef[] =>
  text.startsWith('the host of')
    ? [hostRef(text, cast, place)]
    : cast.many(text, ['host'], place).map((host) => ({ host }));

function faultKind(text: string, place: Place): FaultKind {
  if ((FAULT_KINDS as readonly string[]).includes(text)) return text as FaultKind;
  throw new StoryError(place, `there is no fault '${text}'. Faults are`, [FAULT_KINDS.join(', ')]);
}

/** Things that break: by name, a disk as `web-1/root`, or the host of a VM. */
function broken(text: string, cast: Cast, place: Place): (string | HostRef)[] {
  if (text.startsWith('the host of')) return [hostRef(text, cast, place)];
  const [vm, disk] = text.split('/');
  if (disk !== undefined) return [`${cast.one(vm as string, ['vm'], place)}/${disk}`];
  return cast.many(text, NAME_KINDS, place);
}

const ACTIONS = { 'power-on': 'power-on', maintenance: 'maintenance-enter', 'end-maintenance': 'maintenance-exit' };

/** What operators, tenants and fate do. */
export const COMMAND_FORMS: readonly Form<Command[], Cast>[] = [
  ...DR_COMMAND_FORMS,
  {
    usage: 'fault <kind> <host | rack | site | link | VM | datastore | VM/disk | the host of VM> [for <time>]',
    pattern: new RegExp(`^fault (?<fault>[\\w-]+) (?<targets>.+?)(?: for (?<span>${SPAN}))?$`),
    make: ({ fault = '', targets = '', span: time }, cast, place) => {
      const kind = faultKind(fault, place);
      return broken(targets, cast, place).map((target) => ({
        kind: 'fault',
        fault: kind,
        target,
        ...(time ? { for: span(time, place) } : {}),
      }));
    },
  },
  {
    usage: 'heal <kind> <target>',
    pattern: /^heal (?<fault>[\w-]+) (?<targets>.+)$/,
    make: ({ fault = '', targets = '' }, cast, place) => {
      const kind = faultKind(fault, place);
      return broken(targets, cast, place).map((target) => ({ kind: 'heal', fault: kind, target }));
    },
  },
  {
    usage: 'start | stop | delete <VMs>',
    pattern: /^(?<action>start|stop|delete) (?<vms>.+)$/,
    make: ({ action, vms = '' }, cast, place) =>
      cast.many(vms, ['vm'], place).map((vm) => ({ kind: 'vm', action: action as 'start' | 'stop' | 'delete', vm })),
  },
  {
    usage: 'migrate <VMs> [to <host>]',
    pattern: /^migrate (?<vms>.+?)(?: to (?<host>.+))?$/,
    make: ({ vms = '', host }, cast, place) =>
      cast
        .many(vms, ['vm'], place)
        .map((vm) => ({ kind: 'migrate', vm, ...(host ? { to: hostRef(host, cast, place) } : {}) })),
  },
  {
    usage: 'tenant migrates <VMs>',
    pattern: /^tenant migrates (?<vms>.+)$/,
    make: ({ vms = '' }, cast, place) =>
      cast.many(vms, ['vm'], place).map((vm) => ({ kind: 'migrate', vm, by: 'tenant' })),
  },
  {
    usage: 'cancel the migration of <VMs>',
    pattern: /^cancel the migration of (?<vms>.+)$/,
    make: ({ vms = '' }, cast, place) => cast.many(vms, ['vm'], place).map((vm) => ({ kind: 'cancel', vm })),
  },
  {
    usage: 'create <VM>[: <n> vCPU, <n> GiB, ...]',
    pattern: /^create (?<name>[a-z][\w-]*)(?:: (?<properties>.+))?$/,
    make: ({ name = '', properties = '' }, cast, place) => {
      const shape = vmProperties(properties, cast, place);
      cast.introduce('vm', name, place);
      return [{ kind: 'create', vm: { name, ...shape } }];
    },
  },
  {
    usage: 'power-on | maintenance | end-maintenance <hosts>',
    pattern: /^(?<action>power-on|maintenance|end-maintenance) (?<hosts>.+)$/,
    make: ({ action = '', hosts = '' }, cast, place) =>
      hostRefs(hosts, cast, place).map((host) => ({
        kind: 'host',
        action: ACTIONS[action as keyof typeof ACTIONS] as 'power-on' | 'maintenance-enter' | 'maintenance-exit',
        host,
      })),
  },
  {
    usage: 'confirm-fenced <hosts> "<statement>"',
    pattern: /^confirm-fenced (?<hosts>[^"]+) "(?<statement>[^"]*)"$/,
    make: ({ hosts = '', statement = '' }, cast, place) =>
      hostRefs(hosts, cast, place).map((host) => ({ kind: 'confirm-fenced', host, statement })),
  },
  {
    usage: 'arm <clusters>',
    pattern: /^arm (?<clusters>.+)$/,
    make: ({ clusters = '' }, cast, place) =>
      cast.many(clusters, ['cluster'], place).map((cluster) => ({ kind: 'arm', cluster })),
  },
  {
    usage: 'disarm <clusters> [for <minutes>]',
    pattern: new RegExp(`^disarm (?<clusters>.+?)(?: for (?<span>${SPAN}))?$`),
    make: ({ clusters = '', span: time }, cast, place) =>
      cast
        .many(clusters, ['cluster'], place)
        .map((cluster) => ({ kind: 'disarm', cluster, ...(time ? { for: span(time, place) } : {}) })),
  },
  {
    usage: 'set <clusters or VMs>: <setting> <value>[, ...]',
    pattern: /^set (?<names>[^:]+): (?<settings>.+)$/,
    make: ({ names = '', settings = '' }, cast, place) => {
      const all = cast.many(names, ['cluster', 'vm'], place);
      const clusters = all.filter((n) => cast.kindOf(n) === 'cluster');
      if (clusters.length === all.length)
        return [{ kind: 'set cluster', names: all, settings: clusterSettings(settings, cast, place) }];
      const ha = vmSettings(settings, cast, place);
      return all.map((vm) => ({ kind: 'set vm', vm: cast.one(vm, ['vm'], place), ha }));
    },
  },
  {
    usage: 'write <VM> block <n> "<text>" [from <host>]',
    pattern: /^write (?<vm>\S+) block (?<block>\d+) "(?<text>[^"]*)"(?: from (?<host>.+))?$/,
    make: ({ vm = '', block, text = '', host }, cast, place) => [
      {
        kind: 'write',
        vm: cast.one(vm, ['vm'], place),
        block: Number(block),
        text,
        ...(host ? { from: hostRef(host, cast, place) } : {}),
      },
    ],
  },
  {
    usage: 'probe down | up',
    pattern: /^probe (?<what>down|up)$/,
    make: ({ what }) => [{ kind: 'trouble', what: `probe ${what}` as 'probe down' | 'probe up' }],
  },
  {
    usage: 'dispatcher down | up | duplicates | reorders',
    pattern: /^dispatcher (?<what>down|up|duplicates|reorders)$/,
    make: ({ what }) => [{ kind: 'trouble', what: `dispatcher ${what}` as DispatcherMood }],
  },
  {
    usage: 'replay the last <n> events [in reverse]',
    pattern: /^replay the last (?<last>\d+) events(?<reordered> in reverse)?$/,
    make: ({ last, reordered }) => [{ kind: 'replay', last: Number(last), reordered: reordered !== undefined }],
  },
  {
    usage: 'kill the control plane [for <time>]',
    pattern: new RegExp(`^kill the control plane(?: for (?<span>${SPAN}))?$`),
    make: ({ span: time }, _cast, place) => [{ kind: 'kill', for: time ? span(time, place) : 0 }],
  },
];
