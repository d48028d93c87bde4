import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../infra/aws/bundle.ts';
import { FIXED_ENVIRONMENT } from '../../infra/aws/function.ts';
import { FUNCTIONS, type FunctionSpec, SETTINGS, type TableId, WORKFLOWS } from '../../infra/topology.ts';
import { OPERATION_KINDS } from '../../shared/model/operation.ts';
import { functionsOf, house, tablesIn } from './house.ts';

const specs: [string, FunctionSpec][] = [
  ...Object.entries(FUNCTIONS as Record<string, FunctionSpec>),
  ...OPERATION_KINDS.map((kind): [string, FunctionSpec] => [kind, WORKFLOWS[kind].steps]),
];
const deployed = functionsOf(house('test'), 'test');

describe.each(specs)('%s', (name, spec) => {
  const found = deployed.get(name);

  it('is told exactly what the topology says', () => {
    const expected = new Set([
      ...(Object.keys(spec.tables) as TableId[]).map((table) => SETTINGS[table]),
      ...(spec.port ? [SETTINGS.siteAgent] : []),
      ...(spec.starts ? [SETTINGS.eventBus, SETTINGS.stateMachines] : []),
      ...Object.keys(FIXED_ENVIRONMENT),
    ]);
    expect(new Set(Object.keys(found?.environment ?? {}))).toEqual(expected);
  });

  it('is told of the right tables', () => {
    for (const table of Object.keys(spec.tables) as TableId[])
      expect(tablesIn(found?.environment[SETTINGS[table]])).toEqual([table]);
  });

  it('runs on Node 24 and arm64 within its limits, traced', () => {
    expect(found?.properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: spec.timeoutSeconds,
      MemorySize: spec.memoryMiB,
      TracingConfig: { Mode: 'Active' },
    });
  });

  it('has its handler', () => {
    expect(existsSync(join(ROOT, spec.entry)), spec.entry).toBe(true);
  });
});

describe('the settings of the dispatcher', () => {
  it('name the state machines by a prefix to which a kind is appended', () => {
    const prefix = JSON.stringify(deployed.get('dispatcher')?.environment[SETTINGS.stateMachines]);
    expect(prefix).toMatch(/:stateMachine:strata-test-"\]\]\}$/);
  });
});
