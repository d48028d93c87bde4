import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { writeBundle } from '../../infra/aws/bundle.ts';
import { FUNCTIONS, type FunctionSpec, WORKFLOWS } from '../../infra/topology.ts';
import { OPERATION_KINDS } from '../../shared/model/operation.ts';
import { functionsOf, house } from './house.ts';

const specs: [string, FunctionSpec][] = [
  ...Object.entries(FUNCTIONS as Record<string, FunctionSpec>),
  ...OPERATION_KINDS.map((kind): [string, FunctionSpec] => [kind, WORKFLOWS[kind].steps]),
];
const deployed = functionsOf(house('dev'), 'dev');
const folder = mkdtempSync(join(tmpdir(), 'strata-handlers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the bundle as Lambda does: a process of its own, and no settings but those of the function. */
describe('the bundle that is deployed', () => {
  it.each(specs)(
    'of %s starts with exactly the settings that the function is given',
    (name, spec) => {
      const module = pathToFileURL(writeBundle(spec.entry, join(folder, name))).href;
      const settings = Object.fromEntries(Object.keys(deployed.get(name)?.environment ?? {}).map((key) => [key, 'x']));
      const script = `const { handler } = await import(${JSON.stringify(module)}); console.log(typeof handler);`;
      const out = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
        env: { ...settings, NODE_OPTIONS: '--enable-source-maps', AWS_REGION: 'eu-central-1' },
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect(out.trim()).toBe('function');
    },
    30_000,
  );
});
