import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoEngine } from '../../../infra/local/dynamo/process.ts';
import { MemoryDynamo } from './memory.ts';

export interface MemoryEngine extends DynamoEngine {
  db: MemoryDynamo;
}

/**
 * A client of AWS with the network cut off: commands end in a database in memory instead. All that stands before stays
 * as it is, above all the translation between objects and attribute values. Commands under way at the same time take
 * turns as `turns` says: how many others go first.
 */
export function memoryEngine(turns: () => number = () => 0): MemoryEngine {
  const db = new MemoryDynamo();
  const client = new DynamoDBClient({
    region: 'memory',
    endpoint: 'http://memory',
    credentials: { accessKeyId: 'memory', secretAccessKey: 'memory' },
  });
  const stack = client.middlewareStack;
  for (const entry of stack.identify()) stack.remove(entry.split(' ')[0] as string);
  // The translation is hung up before these two names.
  stack.add((next) => (args) => next({ ...args, request: {} } as never), {
    name: 'serializerMiddleware',
    step: 'serialize',
  });
  stack.add(
    (_next, context) =>
      async ({ input }) => {
        for (let n = turns(); n > 0; n--) await new Promise((resolve) => setImmediate(resolve));
        return { response: {}, output: db.carryOut(context.commandName as string, input) as never };
      },
    { name: 'deserializerMiddleware', step: 'deserialize' },
  );
  return { db, client, stop: async () => client.destroy() };
}
