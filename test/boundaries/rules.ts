import { circles, type Import, importsOf, type Source, withoutComments } from './imports.ts';

/**
 * The floors of the house, from the ground. An import goes down or stays in its own room: rooms of one floor do not see
 * each other. A room that is not here has no place yet: decide on its floor first.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ['shared/kernel'],
  ['shared/model'],
  ['shared/events', 'shared/hypervisor'],
  ['shared/contract', 'shared/invariants', 'shared/estate', 'shared/placement', 'shared/replication', 'shared/backup'],
  ['shared/store', 'shared/recovery'],
  ['shared/world', 'shared/aws', 'shared/plans'],
  ['functions', 'workflows'],
  ['infra'],
  ['test'],
];
const SEES_THE_WORLD = ['functions/site-agent/', 'functions/sim-api/', 'shared/world/'];
const MAY_USE_AWS = ['shared/store/', 'shared/events/', 'shared/aws/'];
/** What the folders of workflows have in common. */
const WORKFLOW_COMMONS = [
  'workflows/engine/',
  'workflows/vm/',
  'workflows/host/',
  'workflows/recovery-plan/',
  'workflows/group/',
];
const MOST_LINES = 400;
const TIME_AND_CHANCE = /\bDate\.now\s*\(|\bnew Date\s*\(\s*\)|\bMath\.random\s*\(|\bset(?:Timeout|Interval)\s*\(/g;

export type Rule =
  | 'room without a floor'
  | 'imports go down'
  | 'the world is behind the port'
  | 'no AWS in the domain'
  | 'faces stand alone'
  | 'workflows stand alone'
  | 'no circles'
  | 'files are short'
  | 'time and chance come from the kernel';
export interface Violation {
  rule: Rule;
  file: string;
  what: string;
}

type Check = (source: Source, imports: readonly Import[]) => string[];

const within = (folders: readonly string[], file: string): boolean => folders.some((f) => file.startsWith(f));

/** `shared/kernel`, or the wing where the wing is one room; undefined for files in no folder, such as openapi.json. */
export function roomOf(file: string): string | undefined {
  const [wing, room, ...rest] = file.split('/');
  if (room === undefined) return undefined;
  return wing === 'shared' && rest.length > 0 ? `shared/${room}` : wing;
}
const floorOf = (room: string): number => FLOORS.findIndex((f) => f.includes(room));

const files = (imports: readonly Import[], wrong: (file: string) => boolean): string[] =>
  imports.filter((i) => i.file !== undefined && wrong(i.file)).map((i) => `imports ${i.specifier} (${i.file})`);

const hasFloor: Check = ({ path }) => {
  const room = roomOf(path);
  return room !== undefined && floorOf(room) < 0 ? [`${room} is on no floor`] : [];
};

const goesDown: Check = ({ path }, imports) => {
  const here = roomOf(path) as string;
  return files(imports, (file) => {
    const there = roomOf(file);
    if (there === undefined || there === here) return false;
    return floorOf(here) >= 0 && floorOf(there) >= floorOf(here);
  });
};

const leavesTheWorldAlone: Check = ({ path }, imports) =>
  within(SEES_THE_WORLD, path) ? [] : files(imports, (file) => file.startsWith('shared/world/'));

const knowsNoAws: Check = ({ path }, imports) =>
  !path.startsWith('shared/') || within(MAY_USE_AWS, path)
    ? []
    : imports.filter((i) => /^(@aws-sdk|@smithy|aws-sdk)(\/|$)/.test(i.specifier)).map((i) => `imports ${i.specifier}`);

const faceOf = (file: string): string | undefined => /^functions\/([\w-]+-api)\//.exec(file)?.[1];
const knowsNoOtherFace: Check = ({ path }, imports) => {
  const face = faceOf(path);
  return face === undefined ? [] : files(imports, (file) => faceOf(file) !== undefined && faceOf(file) !== face);
};

const workflowOf = (file: string): string | undefined =>
  within(WORKFLOW_COMMONS, file) ? undefined : /^workflows\/([\w-]+)\//.exec(file)?.[1];
const knowsNoOtherWorkflow: Check = ({ path }, imports) =>
  path.startsWith('workflows/')
    ? files(imports, (file) => workflowOf(file) !== undefined && workflowOf(file) !== workflowOf(path))
    : [];

const isShort: Check = ({ text }) => {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return lines > MOST_LINES ? [`has ${lines} lines, ${MOST_LINES} are the most`] : [];
};

const asksTheKernel: Check = ({ path, text }, imports) => {
  if (path.startsWith('shared/kernel/') || path.startsWith('infra/')) return [];
  const calls = [...withoutComments(text).matchAll(TIME_AND_CHANCE)].map((m) => `calls ${m[0]}...)`);
  const timers = imports.filter((i) => /^(node:)?timers/.test(i.specifier)).map((i) => `imports ${i.specifier}`);
  return [...calls, ...timers];
};

const CHECKS: Record<Exclude<Rule, 'no circles'>, Check> = {
  'room without a floor': hasFloor,
  'imports go down': goesDown,
  'the world is behind the port': leavesTheWorldAlone,
  'no AWS in the domain': knowsNoAws,
  'faces stand alone': knowsNoOtherFace,
  'workflows stand alone': knowsNoOtherWorkflow,
  'files are short': isShort,
  'time and chance come from the kernel': asksTheKernel,
};
export const RULES = [...(Object.keys(CHECKS) as Rule[]), 'no circles' as const];

/** All that is wrong with these files, by file and import. */
export function violations(sources: readonly Source[]): Violation[] {
  const imports = new Map(sources.map((s) => [s.path, importsOf(s)]));
  const found = sources.flatMap((source) =>
    Object.entries(CHECKS).flatMap(([rule, check]) =>
      check(source, imports.get(source.path) ?? []).map((what) => ({ rule: rule as Rule, file: source.path, what })),
    ),
  );
  const graph = new Map([...imports].map(([path, list]) => [path, list.flatMap((i) => i.file ?? [])]));
  for (const circle of circles(graph))
    found.push({ rule: 'no circles', file: circle[0] as string, what: circle.join(' -> ') });
  return found;
}
