import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILTIN_ESTATES, builtinEstate, loadEstateText } from '../../shared/estate/builtin.ts';
import { expandEstate, type Inventory } from '../../shared/estate/expand.ts';
import { parseEstateObject } from '../../shared/estate/parse.ts';

const host = { cores: 16, mhz: 2600, memoryGiB: 128 };
const expandOf = (body: unknown): Inventory => expandEstate(parseEstateObject(body));

describe('expanding an estate', () => {
  it('gives ids that follow from the names', () => {
    const inventory = expandOf({
      sites: [
        {
          name: 'North',
          city: 'Delft',
          clusters: [
            { name: 'c1', hosts: { count: 3, ...host, racks: 2 } },
            {
              name: 'Gold 2',
              arch: 'arm',
              ha: { enabled: false },
              hosts: [{ name: 'Web.1', rack: 'r7', ...host, sockets: 1 }],
            },
          ],
          datastores: [{ name: 'SAN', capacityGiB: 500, clusters: ['Gold 2', 'c1'] }],
        },
        {
          name: 'b',
          hypervisor: 'vmware',
          clusters: [{ name: 'c1', hosts: { count: 1, ...host } }],
          datastores: [{ name: 'SAN', capacityGiB: 5 }],
        },
      ],
      links: [{ from: 'North', to: 'b', latencyMs: 2, mbps: 100, mode: 'sync' }],
      externalNetworks: [{ name: 'Internet', cidr: '203.0.113.0/24' }],
      tenants: [
        { name: 'acme', vdcs: [{ name: 'v', sites: ['b'], quota: { vcpus: 1, memoryMiB: 1, storageGiB: 1, vms: 1 } }] },
      ],
    });
    expect(inventory.sites).toEqual([
      { id: 'site_north', name: 'North', city: 'Delft', hypervisor: 'fusioncompute' },
      { id: 'site_b', name: 'b', hypervisor: 'vmware' },
    ]);
    expect(inventory.clusters.map((c) => c.id)).toEqual(['cl_north-c1', 'cl_north-gold-2', 'cl_b-c1']);
    expect(inventory.hosts.map((h) => [h.id, h.rack])).toEqual([
      ['host_north-c1-01', 'north-c1-rack-1'],
      ['host_north-c1-02', 'north-c1-rack-2'],
      ['host_north-c1-03', 'north-c1-rack-1'],
      ['host_north-gold-2-web-1', 'r7'],
      ['host_b-c1-01', undefined],
    ]);
    expect(inventory.hosts[3]).toEqual({
      id: 'host_north-gold-2-web-1',
      siteId: 'site_north',
      clusterId: 'cl_north-gold-2',
      name: 'Web.1',
      vendor: 'generic',
      arch: 'arm',
      sockets: 1,
      coresPerSocket: 16,
      threadsPerCore: 2,
      mhz: 2600,
      memoryMiB: 131_072,
      hardwareVirtualisation: true,
      nestedPaging: true,
      numaNodes: 1,
      nicMbps: 10_000,
      rack: 'r7',
    });
    expect(inventory.datastores[0]).toEqual({
      id: 'ds_north-san',
      siteId: 'site_north',
      name: 'SAN',
      kind: 'shared',
      clusters: ['cl_north-gold-2', 'cl_north-c1'],
      capacityGiB: 500,
      freeGiB: 500,
    });
    expect(inventory.links).toEqual([
      { id: 'link_north-b', from: 'site_north', to: 'site_b', latencyMs: 2, mbps: 100, mode: 'sync' },
    ]);
    expect(inventory.externalNetworks).toEqual([
      { id: 'xnet_internet', name: 'Internet', cidr: '203.0.113.0/24', sites: ['site_north', 'site_b'] },
    ]);
    expect(inventory.tenants).toMatchObject([
      { name: 'acme', vdcs: [{ name: 'v', sites: ['site_b'], quota: { vpcs: 0 } }] },
    ]);
  });

  it('gives two sockets where the cores divide evenly and otherwise one', () => {
    const sockets = (cores: number) =>
      expandOf({
        sites: [
          {
            name: 'a',
            clusters: [{ name: 'c', hosts: { count: 1, ...host, cores } }],
            datastores: [{ name: 'd', capacityGiB: 1 }],
          },
        ],
      }).hosts[0];
    expect(sockets(16)).toMatchObject({ sockets: 2, coresPerSocket: 8 });
    expect(sockets(15)).toMatchObject({ sockets: 1, coresPerSocket: 15 });
  });

  it('puts a local datastore into every host of its clusters', () => {
    const { datastores } = expandOf({
      sites: [
        {
          name: 'a',
          clusters: ['c1', 'c2'].map((name) => ({ name, hosts: { count: 2, ...host } })),
          datastores: [
            { name: 'san', capacityGiB: 9 },
            { name: 'nvme', kind: 'local', capacityGiB: 7, clusters: ['c2'] },
          ],
        },
      ],
    });
    expect(datastores.slice(1)).toEqual(
      ['a-c2-01', 'a-c2-02'].map((own) => ({
        id: `ds_a-nvme-${own}`,
        siteId: 'site_a',
        name: `nvme-${own}`,
        kind: 'local',
        hostId: `host_${own}`,
        clusters: ['cl_a-c2'],
        capacityGiB: 7,
        freeGiB: 7,
      })),
    );
  });
});

describe('expanding any estate', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,6}$/);
  const hardware = fc.record({
    cores: fc.integer({ min: 2, max: 64 }),
    mhz: fc.integer({ min: 1_000, max: 4_000 }),
    memoryGiB: fc.integer({ min: 4, max: 512 }),
  });
  const hosts = fc.oneof(
    fc.tuple(hardware, fc.integer({ min: 1, max: 120 })).map(([h, count]) => ({ ...h, count })),
    fc.array(
      fc.tuple(hardware, name).map(([h, n]) => ({ ...h, name: n })),
      { minLength: 1, maxLength: 4 },
    ),
  );
  const cluster = fc.record({ name, hosts });
  const site = fc
    .record({
      name,
      clusters: fc.array(cluster, { minLength: 1, maxLength: 3 }),
      local: fc.boolean(),
      narrow: fc.boolean(),
      store: name,
    })
    .map(({ local, narrow, store, ...rest }) => ({
      ...rest,
      datastores: [
        { name: 'all', capacityGiB: 100 },
        {
          name: store,
          capacityGiB: 10,
          kind: local ? 'local' : 'shared',
          ...(narrow ? { clusters: [rest.clusters[0]?.name] } : {}),
        },
      ],
    }));
  const estate = fc.array(site, { minLength: 1, maxLength: 3 }).map((sites) => ({
    sites,
    links: sites.slice(1).map((s) => ({ from: sites[0]?.name, to: s.name, latencyMs: 1, mbps: 1, mode: 'async' })),
    externalNetworks: [{ name: 'net', cidr: '203.0.113.0/24', sites: [sites[0]?.name] }],
  }));

  it('is refused with located flaws, or gives unique ids and only references that resolve', () => {
    let accepted = 0;
    const property = fc.property(estate, (body) => {
      let inventory: Inventory;
      try {
        inventory = expandOf(body);
      } catch (error) {
        expect(error).toMatchObject({
          code: 'invalid-request',
          flaws: [
            { location: expect.stringMatching(/^body\./) },
            ...Array((error as { flaws: [] }).flaws.length - 1).fill(expect.anything()),
          ],
        });
        return;
      }
      accepted++;
      const { sites, clusters, hosts: all, datastores, links, externalNetworks } = inventory;
      const ids = [sites, clusters, all, datastores, links, externalNetworks].flat().map((thing) => thing.id);
      expect(new Set(ids).size).toBe(ids.length);
      const has = (things: { id: string }[], id: string) => expect(things.map((t) => t.id)).toContain(id);
      for (const thing of [...clusters, ...all, ...datastores]) has(sites, thing.siteId);
      for (const h of all)
        expect(clusters).toContainEqual(expect.objectContaining({ id: h.clusterId, siteId: h.siteId }));
      for (const d of datastores) {
        for (const c of d.clusters)
          expect(clusters).toContainEqual(expect.objectContaining({ id: c, siteId: d.siteId }));
        if (d.kind === 'local') has(all, d.hostId as string);
      }
      for (const l of links) for (const end of [l.from, l.to]) has(sites, end);
      for (const n of externalNetworks) for (const s of n.sites) has(sites, s);
      expect(expandOf(body)).toEqual(inventory);
    });
    const seed = Number(process.env.STRATA_SEED ?? Date.now() % 2 ** 31);
    console.log(`seed ${seed}`);
    fc.assert(property, { seed, numRuns: 200 });
    expect(accepted).toBeGreaterThan(50);
  });
});

describe('the built-in estates', () => {
  it.each(BUILTIN_ESTATES)('%s is sound', (name) => {
    const inventory = expandEstate(builtinEstate(name));
    expect(inventory.hosts.every((h) => h.sockets === 2 && h.coresPerSocket === 12 && h.memoryMiB === 262_144)).toBe(
      true,
    );
    expect(inventory.externalNetworks).toMatchObject([
      { id: 'xnet_internet', sites: inventory.sites.map((s) => s.id) },
    ]);
  });

  it('single-site has 8 and 4 hosts on one datastore of 50 TiB', () => {
    const { hosts, datastores } = expandEstate(builtinEstate('single-site'));
    expect(['cl_a-c1', 'cl_a-c2'].map((id) => hosts.filter((h) => h.clusterId === id).length)).toEqual([8, 4]);
    expect(datastores).toMatchObject([{ capacityGiB: 50 * 1_024, clusters: [] }]);
  });

  it('three-centres has two sites in one city with a synchronous link and a far one with asynchronous links', () => {
    const { sites, links } = expandEstate(builtinEstate('three-centres'));
    const city = (id: string) => sites.find((s) => s.id === id)?.city;
    expect(links.map((l) => [l.id, l.mode, city(l.from) === city(l.to)])).toEqual([
      ['link_a-b', 'sync', true],
      ['link_a-c', 'async', false],
      ['link_b-c', 'async', false],
    ]);
  });

  it('are named when an estate is not found', () => {
    expect(() => loadEstateText('nowhere.yaml')).toThrow(/single-site, two-sites, three-centres.*no such file/);
    expect(loadEstateText('two-sites').source).toBe('two-sites.yaml');
  });
});
