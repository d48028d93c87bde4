import fc from 'fast-check';
import type { ApiOperation } from '../../shared/contract/operation.ts';

/** What a hostile or broken client sends. */
export interface Request {
  path: string;
  body: string | undefined;
  contentType: string;
}

const LONG = 'x'.repeat(5000);
const TEXTS = [
  '',
  ' ',
  '\u0000',
  'ü',
  '💥'.repeat(20),
  '\ud800',
  '..',
  '../../etc',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  '-1',
  '1e400',
  "' OR 1=1 --",
  'vm_',
  'vdc_',
  'net_',
  'T#abc#VM',
  'SYS#SITE',
  `vm_${LONG}`,
  `host_${LONG}`,
  LONG,
];
const ODD = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.5,
  1e-320,
  1e21,
  1e308,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  [],
  {},
  [[]],
  [null],
  { '': '' },
  { __proto: 1 },
];
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 40 }));
const oddValue = fc.oneof(fc.constantFrom<unknown>(...ODD), text, fc.jsonValue({ maxDepth: 2 }));

const PATHS = [
  '%',
  '%zz',
  '%00',
  '%ff',
  '%2e%2e',
  '..',
  '.',
  '%2F%2F',
  '%25',
  'a%0Ab',
  '%F0%9F%92%A5',
  LONG,
  `vm_${LONG}`,
  'constructor',
];
const parameter = fc.oneof(fc.constantFrom(...PATHS), text.map(encode));

/** Text as it goes into a URL; half a character, which no URL can carry, as a stray percent sign. */
function encode(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return '%';
  }
}

type Path = (string | number)[];
function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([k, v]) => pathsIn(v, [...at, k]))];
}

/** The example with one part replaced, taken out, or with something added to it. */
function mutated(example: unknown): fc.Arbitrary<unknown> {
  const change = fc.constantFrom('replace', 'remove', 'add', 'lengthen');
  return fc.tuple(fc.constantFrom(...pathsIn(example)), change, oddValue, text).map(([path, how, value, key]) => {
    const whole = { root: structuredClone(example) } as Record<string, unknown>;
    let parent: Record<string, unknown> = whole;
    const full = ['root', ...path];
    for (const step of full.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
    const last = full.at(-1) as string;
    const there = parent[last];
    if (how === 'remove') delete parent[last];
    else if (how === 'replace') parent[last] = value;
    else if (Array.isArray(there))
      there.push(...Array.from({ length: how === 'add' ? 1 : 200 }, () => there[0] ?? value));
    else if (typeof there === 'object' && there !== null) (there as Record<string, unknown>)[key] = value;
    else parent[last] = typeof there === 'number' ? there * 1e15 : `${there}${LONG}`;
    return whole.root;
  });
}

const deep = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
const noJson = fc.constantFrom(
  '{',
  '{"a":1,}',
  'undefined',
  '\u0000',
  deep('[', ']'),
  deep('{"a":', '}').replace('{"a":}', '{}'),
  '"',
  '{"a":1}{}',
);

function bodyOf(operation: ApiOperation): fc.Arbitrary<string | undefined> {
  if (operation.method === 'get') return fc.constant(undefined);
  const json = fc.oneof(
    { weight: 6, arbitrary: operation.example === undefined ? oddValue : mutated(operation.example) },
    { weight: 2, arbitrary: fc.jsonValue() as fc.Arbitrary<unknown> },
  );
  return fc.oneof(
    { weight: 8, arbitrary: json.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: noJson },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

function queryOf(operation: ApiOperation): fc.Arbitrary<string> {
  const known = [...Object.keys(operation.query?.shape ?? {}), 'limit', 'unknown', '__proto__', ''];
  const pair = fc.tuple(fc.constantFrom(...known), text).map(([k, v]) => `${encode(k)}=${encode(v)}`);
  const raw = fc.constantFrom('%', '&&=', 'limit', 'limit=1&limit=2', '?', '=%ff');
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant('') },
    { weight: 3, arbitrary: fc.array(pair, { minLength: 1, maxLength: 3 }).map((pairs) => pairs.join('&')) },
    { weight: 1, arbitrary: raw },
  );
}

const contentType = fc.oneof(
  { weight: 8, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'text/plain',
      'application/xml',
      'multipart/form-data',
      'application/jsonx',
      'application/json; charset=utf-16',
      '*/*',
      ';',
    ),
  },
);

/** Requests of one operation; `real` are ids that exist, by the name of the parameter. */
export function garbage(operation: ApiOperation, real: Record<string, string>): fc.Arbitrary<Request> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] as string);
  // What exists is never deleted, so that later requests still meet it.
  const values = names.map((name) =>
    real[name] !== undefined && operation.method !== 'delete'
      ? fc.oneof({ weight: 2, arbitrary: fc.constant(real[name]) }, { weight: 1, arbitrary: parameter })
      : parameter,
  );
  return fc
    .tuple(fc.tuple(...values), queryOf(operation), bodyOf(operation), contentType)
    .map(([given, query, body, type]) => {
      const path = names.reduce((p, name, i) => p.replace(`{${name}}`, () => given[i] as string), operation.path);
      return { path: query ? `${path}?${query}` : path, body, contentType: type };
    });
}
