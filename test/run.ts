import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Counts, countsOf, line } from './counts.ts';
import { tool } from './tool.ts';

/** Every test but the benches. Arguments go on to vitest, such as a part of a file's name. */
export async function runTests(args: readonly string[] = []): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'strata-tests-'));
  const file = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const exitCode = await tool('vitest', ['run', '--exclude', 'test/bench/**', ...reporters, ...args]);
    return countsOf(JSON.parse(readFileSync(file, 'utf8')), exitCode);
  } catch (error) {
    console.error(`The tests did not run to their end: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Says the counts as the last line, leaves them for a caller that asks for them, and sets the exit code. */
export function conclude(counts: Counts): void {
  if (process.env.STRATA_COUNTS)
    appendFileSync(process.env.STRATA_COUNTS, `${counts.passed} ${counts.failed} ${counts.skipped}\n`);
  console.log(line(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

if (import.meta.main) conclude(await runTests(process.argv.slice(2)));
