import { Cast } from './cast.ts';
import { COMMAND_FORMS } from './command-forms.ts';
import { PROMISE_FORMS } from './promise-forms.ts';
import { SETTING_FORMS } from './setting-forms.ts';
import type { Command, Promised, Scheduled, Setting, Story, Trigger } from './story.ts';
import { TRIGGER_FORMS } from './trigger-forms.ts';
import { type Place, SPAN, StoryError, span, understand } from './words.ts';

/** Story time that passes without any change before a story is over that runs until quiet, ms. */
const QUIET_MS = 60_000;

const AT = new RegExp(`^at (?<time>${SPAN}): (?<commands>.+)$`);
const AFTER = new RegExp(`^(?:(?<time>${SPAN}) )?after (?<trigger>[^:]+): (?<commands>.+)$`);
const BEFORE = /^before (?<trigger>step [^:]+): (?<commands>.+)$/;
const RUN = new RegExp(`^run until (?:(?<time>${SPAN})|(?<quiet>quiet))$`);
const SHAPES = [
  ...SETTING_FORMS.map((f) => f.usage),
  'at <time>: <command>[; <command>]',
  `[<time>] after ${TRIGGER_FORMS.map((f) => f.usage).join(' | ')}: <command>`,
  'before step <step> of <workflow>: <command>',
  'run until <time> | quiet',
  'expect <promise>[; <promise>]',
];

/** A story from its text. @throws StoryError at the first line that cannot be understood. */
export function parseStory(text: string, file: string): Story {
  const lines = text.split('\n').map((l) => l.replace(/(^|\s)#.*$/, '').trim());
  const blank = lines.indexOf('');
  const title = lines.slice(0, blank < 0 ? 0 : blank).join(' ');
  if (title === '') throw new StoryError({ file, line: 1 }, 'a story begins with what it shows, and an empty line');
  const cast = new Cast();
  const setting: Setting[] = [];
  const course: Scheduled[] = [];
  const promises: Promised[] = [];
  let end: Story['end'] | undefined;
  for (const [i, line] of lines.entries()) {
    if (i < blank || line === '') continue;
    const place: Place = { file, line: i + 1 };
    const [at, after, run] = [AT.exec(line)?.groups, AFTER.exec(line)?.groups, RUN.exec(line)?.groups];
    const before = BEFORE.exec(line)?.groups;
    if (at) course.push(...scheduled(at.commands as string, { at: span(at.time as string, place) }, cast, place));
    else if (after) course.push(...scheduled(after.commands as string, delayed(after, cast, place), cast, place));
    else if (before)
      course.push(
        ...scheduled(before.commands as string, delayed(before, cast, place), cast, place).map((s) => ({
          ...s,
          after: { ...s.after, when: 'before' } as Trigger,
        })),
      );
    else if (run) end = run.time ? { until: span(run.time, place) } : { quiet: QUIET_MS };
    else if (line.startsWith('expect ')) promises.push(...promised(line.slice('expect '.length), cast, place));
    else if (/^(at|after|before|run)\b/.test(line))
      throw new StoryError(place, `cannot understand '${line}'. Written is`, SHAPES);
    else if (course.length > 0 || end)
      throw new StoryError(place, `'${line}' comes too late: what is there is said before what happens`, SHAPES);
    else setting.push(...understand(SETTING_FORMS, line, cast, place, 'lines before the course'));
  }
  const last: Place = { file, line: lines.length };
  if (setting.length === 0) throw new StoryError(last, 'nothing is there', SHAPES);
  if (!end) throw new StoryError(last, 'a story ends with', ['run until <time> | quiet']);
  if (promises.length === 0) throw new StoryError(last, 'a story that promises nothing shows nothing', ['expect ...']);
  const late = course.find((c) => 'until' in (end as object) && c.at > (end as { until: number }).until);
  if (late) throw new StoryError(late.place, 'this comes after the end');
  return { file, title, setting, course, end, promises };
}

const delayed = (found: Record<string, string | undefined>, cast: Cast, place: Place) => ({
  at: found.time ? span(found.time, place) : 0,
  after: understand<Trigger, Cast>(TRIGGER_FORMS, (found.trigger as string).trim(), cast, place, "after 'after'"),
});

const parts = (text: string): string[] => text.split(';').map((p) => p.trim());

const scheduled = (text: string, when: { at: number; after?: Trigger }, cast: Cast, place: Place): Scheduled[] =>
  parts(text).flatMap((part) =>
    understand<Command[], Cast>(COMMAND_FORMS, part, cast, place, 'commands').map((command) => ({
      ...when,
      command,
      text: part,
      place,
    })),
  );

const promised = (text: string, cast: Cast, place: Place): Promised[] =>
  parts(text).flatMap((part) =>
    understand(PROMISE_FORMS, part, cast, place, 'promises').map((p) => ({ ...p, text: part, place })),
  );
