/** Where the story is told: one live line is rewritten on a terminal, and told again only when it changes elsewhere. */
export interface Output {
  isTTY?: boolean;
  write(text: string): unknown;
}

/** Widest line that is rewritten: a longer one would wrap and leave its head behind. */
const LIVE_WIDTH = 79;

export class Teller {
  private readonly out: Output;
  private live: { open: boolean; said: string } = { open: false, said: '' };

  constructor(out: Output) {
    this.out = out;
  }

  say(line = ''): void {
    this.close();
    this.out.write(`${line}\n`);
  }

  title(words: string): void {
    this.say();
    this.say(this.bold(words));
  }

  /** @param what told again only when it changes, @param when in front of it, always fresh on a terminal */
  progress(when: string, what: string): void {
    const line = `  ${when}  ${what}`;
    if (this.out.isTTY) {
      this.out.write(`\r${line.slice(0, LIVE_WIDTH).padEnd(LIVE_WIDTH)}`);
      this.live.open = true;
    } else if (what !== this.live.said) this.out.write(`${line}\n`);
    this.live.said = what;
  }

  /** Rows under a head; columns as wide as their widest cell, figures to the right. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const width = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
    const figures = head.map((_, i) => rows.every((row) => /^[\d.-]*$/.test(row[i] ?? '')));
    const line = (row: readonly string[]) =>
      `  ${row.map((c, i) => (figures[i] ? c.padStart(width[i] ?? 0) : c.padEnd(width[i] ?? 0))).join('  ')}`.trimEnd();
    this.say(this.bold(line(head)));
    for (const row of rows) this.say(line(row));
  }

  bold(words: string): string {
    return this.out.isTTY ? `\x1b[1m${words}\x1b[0m` : words;
  }

  /** Ends the live line, so that what follows stands on a line of its own. */
  close(): void {
    if (this.live.open) this.out.write('\n');
    this.live = { open: false, said: '' };
  }
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Seconds of cloud time between two instants, as `+12.3 s`. */
export function since(from: number, at: number): string {
  const seconds = (at - from) / 1000;
  return `${`${seconds < 0 ? '' : '+'}${seconds.toFixed(1)}`.padStart(6)} s`;
}
