import { existsSync, readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { runWorkload } from '../../infra/local/workload.ts';
import { TestCloud } from '../support/cloud.ts';

const TOPOLOGY = '../shared/data/opendc/solvinity-topology.json';
const TASKS = '../shared/data/opendc/bitbrains-small-tasks.parquet';

let test: TestCloud | undefined;
afterEach(() => test?.stop());

it('a real data centre runs 50 real VMs with their load: 23 clusters, 76 hosts, 3,792 cores', async (context) => {
  if (!existsSync(TOPOLOGY) || !existsSync(TASKS))
    return context.skip('the public data sets are not beside the project');
  test = await TestCloud.start({ estate: JSON.parse(readFileSync(TOPOLOGY, 'utf8')) });
  const list = async <T>(path: string) =>
    (await (test as TestCloud).client.must<{ items: T[] }>('GET', `${path}?limit=1000`, (test as TestCloud).operator))
      .items;
  expect(await list('/v1/system/clusters')).toHaveLength(23);
  const hosts = await list<{ capacity: { vcpus: number } }>('/v1/system/hosts');
  expect(hosts).toHaveLength(76);
  // Two hyper-threads of each host belong to its management domain (CPU-21); here a thread is a core.
  expect(hosts.reduce((n, h) => n + h.capacity.vcpus + 2, 0)).toBe(3792);
  const said: string[] = [];
  await runWorkload(test.client, test.clock, TASKS, (line) => said.push(line));
  expect(said[0]).toMatch(/^Workload: 50 of 50 VMs .*; 50 of them have a load trace\.$/);
  await test.until(
    async () => (await (test as TestCloud).world()).processes.filter((p) => p.state === 'running').length === 50,
    600,
  );
  await test.advance(400);
  expect((await test.world()).processes).toHaveLength(50);
  expect(await test.violations()).toEqual([]);
});
