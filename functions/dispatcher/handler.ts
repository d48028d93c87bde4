import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { awsRuntime } from '../../shared/aws/runtime.ts';
import { readConfig } from '../../shared/kernel/config.ts';
import { dispatcher, type Publish, type StartExecution } from './dispatch.ts';

const settings = z.object({ EVENT_BUS: z.string().min(1), STATE_MACHINE_PREFIX: z.string().min(1) });

export function awsStarter(client: SFNClient, prefix: string): StartExecution {
  return async (kind, name, input) => {
    try {
      await client.send(
        new StartExecutionCommand({ stateMachineArn: `${prefix}${kind}`, name, input: JSON.stringify(input) }),
      );
    } catch (error) {
      // A record that comes twice: the execution of that name is there already.
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  };
}

export function awsPublisher(client: EventBridgeClient, bus: string): Publish {
  return async (event) => {
    const { audit, ...detail } = event as typeof event & { audit?: unknown };
    const out = await client.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: bus,
            Source: 'strata',
            DetailType: event.type,
            Detail: JSON.stringify(detail),
            Time: new Date(event.at),
          },
        ],
      }),
    );
    if (out.FailedEntryCount) throw new Error(`the bus refused ${event.id}: ${out.Entries?.[0]?.ErrorMessage}`);
  };
}

function make() {
  const { EVENT_BUS, STATE_MACHINE_PREFIX } = readConfig(settings, process.env);
  const { store, log } = awsRuntime('dispatcher');
  return dispatcher({
    store,
    log,
    startExecution: awsStarter(new SFNClient({}), STATE_MACHINE_PREFIX),
    publish: awsPublisher(new EventBridgeClient({}), EVENT_BUS),
  });
}

let made: ReturnType<typeof make> | undefined;
/** Made at the first call, so that the adapters above can be tested without a deployment's settings. */
export const handler: ReturnType<typeof make> = (event) => {
  made ??= make();
  return made(event);
};
