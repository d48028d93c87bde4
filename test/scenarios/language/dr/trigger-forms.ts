import { STEP_TABLES } from '../../../../infra/local/workflows/steps.ts';
import { OPERATION_KINDS, type OperationKind } from '../../../../shared/model/operation.ts';
import { GROUP_STATES, type GroupState } from '../../../../shared/model/protection.ts';
import { PLAN_STATES, type PlanState } from '../../../../shared/model/recovery-plan.ts';
import type { Cast } from '../cast.ts';
import type { Trigger } from '../story.ts';
import { type Form, type Place, StoryError } from '../words.ts';

export const oneOf = <S extends string>(states: readonly S[], text: string, what: string, place: Place): S => {
  if ((states as readonly string[]).includes(text)) return text as S;
  throw new StoryError(place, `there is no ${what} '${text}'. There are`, [states.join(', ')]);
};

/** `p1 is ready`, `g1 is protected`; a plan or a group by its name alone. */
export const PLAN_OR_GROUP = /^(?<word>plan|group) (?<name>\S+) is (?<state>\w+)$/;
export const planOrGroup = (
  { word, name = '', state = '' }: Record<string, string | undefined>,
  cast: Cast,
  place: Place,
) =>
  word === 'plan'
    ? ({
        kind: 'plan is',
        plan: cast.one(name, ['plan'], place),
        state: oneOf<PlanState>(PLAN_STATES, state, 'state of a plan', place),
      } as const)
    : ({
        kind: 'group is',
        group: cast.one(name, ['group'], place),
        state: oneOf<GroupState>(GROUP_STATES, state, 'state of a group', place),
      } as const);

export const DR_TRIGGER_FORMS: readonly Form<Trigger, Cast>[] = [
  { usage: 'plan <plan> is <state> | group <group> is <state>', pattern: PLAN_OR_GROUP, make: planOrGroup },
  {
    usage: 'step <step> of <workflow>',
    pattern: /^step (?<step>\w+) of (?<of>[\w-]+)$/,
    make({ step = '', of = '' }, _cast, place) {
      const kind = oneOf<OperationKind>(OPERATION_KINDS, of, 'workflow', place);
      oneOf(Object.keys(STEP_TABLES[kind]), step, `step of ${kind}`, place);
      return { kind: 'step', when: 'after', step, of: kind };
    },
  },
];
