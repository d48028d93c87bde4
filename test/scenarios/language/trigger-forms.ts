import { HOST_STATES, type HostState } from '../../../shared/model/inventory.ts';
import { VM_STATES, type VmState } from '../../../shared/model/vm.ts';
import type { Cast } from './cast.ts';
import { DR_TRIGGER_FORMS } from './dr/trigger-forms.ts';
import type { Trigger } from './story.ts';
import { type Form, type Place, StoryError } from './words.ts';

const state = <S extends string>(states: readonly S[], text: string, place: Place): S => {
  if ((states as readonly string[]).includes(text)) return text as S;
  throw new StoryError(place, `there is no state '${text}'. States are`, [states.join(', ')]);
};

/** What a command can wait for. */
export const TRIGGER_FORMS: readonly Form<Trigger, Cast>[] = [
  ...DR_TRIGGER_FORMS,
  {
    usage: '<VM> starts elsewhere',
    pattern: /^(?<vm>\S+) starts elsewhere$/,
    make: ({ vm = '' }, cast, place) => ({ kind: 'starts', vm: cast.one(vm, ['vm'], place) }),
  },
  {
    usage: '<VM> has started once | twice | <n> times',
    pattern: /^(?<vm>\S+) has started (?:(?<word>once|twice)|(?<count>\d+) times)$/,
    make: ({ vm = '', word, count }, cast, place) => ({
      kind: 'has started',
      vm: cast.one(vm, ['vm'], place),
      times: count === undefined ? (word === 'once' ? 1 : 2) : Number(count),
    }),
  },
  {
    usage: '<VM> waits',
    pattern: /^(?<vm>\S+) waits$/,
    make: ({ vm = '' }, cast, place) => ({ kind: 'waits', vm: cast.one(vm, ['vm'], place) }),
  },
  {
    usage: '<VM or host> is <state>',
    pattern: /^(?<name>\S+) is (?<state>\w+)$/,
    make: ({ name = '', state: word = '' }, cast, place) =>
      cast.kindOf(cast.one(name, ['vm', 'host'], place)) === 'vm'
        ? { kind: 'vm is', vm: name, state: state<VmState>(VM_STATES, word, place) }
        : { kind: 'host is', host: name, state: state<HostState>(HOST_STATES, word, place) },
  },
];
