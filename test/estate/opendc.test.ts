import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandEstate } from '../../shared/estate/expand.ts';
import { isOpenDc } from '../../shared/estate/opendc.ts';
import { parseEstate, parseEstateObject } from '../../shared/estate/parse.ts';
import { virtualisationDomain } from '../../shared/hypervisor/cpu/capacity.ts';

const host = (name: string | undefined, coreSpeed: unknown = 2_900, memorySize: unknown = '68719476736 bytes') => ({
  ...(name === undefined ? {} : { name }),
  cpu: { coreCount: 8, coreSpeed },
  memory: { memorySize },
  cpuPowerModel: { modelType: 'linear' },
});
const topologyFile = join(process.cwd(), '../shared/data/opendc/solvinity-topology.json');

describe('an OpenDC topology', () => {
  it('is told from an estate by its clusters at the top', () => {
    expect(isOpenDc({ clusters: [] })).toBe(true);
    expect(isOpenDc({ sites: [], clusters: [] })).toBe(false);
    expect(isOpenDc(null)).toBe(false);
  });

  it('becomes sites by the data centre in the clusters’ names, each with a shared datastore', () => {
    const inventory = expandEstate(
      parseEstateObject({
        clusters: [
          { name: 'DC2-C3', hosts: [host('DC2-C3-1'), host('DC2-C3-2')] },
          { name: 'DC4-C1', hosts: [host('x')] },
          { name: 'spare', hosts: [host('y')] },
        ],
      }),
    );
    expect(inventory.sites.map((s) => s.id)).toEqual(['site_dc2', 'site_dc4', 'site_main']);
    expect(inventory.clusters.map((c) => c.id)).toEqual(['cl_dc2-c3', 'cl_dc4-c1', 'cl_main-spare']);
    expect(inventory.hosts.map((h) => h.id)).toEqual([
      'host_dc2-c3-1',
      'host_dc2-c3-2',
      'host_dc4-c1-x',
      'host_main-spare-y',
    ]);
    expect(inventory.hosts[0]).toMatchObject({
      threadsPerCore: 1,
      sockets: 2,
      coresPerSocket: 4,
      mhz: 2_900,
      memoryMiB: 65_536,
    });
    expect(inventory.datastores.map((d) => [d.id, d.capacityGiB])).toEqual([
      ['ds_dc2-storage', 512],
      ['ds_dc4-storage', 256],
      ['ds_main-storage', 256],
    ]);
  });

  it('reads counts, units and missing names', () => {
    const { clusters, hosts } = expandEstate(
      parseEstateObject({ clusters: [{ count: 2, hosts: [{ ...host(undefined, '2.9 GHz', '64 GiB'), count: 3 }] }] }),
    );
    expect(clusters.map((c) => c.name)).toEqual(['cluster-01', 'cluster-02']);
    expect(hosts.map((h) => h.name)).toEqual([...Array(2)].flatMap(() => ['host-01', 'host-02', 'host-03']));
    expect(hosts.every((h) => h.mhz === 2_900 && h.memoryMiB === 65_536)).toBe(true);
  });

  it('is refused with the place in the topology, not in what it was turned into', () => {
    const text = JSON.stringify({ clusters: [{ name: 'DC1-C1', hosts: [host('a'), host('b', '3 parsec')] }] }, null, 2);
    const line = text.split('\n').findIndex((l) => l.includes('parsec')) + 1;
    expect(() => parseEstate(text, 't.json')).toThrow(`t.json:${line}:13 clusters[0].hosts[1].cpu.coreSpeed`);
    const huge = { clusters: [{ count: 10_000, hosts: [{ ...host('a'), count: 10_000 }] }] };
    expect(() => parseEstateObject(huge)).toThrow('body.clusters: the estate has 100000000 hosts');
    const small = { clusters: [{ name: 'DC1-C1', hosts: [host('a'), host('b', 2_900, '1 GiB')] }] };
    expect(() => parseEstateObject(small)).toThrow("body.clusters[0].hosts[1]: host 'b' has no memory left");
  });

  it('of a real hosting company has 23 clusters, 76 hosts and 3,792 cores', ({ skip }) => {
    skip(!existsSync(topologyFile), 'the topology does not lie beside the project');
    const { sites, clusters, hosts } = expandEstate(
      parseEstate(readFileSync(topologyFile, 'utf8'), 'solvinity-topology.json'),
    );
    const sum = (of: (h: (typeof hosts)[number]) => number) => hosts.reduce((total, h) => total + of(h), 0);
    expect([sites.length, clusters.length, hosts.length]).toEqual([5, 23, 76]);
    expect(sum((h) => h.sockets * h.coresPerSocket * h.threadsPerCore)).toBe(3_792);
    expect(sum((h) => h.memoryMiB) / 1_024).toBe(66_560);
    expect(hosts.every((h) => virtualisationDomain(h).vcpus > 0)).toBe(true);
  });
});
