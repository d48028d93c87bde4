/** A state machine as it stands in its file. */
export interface Machine {
  StartAt: string;
  States: Record<string, AslState>;
  [field: string]: unknown;
}
export interface AslState {
  Type: string;
  [field: string]: unknown;
}

/** The only resource that the embedded engine and AWS both know alike. */
export const INVOKE = 'arn:aws:states:::lambda:invoke';
/** The longest timer of Node is a little more. */
const LONGEST_WAIT_SECONDS = 24 * 24 * 3600;

const FLOW = ['Type', 'Comment', 'InputPath', 'OutputPath'];
const NEXT = ['Next', 'End'];
const RESULT = ['Parameters', 'ResultSelector', 'ResultPath', 'Retry', 'Catch'];
/** All fields that a state may have, by its type. What is not here, one of the two engines does not honour. */
const FIELDS: Record<string, readonly string[]> = {
  Task: [...FLOW, ...NEXT, ...RESULT, 'Resource', 'TimeoutSeconds'],
  Pass: [...FLOW, ...NEXT, 'Result', 'Parameters', 'ResultPath'],
  Choice: [...FLOW, 'Choices', 'Default'],
  Wait: [...FLOW, ...NEXT, 'Seconds', 'SecondsPath', 'TimestampPath'],
  Parallel: [...FLOW, ...NEXT, ...RESULT, 'Branches'],
  Map: [...FLOW, ...NEXT, ...RESULT, 'ItemsPath', 'ItemSelector', 'ItemProcessor', 'MaxConcurrency'],
  Succeed: FLOW,
  Fail: ['Type', 'Comment', 'Error', 'Cause'],
};
const MACHINE_FIELDS = ['Comment', 'StartAt', 'States', 'TimeoutSeconds', 'Version', 'ProcessorConfig'];
const CONTEXT = /^\$\$\.(Execution|Map\.Item)(\.|$)/;

/** What in a state machine leaves the safe subset; empty when nothing does. */
export function lint(machine: Machine): string[] {
  const alien = Object.keys(machine).filter((f) => !MACHINE_FIELDS.includes(f));
  return [
    ...alien.map((f) => `the machine has ${f}, which is not in the safe subset`),
    ...Object.entries(machine.States).flatMap(([name, state]) =>
      [...lintState(state), ...contextOf(state)].map((flaw) => `${name}: ${flaw}`),
    ),
  ];
}

function lintState(state: AslState): string[] {
  const allowed = FIELDS[state.Type];
  if (!allowed) return [`a state of type ${state.Type} is not in the safe subset`];
  const alien = Object.keys(state).filter((f) => !allowed.includes(f));
  return [
    ...alien.map((f) => `has ${f}, which is not in the safe subset`),
    ...(state.Type === 'Task' ? lintTask(state) : []),
    ...(state.Type === 'Wait' && Number(state.Seconds ?? 0) >= LONGEST_WAIT_SECONDS
      ? [`waits ${state.Seconds} seconds; less than 24 days it must be`]
      : []),
    ...(state.Type === 'Choice' && !state.Default ? ['has no Default'] : []),
    ...inner(state).flatMap(lint),
    ...(state.Type === 'Map' ? lintMode(state) : []),
  ];
}

function lintTask(state: AslState): string[] {
  const retries = state.Retry as { JitterStrategy?: string }[] | undefined;
  const catches = state.Catch as unknown[] | undefined;
  return [
    ...(state.Resource === INVOKE ? [] : [`its resource is ${state.Resource}, only ${INVOKE} is allowed`]),
    ...(retries?.length ? [] : ['has no Retry']),
    ...(retries?.some((r) => r.JitterStrategy !== 'FULL') ? ['has a Retry without jitter'] : []),
    ...(catches?.length ? [] : ['has no Catch']),
    ...(typeof state.TimeoutSeconds === 'number' ? [] : ['has no TimeoutSeconds']),
  ];
}

function lintMode(state: AslState): string[] {
  const processor = state.ItemProcessor as { ProcessorConfig?: { Mode?: string } } | undefined;
  const mode = processor?.ProcessorConfig?.Mode ?? 'INLINE';
  return mode === 'INLINE' ? [] : [`is a map of mode ${mode}; only inline ones are in the safe subset`];
}

/** Uses of the context object that the embedded engine does not know. */
function contextOf(value: unknown): string[] {
  if (typeof value === 'string')
    return value.startsWith('$$') && !CONTEXT.test(value) ? [`reads ${value}, which is not in the safe subset`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(contextOf);
}

/** Machines inside of a Parallel or Map. */
function inner(state: AslState): Machine[] {
  const branches = (state.Branches as Machine[] | undefined) ?? [];
  const processor = state.ItemProcessor as Machine | undefined;
  return processor ? [...branches, processor] : branches;
}

/** Every state, those inside of others too. */
export const allStates = (machine: Machine): AslState[] =>
  Object.values(machine.States).flatMap((state) => [state, ...inner(state).flatMap(allStates)]);

/** The steps of its function that a machine calls. */
export const stepsOf = (machine: Machine): string[] =>
  allStates(machine)
    .filter((s) => s.Type === 'Task')
    .map((s) => String((s.Parameters as { Payload?: { step?: unknown } } | undefined)?.Payload?.step));
