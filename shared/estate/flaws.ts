import type * as z from 'zod';

/** A path into the described estate: field names and list positions. */
export type Path = readonly (string | number)[];
export interface PathFlaw {
  path: Path;
  message: string;
  fix: string;
}

/** `sites[0].clusters[1].hosts.mhz` */
export const pathText = (path: Path): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');

const WORDS: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  object: 'a group of fields',
  array: 'a list',
};
const inWords = (expected: string): string => WORDS[expected] ?? expected;

const shown = (value: unknown): string =>
  value !== null && typeof value === 'object'
    ? Array.isArray(value)
      ? 'a list'
      : 'a group of fields'
    : JSON.stringify(value);

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | null | undefined)?.[part], root);

const name = (path: Path): string => (typeof path.at(-1) === 'string' ? `'${path.at(-1)}': ` : '');

/** What a schema found, in the words of the file: one flaw for each field. */
export function schemaFlaws(issue: z.core.$ZodIssue, root: unknown, base: Path = []): PathFlaw[] {
  const path: Path = [...base, ...(issue.path as (string | number)[])];
  const field = path.length === 0 ? 'the estate' : `'${path.at(-1)}'`;
  const value = valueAt(root, path);
  const one = (message: string, fix: string): PathFlaw[] => [{ path, message, fix }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: `unknown field '${key}'`, fix: issue.message }));
    case 'invalid_union': {
      // The author meant the branch whose outer shape fits; the others would only add noise.
      const meant = issue.errors.find(
        (branch) => !branch.some((i) => i.path.length === 0 && i.code === 'invalid_type'),
      );
      if (meant) return meant.flatMap((inner) => schemaFlaws(inner, root, path));
      const choices = issue.errors.flat().flatMap((i) => (i.code === 'invalid_type' ? [inWords(i.expected)] : []));
      const either = choices.join(' or ');
      return value === undefined
        ? one(`${field} is missing`, `add ${name(path)}${either}`)
        : one(`${field} is ${shown(value)}`, `write ${either}`);
    }
    case 'invalid_type': {
      const expected = inWords(issue.expected);
      if (value === undefined) return one(`${field} is missing`, `add ${name(path)}${expected}`);
      const quotes =
        issue.expected === 'string' && typeof value !== 'object'
          ? ', put it in quotes'
          : typeof value === 'string' && !Number.isNaN(Number(value)) && value !== ''
            ? ', without quotes'
            : '';
      return one(`${field} must be ${expected}, not ${shown(value)}`, `write ${expected}${quotes}`);
    }
    case 'invalid_value':
      return value === undefined
        ? one(`${field} is missing`, `add ${name(path)}one of ${issue.values.join(', ')}`)
        : one(`${field} cannot be ${shown(value)}`, `use one of: ${issue.values.join(', ')}`);
    case 'too_small': {
      const least = issue.inclusive === false ? `more than ${issue.minimum}` : `at least ${issue.minimum}`;
      if (issue.origin === 'array') return one(`${field} is empty`, `list ${least} of them`);
      return one(`${field} is too small: ${shown(value)}`, `use ${least}`);
    }
    case 'too_big':
      return one(`${field} is too large: ${shown(value)}`, `use at most ${issue.maximum}`);
    case 'invalid_format':
      return one(`${field} cannot be ${shown(value)}`, issue.message);
    default:
      return one(`${field} is not valid: ${shown(value)}`, issue.message);
  }
}
