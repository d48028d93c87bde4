import type { Happening } from './observe.ts';
import { fold, seconds } from './words.ts';

interface Entry extends Happening {
  at: number;
  /** How often had been looked when it was seen: what was done comes before what came of it at the same time. */
  look: number;
}

const TIME_WIDTH = 9;
const WORD_WIDTH = 10;

/** What happened, in order, with the time since the story began. */
export class Chronicle {
  private readonly entries: Entry[] = [];
  private look = 0;

  /** What is told from now on was seen later. */
  next(): void {
    this.look++;
  }

  tell(at: number, happenings: readonly Happening[]): void {
    for (const happening of happenings) this.entries.push({ ...happening, at, look: this.look });
  }

  /** As text: equal things at one time in one line, and a line that only repeats the one before is counted. */
  write(): string[] {
    const sorted = this.entries
      .map((e, i) => ({ ...e, i }))
      .sort((a, b) => a.at - b.at || a.look - b.look || a.i - b.i);
    const groups = Map.groupBy(sorted, (e) =>
      e.word === 'does' ? `does ${e.i}` : [e.at, e.look, e.word, e.lead, e.text].join('|'),
    );
    const lines: { at: number; words: string }[] = [];
    for (const group of groups.values()) {
      const { at, word, lead = '', text } = group[0] as Entry;
      const who = fold(group.map((e) => e.subject));
      const sentence = `${lead}${who}${text ? ` ${text}` : ''}`;
      lines.push({ at, words: word === 'does' ? `> ${sentence}` : `${word.padEnd(WORD_WIDTH)}${sentence}` });
    }
    return repeated(lines).map(({ at, words }) => `${seconds(at).padStart(TIME_WIDTH)}  ${words}`);
  }
}

type Line = { at: number; words: string };

/** Tries that end like those before, of one or of two that take turns, are counted and not told. */
function repeated(lines: readonly Line[]): Line[] {
  const out: Line[] = [];
  for (let i = 0; i < lines.length; ) {
    const [period, times] = [1, 2].map((p) => [p, repeats(lines, i, p)] as const).find(([, n]) => n > 0) ?? [1, 0];
    out.push(...lines.slice(i, i + period));
    i += period * (times + 1);
    const often = times === 1 ? 'once' : times === 2 ? 'twice' : `${times} times`;
    if (times > 0) out.push({ at: (lines[i - 1] as Line).at, words: `  ${period === 2 ? 'both ' : ''}${often} more` });
  }
  return out;
}

/** How often the next `period` lines come again right after themselves. */
function repeats(lines: readonly Line[], from: number, period: number): number {
  let i = from + period;
  while (i < lines.length && lines[i]?.words === lines[i - period]?.words) i++;
  return Math.floor((i - from) / period) - 1;
}
