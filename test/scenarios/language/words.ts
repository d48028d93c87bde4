/** What every part of the language needs: where a line stands, spans of time, names and lists of names. */

export interface Place {
  file: string;
  line: number;
}

/** A story that cannot be understood or staged. Says where, what was read, and what would be possible. */
export class StoryError extends Error {
  constructor({ file, line }: Place, what: string, possible: readonly string[] = []) {
    const hints = possible.map((p) => `\n    ${p}`).join('');
    super(`${file}:${line}: ${what}${hints}`);
    this.name = 'StoryError';
  }
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
export const SPAN = '\\d+(?:\\.\\d+)?(?:ms|s|m|h)';

/** `1.5s`, `2m`, `1h` or `250ms`, in ms. */
export function span(text: string, place: Place): number {
  const [, figure, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim()) ?? [];
  if (figure === undefined || unit === undefined)
    throw new StoryError(place, `'${text}' is no span of time`, ['write 500ms, 12s, 1.5s, 10m or 1h']);
  return Math.round(Number(figure) * (UNITS[unit] as number));
}

/** Seconds with one decimal: how goldens write times. */
export const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

/** `web-1..3` are three names. */
export function unfold(text: string): string[] {
  const [, stem, from, to] = /^(.*?)(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (stem === undefined) return [text];
  const count = Math.max(0, Number(to) - Number(from) + 1);
  return Array.from({ length: count }, (_, i) => `${stem}${Number(from) + i}`);
}

/** Numbers in names count as numbers: web-2 before web-10. */
export const natural = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** The other way round: names in order, runs of numbers as `web-1..3`. */
export function fold(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort(natural);
  const out: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    const [, stem = '', first] = /^(.*?)(\d+)$/.exec(sorted[i] as string) ?? [];
    let n = 1;
    while (first !== undefined && sorted[i + n] === `${stem}${Number(first) + n}`) n++;
    if (n > 1) out.push(`${sorted[i]}..${Number(first) + n - 1}`);
    else out.push(sorted[i] as string);
    i += n;
  }
  return out.join(', ');
}

/** One way to write something: how it looks to people, what it matches, and what it means. */
export interface Form<T, C> {
  usage: string;
  pattern: RegExp;
  make(found: Record<string, string | undefined>, context: C, place: Place): T;
}

/** The meaning of the first form that matches. @throws StoryError with the forms that were possible. */
export function understand<T, C>(
  forms: readonly Form<T, C>[],
  text: string,
  context: C,
  place: Place,
  before: string,
): T {
  for (const form of forms) {
    const match = form.pattern.exec(text);
    if (match) return form.make({ ...match.groups }, context, place);
  }
  const word = text.split(/[\s:]/, 1)[0] as string;
  const near = forms.filter((f) => f.usage.split(/[\s:]/, 1)[0] === word);
  const possible = (near.length > 0 ? near : forms).map((f) => f.usage);
  throw new StoryError(
    place,
    `cannot understand '${text}'${near.length > 0 ? `; '${word}' is written` : `. Possible ${before}:`}`,
    possible,
  );
}
