import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { notKept } from './judge.ts';
import { parseStory } from './parse.ts';
import { Play } from './play.ts';

/** A story takes a second or two; a machine that does other things as well may need longer, ms. */
const PATIENCE_MS = 240_000;

/**
 * Every story below the folder is played and compared with the golden beside it. `STRATA_GOLDEN=write` writes the goldens
 * anew: read the difference before you commit it. What a story promises, and what must always hold, no golden can excuse.
 */
export function tellStories(folder: string): void {
  const files = globSync('**/*.story', { cwd: folder }).sort();

  for (const [theme, stories] of Map.groupBy(files, (f) => f.split('/')[0] as string))
    describe(theme, () => {
      for (const file of stories) {
        const path = join(folder, file);
        const story = parseStory(readFileSync(path, 'utf8'), relative(process.cwd(), path));
        it(
          `${file.slice(theme.length + 1, -'.story'.length)}: ${story.title}`,
          async () => {
            const goldenPath = path.replace(/\.story$/, '.golden');
            await Play.of(story, async ({ golden, broken, seen }) => {
              if (process.env.STRATA_GOLDEN === 'write') writeFileSync(goldenPath, golden);
              expect(broken, 'what must hold at every instant').toEqual([]);
              expect(await notKept(story.promises, seen), 'what the story promises').toEqual([]);
              const before = existsSync(goldenPath) ? readFileSync(goldenPath, 'utf8') : '';
              expect(golden, 'what happened, against the golden beside the story').toEqual(before);
            });
          },
          PATIENCE_MS,
        );
      }
    });

  it('no golden is without its story', () => {
    const orphans = globSync('**/*.golden', { cwd: folder }).filter(
      (g) => !files.includes(g.replace(/\.golden$/, '.story')),
    );
    expect(orphans).toEqual([]);
  });
}
