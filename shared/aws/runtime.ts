import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Clock, pause, RealClock } from '../kernel/clock.ts';
import { readConfig, tableSettings } from '../kernel/config.ts';
import { type Ids, makeIds } from '../kernel/ids.ts';
import { type Log, makeLog } from '../kernel/log.ts';
import { type Random, randomFrom } from '../kernel/random.ts';
import { Store } from '../store/store.ts';

/** What every function is given, whichever way it runs. Nothing makes these for itself. */
export interface Runtime {
  store: Store;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Log;
  /** Machine time: long polling and back-off only. */
  pause(ms: number): Promise<void>;
}

/** The runtime of a Lambda container: made once, from its settings. */
export function awsRuntime(service: string, env: Record<string, string | undefined> = process.env): Runtime {
  const settings = readConfig(tableSettings, env);
  const random = randomFrom(() => (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32);
  const clock = new RealClock();
  const tables = {
    control: settings.CONTROL_TABLE ?? '',
    events: settings.EVENTS_TABLE ?? '',
    ...(settings.WORLD_TABLE ? { world: settings.WORLD_TABLE } : {}),
  };
  return {
    store: new Store(new DynamoDBClient({}), tables, random),
    clock,
    ids: makeIds(clock, random),
    random,
    log: makeLog(service),
    pause,
  };
}
