import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { pause } from '../../../shared/kernel/clock.ts';

export interface DynamoEngine {
  client: DynamoDBClient;
  stop(): Promise<void>;
}

/**
 * The engine must never outlive its parent, however that ends: the shell between them holds a pipe from the parent and
 * kills the engine when the pipe closes. `$0` is the engine, `$@` its arguments.
 */
const GUARD =
  'exec 3<&0; "$0" "$@" </dev/null & engine=$!; (cat <&3 >/dev/null; kill -9 $engine 2>/dev/null) & wait $engine';
const START_PATIENCE_MS = 10_000;

/** Starts the embedded DynamoDB engine on a file, or in memory without one. A second engine is used by its address. */
export async function startDynamo(
  file: string | undefined,
  elsewhere = process.env.AWS_ENDPOINT_URL_DYNAMODB,
): Promise<DynamoEngine> {
  if (elsewhere) return { client: client(elsewhere), stop: async () => {} };
  const port = await freePort();
  const args = ['--host', '127.0.0.1', '--port', String(port), ...(file ? ['--db-path', file] : [])];
  const child = spawn('sh', ['-c', GUARD, enginePath(), ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (d) => {
    words = (words + d).slice(-2000);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  const db = client(endpoint);
  await answering(
    endpoint,
    () => child.exitCode !== null,
    () => words,
  );
  return {
    client: db,
    async stop() {
      db.destroy();
      child.stdin.end();
      await ended;
    },
  };
}

function enginePath(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/dynoxide`);
  } catch (cause) {
    throw new Error(
      `The embedded DynamoDB engine (${name}) is not installed for this machine. Set AWS_ENDPOINT_URL_DYNAMODB to the address of another one.`,
      { cause },
    );
  }
}

const client = (endpoint: string, maxAttempts = 3) =>
  new DynamoDBClient({
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts,
  });

async function answering(endpoint: string, gone: () => boolean, words: () => string): Promise<void> {
  const probe = client(endpoint, 1);
  const end = performance.now() + START_PATIENCE_MS;
  for (;;) {
    try {
      await probe.send(new ListTablesCommand({}));
      return;
    } catch (error) {
      if (gone() || performance.now() > end)
        throw new Error(`The embedded DynamoDB engine did not start. ${words()}`, { cause: error });
      await pause(10);
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
