import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { DomainError } from '../kernel/errors.ts';
import { parseEstate } from './parse.ts';
import type { Estate } from './schema.ts';

/** The estates that come with the project. */
export const BUILTIN_ESTATES = ['single-site', 'two-sites', 'three-centres'] as const;
export type BuiltinEstate = (typeof BUILTIN_ESTATES)[number];

const isBuiltin = (name: string): name is BuiltinEstate => (BUILTIN_ESTATES as readonly string[]).includes(name);

const builtinText = (name: BuiltinEstate): string =>
  readFileSync(new URL(`./builtin/${name}.yaml`, import.meta.url), 'utf8');

export const builtinEstate = (name: BuiltinEstate): Estate => parseEstate(builtinText(name), `${name}.yaml`);

/**
 * The text of a built-in estate or of a file, and the name that its flaws are located in. A built-in name wins over a
 * file of that name; `./single-site` means the file.
 * @throws `invalid-request` when there is neither, naming the built-in ones
 */
export function loadEstateText(nameOrPath: string): { text: string; source: string } {
  if (isBuiltin(nameOrPath)) return { text: builtinText(nameOrPath), source: `${nameOrPath}.yaml` };
  try {
    return { text: readFileSync(nameOrPath, 'utf8'), source: basename(nameOrPath) };
  } catch (cause) {
    const builtins = BUILTIN_ESTATES.join(', ');
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    const message = `'${nameOrPath}' is no built-in estate (${builtins}) and cannot be read as a file: ${reason}`;
    const fix = `use one of ${builtins}, or the path of a YAML or JSON file`;
    throw new DomainError('invalid-request', message, { flaws: [{ location: 'estate', message, fix }], cause });
  }
}
