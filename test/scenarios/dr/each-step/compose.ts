import { describe, expect, it } from 'vitest';
import { STEP_TABLES } from '../../../../infra/local/workflows/steps.ts';
import { notKept } from '../../language/judge.ts';
import { parseStory } from '../../language/parse.ts';
import { Play } from '../../language/play.ts';

/** One execution of a plan: what comes before it, and what a person does some time after it met with trouble. */
export interface Tried {
  workflow: 'plan-test' | 'plan-cleanup' | 'plan-migrate' | 'plan-failover' | 'plan-reprotect';
  /** Steps that it takes; all of its workflow without. */
  steps?: (step: string) => boolean;
  before: string[];
  begin: string;
  /** Sites that are there when it begins. */
  sites: ('a' | 'b')[];
  after: string[];
  promises: string;
}

/** Longer than what a step, and the undoing of what came before it, are waited for. */
const AWAY = '5m';
/** Minutes from one word to the next: what is well is over long before that. */
const APART = { before: 4, after: 12 } as const;
/** Stories of this kind take a second or two; a machine that does other things as well may need longer, ms. */
const PATIENCE_MS = 240_000;

/** Troubles that strike just before a step: a site burns, the link is cut, the process of the control plane dies. */
const troubles = ({ sites }: Tried): string[] => [
  ...sites.map((site) => `fault site-loss site-${site} for ${AWAY}`),
  ...(sites.length > 1 ? [`fault link-cut a-b for ${AWAY}`] : []),
  'kill the control plane for 20s',
];

function story(tried: Tried, step: string, trouble: string): string {
  const begun = 2 + APART.before * tried.before.length;
  const later = (n: number) => begun + APART.after * n;
  return [
    `${tried.begin}: ${trouble} before ${step}`,
    '',
    'cluster c1 at site a: 2 hosts of 16 cores and 64 GiB',
    'cluster c2 at site b: 2 hosts of 16 cores and 64 GiB',
    'link a-b: sync, 2 ms, 1000 Mbit/s',
    'vm web x2 on h1, h2: 2 vCPU, 4 GiB',
    'group shop of web: sync to b',
    'plan p1 of shop: tested',
    'guests write every 30s',
    '',
    ...tried.before.map((command, i) => `at ${2 + APART.before * i}m: ${command}`),
    `at ${begun}m: ${tried.begin}`,
    `before step ${step} of ${tried.workflow}: ${trouble}`,
    ...tried.after.map((command, i) => `at ${later(i + 1)}m: ${command}`),
    `run until ${later(tried.after.length + 1) - 6}m`,
    `expect lost as reported; ${tried.promises}`,
  ].join('\n');
}

/** Plays each trouble before each step: every invariant holds at every instant, and the same word once more mends it. */
export function tryEachStep(name: string, tried: Tried): void {
  const steps = Object.keys(STEP_TABLES[tried.workflow]).filter(tried.steps ?? (() => true));
  const cases = steps.flatMap((step) => troubles(tried).map((trouble) => [step, trouble] as const));
  describe(`${name} that meets with trouble`, () => {
    it.each(cases)(
      'before %s (%s) loses nothing that it does not tell, and is brought to its end',
      async (step, trouble) => {
        const text = story(tried, step, trouble);
        await Play.of(parseStory(text, `${name} before ${step}`), async ({ golden, broken, seen }) => {
          expect(broken, golden).toEqual([]);
          expect(await notKept(parseStory(text, name).promises, seen), golden).toEqual([]);
        });
      },
      PATIENCE_MS,
    );
  });
}
