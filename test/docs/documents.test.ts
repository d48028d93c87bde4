import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md'];

const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');
const scripts = new Set(Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts));
const top = readdirSync(ROOT, { withFileTypes: true });
const folders = new Set(top.filter((e) => e.isDirectory()).map((e) => e.name));
const endings = new Set(top.filter((e) => e.isFile()).map((e) => e.name.slice(e.name.lastIndexOf('.'))));

/** What stands in backticks and means a file or folder of the project: `shared/model/`, `openapi.json`. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)]
    .map((m) => m[1] as string)
    .filter((words) => /^[\w.<>*-]+(\/[\w.<>*-]+)*\/?$/.test(words))
    .filter((words) =>
      words.includes('/')
        ? folders.has(words.split('/')[0] as string)
        : endings.has(words.slice(words.lastIndexOf('.'))),
    )
    .filter((words) => !words.startsWith('.'));
}

/** `<kind>` and `*` stand for any name: one such file must exist. */
const exists = (path: string): boolean =>
  /[<*]/.test(path)
    ? globSync(path.replace(/<[\w-]+>/g, '*').replace(/\/$/, ''), { cwd: ROOT }).length > 0
    : existsSync(`${ROOT}${path}`);

const scriptsIn = (text: string): string[] =>
  [...text.matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)].map((m) => (m[1] ?? m[2]) as string);
const linksIn = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((m) => m[1] as string).filter((link) => !/^\w+:/.test(link));

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  it('names only files and folders that exist', () => {
    expect([...pathsIn(text), ...linksIn(text)].filter((path) => !exists(path))).toEqual([]);
  });

  it('names only scripts that package.json has', () => {
    expect(scriptsIn(text).filter((script) => !scripts.has(script))).toEqual([]);
  });
});

it('the check finds what is missing', () => {
  expect(
    pathsIn('`shared/nowhere.ts`, `workflows/<kind>/steps.ts`, `/v1/vms`, `a/b`, `npm start`, `gone.json`'),
  ).toEqual(['shared/nowhere.ts', 'workflows/<kind>/steps.ts', 'gone.json']);
  expect(exists('shared/nowhere.ts')).toBe(false);
  expect(exists('workflows/<kind>/steps.ts')).toBe(true);
  expect(exists('workflows/<kind>/nowhere.ts')).toBe(false);
  expect(scriptsIn('npm ci && npm start; npm run no-such')).toEqual(['start', 'no-such']);
  expect(linksIn('[a](ARCHITECTURE.md#time) [b](https://example.com)')).toEqual(['ARCHITECTURE.md']);
});
