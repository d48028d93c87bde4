import { describe, expect, it } from 'vitest';
import { MAX_HOSTS } from '../../shared/estate/checks.ts';
import { parseEstate, parseEstateObject } from '../../shared/estate/parse.ts';
import { DomainError } from '../../shared/kernel/errors.ts';

const refusalOf = (parse: () => unknown): DomainError => {
  try {
    parse();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
const flawsOf = (text: string) => refusalOf(() => parseEstate(text, 'my.yaml')).flaws;
const host = { cores: 16, mhz: 2600, memoryGiB: 128 };
const site = (name: string, more: object = {}) => ({
  name,
  clusters: [{ name: 'c1', hosts: { count: 2, ...host } }],
  datastores: [{ name: 'san', capacityGiB: 10_000 }],
  ...more,
});
const bodyFlaws = (body: unknown) => refusalOf(() => parseEstateObject(body)).flaws;

describe('reading an estate', () => {
  it('fills the defaults in', () => {
    const estate = parseEstateObject({ sites: [site('a')] });
    expect(estate.sites[0]).toMatchObject({
      hypervisor: 'fusioncompute',
      clusters: [
        { arch: 'x86', ha: { enabled: true }, hosts: { threads: 2, hardwareVirtualisation: true, vendor: 'generic' } },
      ],
      datastores: [{ kind: 'shared' }],
    });
    expect(estate).toMatchObject({ links: [], externalNetworks: [], tenants: [] });
  });

  it('reads JSON with tabs like YAML', () => {
    const body = {
      sites: [site('a'), site('b')],
      links: [{ from: 'a', to: 'b', latencyMs: 1, mbps: 1_000, mode: 'sync' }],
    };
    expect(parseEstate(JSON.stringify(body, null, '\t'), 'my.json')).toEqual(parseEstateObject(body));
  });

  it('reads repeated parts by alias', () => {
    const text = `sites:
  - name: a
    clusters:
      - { name: c1, hosts: &eight { count: 8, cores: 24, mhz: 2400, memoryGiB: 256 } }
      - { name: c2, hosts: *eight }
    datastores: [{ name: san, capacityGiB: 100 }]
`;
    expect(parseEstate(text, 'my.yaml').sites[0]?.clusters[1]?.hosts).toMatchObject({ count: 8, cores: 24 });
  });

  it('lets links refer to sites that exist already', () => {
    const body = { sites: [site('b')], links: [{ from: 'a', to: 'b', latencyMs: 1, mbps: 1, mode: 'async' }] };
    expect(parseEstateObject(body, ['a']).links).toHaveLength(1);
    expect(bodyFlaws(body)).toMatchObject([{ location: 'body.links[0].from' }]);
  });
});

describe('refusing an estate', () => {
  it('names line, column and field of every flaw, of schema and meaning alike', () => {
    const flaws = flawsOf(`sites:
  - name: a
    clusters:
      - name: c1
        hosts:
          count: 8
          cores: 24
          mhz: "2400"
          memoryGiB: 256
          colour: red
    datastores: []
  - name: b
    clusters:
      - name: c1
        hosts: { count: 1, cores: 15, sockets: 2, mhz: 2400, memoryGiB: 256 }
    datastores:
      - { name: san, capacityGiB: 5, clusters: [c1, zz] }
links:
  - { from: a, to: nowhere, latencyMs: 1, mbps: 1, mode: sync }
`);
    expect(flaws.map((f) => f.location)).toEqual([
      'my.yaml:8:11 sites[0].clusters[0].hosts.mhz',
      'my.yaml:10:11 sites[0].clusters[0].hosts.colour',
      'my.yaml:11:5 sites[0].datastores',
      'my.yaml:15:28 sites[1].clusters[0].hosts.cores',
      'my.yaml:17:53 sites[1].datastores[0].clusters[1]',
      'my.yaml:19:16 links[0].to',
    ]);
    for (const flaw of flaws) {
      expect(flaw.message).not.toBe('');
      expect(flaw.fix).toBeTruthy();
    }
    expect(flaws[0]?.fix).toBe('write a number, without quotes');
    expect(flaws[1]?.fix).toContain('memoryGiB');
  });

  it('locates a missing field at what it is missing from', () => {
    const [flaw] = flawsOf(
      'sites:\n  - name: a\n    clusters:\n      - name: c1\n    datastores: [{ name: d, capacityGiB: 1 }]\n',
    );
    expect(flaw?.location).toBe('my.yaml:4:9 sites[0].clusters[0].hosts');
    expect(flaw?.message).toBe("'hosts' is missing");
  });

  it.each([
    ['an open bracket', 'sites: [\n  1', /^my\.yaml:2:\d+$/],
    ['a JSON slip', '{\n  "sites": 1,,\n}', /^my\.yaml:2:14$/],
    ['a repeated key', 'sites: 1\nsites: 2', /^my\.yaml:2:1$/],
    ['a second document', 'sites: 1\n---\nsites: 2', /^my\.yaml:2:1$/],
    ['an alias of nothing', 'a: 1\nsites: *x', /^my\.yaml:2:8$/],
    ['an empty file', '', /^my\.yaml:1:1$/],
    ['a list', '- 1', /^my\.yaml:1:1$/],
  ])('names the line of %s', (_what, text, location) => {
    expect(flawsOf(text)[0]?.location).toMatch(location);
  });

  it('refuses an alias bomb instead of unrolling it', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
    );
    expect(flawsOf(['l0: &l0 [1]', ...levels].join('\n'))[0]?.message).toContain('cannot be read');
  });

  it.each<[string, object, string]>([
    ['a site twice', { sites: [site('a'), site('a')] }, 'body.sites[1].name'],
    ['sites whose names differ only in case', { sites: [site('a b'), site('A-B')] }, 'body.sites[1].name'],
    [
      'names that meet in one id',
      {
        sites: [
          site('a', { clusters: [{ name: 'b-c', hosts: [{ name: 'x', ...host }] }] }),
          site('a-b', { clusters: [{ name: 'c', hosts: [{ name: 'y', ...host }] }] }),
        ],
      },
      'body.sites[1].clusters[0].name',
    ],
    [
      'a cluster twice',
      { sites: [site('a', { clusters: [1, 2].map(() => ({ name: 'c', hosts: { count: 1, ...host } })) })] },
      'body.sites[0].clusters[1].name',
    ],
    [
      'a host twice',
      { sites: [site('a', { clusters: [{ name: 'c', hosts: [1, 2].map(() => ({ name: 'h', ...host })) }] })] },
      'body.sites[0].clusters[0].hosts[1].name',
    ],
    [
      'a datastore twice',
      { sites: [site('a', { datastores: [1, 2].map(() => ({ name: 'd', capacityGiB: 1 })) })] },
      'body.sites[0].datastores[1].name',
    ],
    ['a site without datastores', { sites: [site('a', { datastores: [] })] }, 'body.sites[0].datastores'],
    ['a site without clusters', { sites: [site('a', { clusters: [] })] }, 'body.sites[0].clusters'],
    [
      'a cluster without hosts',
      { sites: [site('a', { clusters: [{ name: 'c', hosts: [] }] })] },
      'body.sites[0].clusters[0].hosts',
    ],
    [
      'a cluster that reaches no datastore',
      {
        sites: [
          site('a', {
            clusters: ['c1', 'c2'].map((name) => ({ name, hosts: { count: 1, ...host } })),
            datastores: [{ name: 'd', capacityGiB: 1, clusters: ['c1'] }],
          }),
        ],
      },
      'body.sites[0].clusters[1]',
    ],
    [
      'a host without vCPUs for VMs',
      { sites: [site('a', { clusters: [{ name: 'c', hosts: { count: 1, ...host, cores: 1 } }] })] },
      'body.sites[0].clusters[0].hosts.cores',
    ],
    [
      'a host without memory for VMs',
      { sites: [site('a', { clusters: [{ name: 'c', hosts: { count: 1, ...host, memoryGiB: 2 } }] })] },
      'body.sites[0].clusters[0].hosts.memoryGiB',
    ],
    [
      'a link of a site to itself',
      { sites: [site('a')], links: [{ from: 'a', to: 'a', latencyMs: 1, mbps: 1, mode: 'sync' }] },
      'body.links[0]',
    ],
    [
      'a link twice, the other way round',
      {
        sites: [site('a'), site('b')],
        links: [
          ['a', 'b'],
          ['b', 'a'],
        ].map(([from, to]) => ({ from, to, latencyMs: 1, mbps: 1, mode: 'sync' })),
      },
      'body.links[1]',
    ],
    [
      'a CIDR with host bits',
      { sites: [site('a')], externalNetworks: [{ name: 'n', cidr: '10.0.0.1/24' }] },
      'body.externalNetworks[0].cidr',
    ],
    [
      'external networks that overlap at a site',
      {
        sites: [site('a')],
        externalNetworks: [
          { name: 'n', cidr: '10.0.0.0/16' },
          { name: 'm', cidr: '10.0.1.0/24' },
        ],
      },
      'body.externalNetworks[1].cidr',
    ],
    [
      'an external network at an unknown site',
      { sites: [site('a')], externalNetworks: [{ name: 'n', cidr: '10.0.0.0/24', sites: ['x'] }] },
      'body.externalNetworks[0].sites[0]',
    ],
    ['a tenant twice', { sites: [site('a')], tenants: [{ name: 't' }, { name: 't' }] }, 'body.tenants[1].name'],
    [
      'a VDC at an unknown site',
      {
        sites: [site('a')],
        tenants: [
          { name: 't', vdcs: [{ name: 'v', sites: ['x'], quota: { vcpus: 1, memoryMiB: 1, storageGiB: 1, vms: 1 } }] },
        ],
      },
      'body.tenants[0].vdcs[0].sites[0]',
    ],
    [
      'an unknown quota',
      {
        sites: [site('a')],
        tenants: [
          { name: 't', vdcs: [{ name: 'v', quota: { vcpus: 1, memoryMiB: 1, storageGiB: 1, vms: 1, gpus: 1 } }] },
        ],
      },
      'body.tenants[0].vdcs[0].quota.gpus',
    ],
    [
      'more hosts than are sensible',
      { sites: [site('a', { clusters: ['c', 'd'].map((name) => ({ name, hosts: { count: MAX_HOSTS, ...host } })) })] },
      'body.sites',
    ],
  ])('refuses %s, once and at its place', (_what, body, location) => {
    expect(bodyFlaws(body).map((f) => f.location)).toEqual([location]);
  });

  it.each([
    [null],
    [undefined],
    [5],
    ['x'],
    [[]],
    [{}],
    [{ sites: null }],
    [{ sites: [null] }],
    [{ clusters: [null] }],
  ])('refuses %j with a flaw and not with a crash', (body) => {
    expect(bodyFlaws(body).length).toBeGreaterThan(0);
  });
});
