import { posix } from 'node:path';

export interface Source {
  /** From the root of the project, with slashes. */
  path: string;
  text: string;
}
export interface Import {
  /** As it is written. */
  specifier: string;
  /** The file of the project that is meant; undefined for packages and built-ins. */
  file?: string;
}

/** From any other place than a comment. Strings that hold a comment's sign are cut too, which hides no import. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');

const FORMS = [
  // import a, { b } from 'x'; import type { c } from 'x'; export * from 'x'; over several lines too.
  /^\s*(?:import|export)\s[^;'"`]*?\bfrom\s*(['"])([^'"]+)\1/gm,
  // import 'x';
  /^\s*import\s*(['"])([^'"]+)\1/gm,
  // import('x'), also as a type.
  /\bimport\s*\(\s*(['"`])([^'"`]+)\1/g,
];

/** All that a file imports, types included. */
export function importsOf({ path, text }: Source): Import[] {
  const code = withoutComments(text);
  const specifiers = FORMS.flatMap((form) => [...code.matchAll(form)].map((m) => m[2] as string));
  return [...new Set(specifiers)].map((specifier) =>
    specifier.startsWith('.') ? { specifier, file: posix.join(posix.dirname(path), specifier) } : { specifier },
  );
}

/** Circles of imports: each as the files on it, the first one again at the end. One circle is told once. */
export function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const found: string[][] = [];
  const walk = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      found.push([...trail.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}
