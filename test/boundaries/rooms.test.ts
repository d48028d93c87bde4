import { globSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, type Source } from './imports.ts';
import { FLOORS, RULES, type Rule, roomOf, violations } from './rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const house: Source[] = globSync('{shared,functions,workflows,infra}/**/*.{ts,js,mjs}', { cwd: root })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => !path.includes('node_modules'))
  .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));
const found = violations(house);
const file = (path: string, text: string): Source => ({ path, text });

describe(`the house, from the ground: ${FLOORS.map((f) => f.join(' & ')).join(' < ')}`, () => {
  it.each(RULES)('%s', (rule) => {
    const told = found.filter((v) => v.rule === rule).map((v) => `${v.file}: ${v.what}`);
    expect(told, `${rule}:\n${told.join('\n')}`).toEqual([]);
  });

  it('has every room in use', () => {
    const rooms = new Set(house.map((s) => roomOf(s.path)));
    const empty = FLOORS.flat().filter((room) => room !== 'test' && !rooms.has(room));
    expect(empty).toEqual([]);
  });
});

describe('the checker sees', () => {
  const planted: [string, Rule, Source[]][] = [
    ['a room that nobody has given a floor', 'room without a floor', [file('shared/attic/a.ts', '')]],
    ['an import upwards', 'imports go down', [file('shared/kernel/a.ts', "import { b } from '../model/b.ts';")]],
    [
      'an import of a type upwards',
      'imports go down',
      [file('shared/placement/a.ts', "import type { B } from '../store/b.ts';")],
    ],
    [
      'an export over several lines from above',
      'imports go down',
      [file('shared/model/a.ts', "export {\n  b,\n  c,\n} from '../store/b.ts';")],
    ],
    [
      'a dynamic import upwards',
      'imports go down',
      [file('shared/store/a.ts', "const b = await import('../../infra/b.ts');")],
    ],
    ['a type taken by import()', 'imports go down', [file('shared/store/a.ts', "type B = import('../world/b.ts').B;")]],
    ['an import for its effect alone', 'imports go down', [file('shared/store/a.ts', "import '../aws/b.ts';")]],
    [
      'a neighbour on the same floor',
      'imports go down',
      [file('shared/contract/a.ts', "import { b } from '../estate/b.ts';")],
    ],
    [
      'a function that imports a workflow',
      'imports go down',
      [file('functions/probe/a.ts', "import { b } from '../../workflows/vm/b.ts';")],
    ],
    [
      'a workflow that imports a function',
      'imports go down',
      [file('workflows/vm/a.ts', "import { b } from '../../functions/http/b.ts';")],
    ],
    [
      'the domain importing infra',
      'imports go down',
      [file('shared/aws/a.ts', "import { b } from '../../infra/topology.ts';")],
    ],
    [
      'the house importing its tests',
      'imports go down',
      [file('infra/local/a.ts', "import { b } from '../../test/support/cloud.ts';")],
    ],
    [
      'a workflow that looks at the world',
      'the world is behind the port',
      [file('workflows/vm/a.ts', "import { World } from '../../shared/world/world.ts';")],
    ],
    [
      'a face that looks at the world',
      'the world is behind the port',
      [file('functions/tenant-api/a.ts', "import type { World } from '../../shared/world/world.ts';")],
    ],
    [
      'the AWS SDK in the domain',
      'no AWS in the domain',
      [file('shared/placement/a.ts', "import { DynamoDBClient } from '@aws-sdk/client-dynamodb';")],
    ],
    [
      'a face that imports another',
      'faces stand alone',
      [file('functions/system-api/a.ts', "import { b } from '../tenant-api/b.ts';")],
    ],
    [
      'a workflow that imports another',
      'workflows stand alone',
      [file('workflows/start-vm/a.ts', "import { b } from '../stop-vm/steps.ts';")],
    ],
    [
      'common workflow code that imports one workflow',
      'workflows stand alone',
      [file('workflows/vm/a.ts', "import { b } from '../stop-vm/steps.ts';")],
    ],
    [
      'a circle of imports, of types too',
      'no circles',
      [
        file('shared/model/a.ts', "import { b } from './b.ts';"),
        file('shared/model/b.ts', "import { c } from './c.ts';"),
        file('shared/model/c.ts', "import type { a } from './a.ts';"),
      ],
    ],
    ['a file that is too long', 'files are short', [file('infra/local/a.ts', 'const a = 1;\n'.repeat(401))]],
    [
      'a look at the clock',
      'time and chance come from the kernel',
      [file('workflows/vm/a.ts', 'const now = Date.now();')],
    ],
    [
      'the present time as a date',
      'time and chance come from the kernel',
      [file('functions/http/a.ts', 'const now = new Date();')],
    ],
    [
      'chance of its own',
      'time and chance come from the kernel',
      [file('shared/placement/a.ts', 'const pick = Math.random();')],
    ],
    [
      'a timer of its own',
      'time and chance come from the kernel',
      [file('shared/store/a.ts', 'setTimeout(() => {}, 10);')],
    ],
    [
      'a timer by import',
      'time and chance come from the kernel',
      [file('shared/store/a.ts', "import { setTimeout as wait } from 'node:timers/promises';")],
    ],
  ];
  it.each(planted)('%s', (_, rule, sources) => {
    const told = violations(sources);
    expect(told.map((v) => v.rule)).toContain(rule);
    expect(told[0]?.file).toBe(sources[0]?.path);
  });

  it.each(RULES)('a planted case of "%s"', (rule) => {
    expect(planted.map(([, r]) => r)).toContain(rule);
  });

  it('nothing in what is allowed', () => {
    const fine = [
      file('shared/kernel/clock.ts', 'export const now = () => Date.now();'),
      file(
        'shared/model/a.ts',
        "import { b } from './b.ts';\nimport { c } from '../kernel/c.ts';\n// Date.now() is not ours",
      ),
      file('shared/model/b.ts', "/* import { a } from './a.ts'; */\nexport const b = new Date(0);"),
      file('functions/sim-api/a.ts', "import { w } from '../../shared/world/w.ts';\nimport { c } from '../http/c.ts';"),
      file('shared/store/a.ts', "import { D } from '@aws-sdk/client-dynamodb';"),
      file('workflows/start-vm/steps.ts', "import { s } from '../vm/start.ts';"),
    ];
    expect(violations(fine)).toEqual([]);
  });

  it('every form of import in a file, and none in a comment', () => {
    const text = `import a, { b } from './1.ts';\nimport type { C } from './2.ts';\nexport * from './3.ts';
export {\n  d,\n} from './4.ts';\nimport './5.ts';\nconst e = await import('./6.ts');\n// import f from './7.ts';`;
    expect(
      importsOf(file('shared/model/x.ts', text))
        .map((i) => i.specifier)
        .sort(),
    ).toEqual(['./1.ts', './2.ts', './3.ts', './4.ts', './5.ts', './6.ts']);
  });
});
