import { type Counts, NOTHING, sum } from './counts.ts';
import { conclude, runTests } from './run.ts';
import { tool } from './tool.ts';

/** A tool counts as one test that passes or fails. */
const byTool =
  (name: string, ...args: string[]) =>
  async (): Promise<Counts> =>
    (await tool(name, args)) === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };

/** All that must hold of the project. Boundaries, workflows and the contract are checked among the tests. */
const STEPS: { name: string; run: () => Promise<Counts> }[] = [
  { name: 'types', run: byTool('tsc', '--noEmit') },
  { name: 'lint', run: byTool('biome', 'check', '--error-on-warnings', '.') },
  { name: 'tests', run: () => runTests() },
  { name: 'synth', run: byTool('cdk', 'synth', '--quiet') },
];

/** `--without-tests` is for a caller that has run them already. */
const steps = process.argv.includes('--without-tests') ? STEPS.filter((s) => s.name !== 'tests') : STEPS;
let total = NOTHING;
for (const { name, run } of steps) {
  console.log(`check: ${name}`);
  const begin = performance.now();
  const counts = await run();
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`check: ${name} ${counts.failed > 0 ? 'FAILED' : 'passed'} after ${seconds} s`);
  total = sum(total, counts);
}
conclude(total);
