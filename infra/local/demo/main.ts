import { DomainError } from '../../../shared/kernel/errors.ts';
import { makeLog } from '../../../shared/kernel/log.ts';
import { LocalClient } from '../client.ts';
import { embeddedClock } from '../clock-file.ts';
import { EmbeddedCloud } from '../cloud.ts';
import { tellDisaster } from './disaster/story.ts';
import { tellHostFailure } from './host/story.ts';
import { type DemoOptions, readDemoOptions, USAGE } from './options.ts';
import { Teller } from './text.ts';

const TELLERS = { host: tellHostFailure, dr: tellDisaster };

/** `npm run demo`: a cloud that exists for one story and is gone with it. Ends with 0 only if everything held. */
async function main(): Promise<void> {
  const options = optionsOrUsage();
  process.env.POWERTOOLS_LOG_LEVEL ??= 'ERROR';
  const teller = new Teller(process.stdout);
  const clock = embeddedClock(undefined, options.speed);
  const starting = EmbeddedCloud.start({ clock, control: clock, seed: 1, log: makeLog('demo') });
  let ending = false;
  const end = async (code: number) => {
    if (ending) return;
    ending = true;
    await starting.then((cloud) => cloud.stop()).catch(() => {});
    process.exit(code);
  };
  process.once('SIGINT', () => void end(130));
  process.once('SIGTERM', () => void end(143));
  try {
    const tell = TELLERS[options.story];
    const held = await tell(new LocalClient(await starting), options, teller);
    await end(held ? 0 : 1);
  } catch (error) {
    // What breaks because the cloud was stopped under the story is no failure of its own.
    if (ending) return;
    teller.close();
    console.error(words(error));
    await end(1);
  }
}

function optionsOrUsage(): DemoOptions {
  try {
    return readDemoOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

function words(error: unknown): string {
  if (!(error instanceof DomainError)) return error instanceof Error ? error.message : String(error);
  return [error.message, ...error.flaws.map((f) => `  ${f.location}: ${f.message}`)].join('\n');
}

await main();
