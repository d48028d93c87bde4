import { mkdirSync } from 'node:fs';
import { serve } from '@hono/node-server';
import { DomainError } from '../../shared/kernel/errors.ts';
import { makeLog } from '../../shared/kernel/log.ts';
import { LocalClient } from './client.ts';
import { embeddedClock } from './clock-file.ts';
import { EmbeddedCloud } from './cloud.ts';
import { firstStart } from './first-start.ts';
import { lockFolder } from './lock.ts';
import { readOptions, type StartOptions, USAGE } from './options.ts';
import { runWorkload } from './workload.ts';

/** `npm start`: the whole cloud in this process, on one port. */
async function main(): Promise<void> {
  const options = optionsOrUsage();
  const folder = options.memory ? undefined : options.folder;
  if (folder) mkdirSync(folder, { recursive: true });
  const unlock = folder ? lockFolder(folder) : () => {};
  const clock = embeddedClock(folder, options.speed);
  process.env.POWERTOOLS_LOG_LEVEL ??= 'ERROR';
  const log = makeLog('strata');
  const cloud = await EmbeddedCloud.start({
    clock,
    control: clock,
    seed: options.seed,
    log,
    ...(folder ? { folder } : {}),
  });
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    server?.close();
    await cloud.stop();
    unlock();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(0));
  let server: ReturnType<typeof serve> | undefined;
  try {
    const client = new LocalClient(cloud);
    const first = await firstStart(client, options.estate);
    server = await listen(cloud, options.port);
    await tell(client, options, server, first);
    if (options.workload) await runWorkload(client, clock, options.workload, (line) => console.log(line));
  } catch (error) {
    console.error(words(error));
    await stop(1);
  }
}

function optionsOrUsage(): StartOptions {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

function listen(cloud: EmbeddedCloud, port: number): Promise<ReturnType<typeof serve>> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: cloud.gateway.fetch, port, hostname: '127.0.0.1' }, () => resolve(server));
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new Error(`Port ${port} is in use. Set PORT to another one.`) : error),
    );
  });
}

async function tell(
  client: LocalClient,
  options: StartOptions,
  server: ReturnType<typeof serve>,
  first: { loaded: boolean; tenantId: string; vdcId: string },
): Promise<void> {
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : options.port}`;
  const operator = await client.operator();
  const tenant = await client.tenant(first.tenantId);
  const hosts = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/hosts?limit=1000', operator);
  const vm = `{"name":"web","cpu":{"vcpus":2},"memory":{"sizeMiB":4096},"guest":{"os":"linux"},"disks":[{"name":"root","sizeGiB":20}]}`;
  console.log(`Strata is up at ${base}   (API list: ${base}/docs)
${first.loaded ? `Loaded estate ${options.estate}` : 'Took up the estate that was there'}: ${hosts.items.length} hosts. State: ${options.memory ? 'in memory' : options.folder}. Cloud time runs ${options.speed} x as fast.

Tokens, valid for 24 hours; paste these two lines into a shell:
export OPERATOR=${operator}
export TENANT=${tenant}

Three things to try:
1. Create a VM as the tenant 'demo':
   curl -s ${base}/v1/vdcs/main/vms -H "authorization: Bearer $TENANT" -H 'content-type: application/json' -d '${vm}'
2. See it run, as the operator, with its host:
   curl -s "${base}/v1/system/vms?tenantId=${first.tenantId}" -H "authorization: Bearer $OPERATOR"
3. Cut the power of that host (put its id in), then look at step 2 and at ${base}/v1/system/incidents:
   curl -s ${base}/v1/sim/faults -H "authorization: Bearer $OPERATOR" -H 'content-type: application/json' -d '{"kind":"host-power-loss","target":"HOST"}'
`);
}

function words(error: unknown): string {
  if (!(error instanceof DomainError)) return error instanceof Error ? error.message : String(error);
  return [error.message, ...error.flaws.map((f) => `  ${f.location}: ${f.message}${f.fix ? ` (${f.fix})` : ''}`)].join(
    '\n',
  );
}

await main();
