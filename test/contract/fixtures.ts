import type { ProblemCode } from '../../shared/kernel/errors.ts';
import { ownVdc, vmwareVm } from '../support/rainbow.ts';
import { TWIN, twinGroup, twinVm } from '../support/twin.ts';
import { recoveryFixtures } from './recovery-fixtures.ts';
import type { Setting } from './setting.ts';

/** One valid call of an operation. */
export interface Fixture {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  /** Another body that is valid too, for reusing a key with it. */
  other?: unknown;
  /** It is valid, and refused where nothing is special: with this code. */
  refused?: ProblemCode;
  /** Why the change leaves no audit entry. */
  noTrail?: string;
}
type Prepare = (s: Setting) => Fixture | Promise<Fixture>;

let count = 0;
const fresh = (word: string): string => `${word}-${++count}`;
const named = (more: (name: string) => object, word: string) => ({
  body: more(fresh(word)),
  other: more(fresh(word)),
});

const vdc: Prepare = (s) => ({ params: { vdcId: s.acme.vdcId } });
const vpc: Prepare = (s) => ({ params: { vpcId: s.acme.vpcId } });
const network: Prepare = (s) => ({ params: { networkId: s.acme.networkId } });
const vm: Prepare = (s) => ({ params: { vmId: s.vm.id } });
const operation: Prepare = (s) => ({ params: { operationId: s.vm.operationId } });
const tenant: Prepare = (s) => ({ params: { tenantId: s.acme.id } });
const block: Prepare = (s) => ({ params: { vmId: s.vm.id, disk: 'root', index: '3' } });
const nothing: Prepare = () => ({});

/** A VM of its own for a change that uses it up. */
async function ownVm(s: Setting, state: 'running' | 'stopped'): Promise<Fixture> {
  const [own] = await s.acme.running(1, { name: fresh('own'), nic: false, start: state === 'running' });
  if (own?.state !== state) throw new Error(`the VM is ${own?.state}, not ${state}`);
  return { params: { vmId: own.id }, other: {} };
}

/** A VM of another platform; the first one brings its site along. */
let rainbow: Promise<string> | undefined;
async function foreignPlatformVm(s: Setting): Promise<Fixture> {
  rainbow ??= ownVdc(s.test, s.acme);
  const own = await vmwareVm(s.acme, await rainbow, { name: fresh('old') });
  return { params: { vmId: own.id }, other: { siteId: 'site_a' } };
}

async function emptyVpc(s: Setting): Promise<string> {
  const path = `/v1/vdcs/${s.acme.vdcId}/vpcs`;
  const made = await s.test.client.must<{ id: string }>('POST', path, s.acme.token, { name: fresh('vpc') });
  await s.test.client.must('PATCH', `/v1/system/tenants/${s.acme.id}/vdcs/${s.acme.vdcId}`, s.test.operator, {
    quota: { vpcs: 50 + count, networks: 50 + count },
  });
  return made.id;
}

async function emptyNetwork(s: Setting): Promise<string> {
  const path = `/v1/vpcs/${await emptyVpc(s)}/networks`;
  const body = { name: 'inner', type: 'internal', cidr: '10.2.0.0/24' };
  return (await s.test.client.must<{ id: string }>('POST', path, s.acme.token, body)).id;
}

const handedOut = new Set<string>();
/** A host that serves, for one fixture alone, of the fewest VMs; what was begun before has ended. */
async function hostToEmpty(s: Setting): Promise<string> {
  await s.test.settle();
  const path = '/v1/system/hosts?siteId=site_a&state=online';
  type Seen = { id: string; allocated: { vcpus: number } };
  const { items } = await s.test.client.must<{ items: Seen[] }>('GET', path, s.test.operator);
  const [host] = items.filter(({ id }) => !handedOut.has(id)).sort((a, b) => a.allocated.vcpus - b.allocated.vcpus);
  if (!host) throw new Error('no host is left to be emptied');
  handedOut.add(host.id);
  return host.id;
}

async function emptied(s: Setting): Promise<string> {
  const id = await hostToEmpty(s);
  await s.test.client.must('POST', `/v1/system/hosts/${id}/maintenance-enter`, s.test.operator);
  await s.test.settle();
  return id;
}

/** A host of a site of its own, of which neither power controller nor agent can be reached. */
async function hostThatIsFenced(s: Setting): Promise<{ id: string; name: string }> {
  const site = fresh('dark');
  await s.test.client.must('POST', '/v1/system/estates', s.test.operator, estate(site));
  const path = `/v1/system/hosts?siteId=site_${site}`;
  const seen = () =>
    s.test.client.must<{ items: { id: string; name: string; state: string }[] }>('GET', path, s.test.operator);
  const [host] = (await seen()).items;
  if (!host) throw new Error('the site has no host');
  for (const kind of ['bmc-unreachable', 'management-partition', 'storage-partition'])
    await s.test.fault(kind, host.id);
  await s.test.until(async () => (await seen()).items[0]?.state === 'fencing');
  // Since it was loaded nothing was heard of it, and that is not long ago.
  await s.test.advance(6);
  return host;
}

/** A cluster of its own. */
async function ownCluster(s: Setting): Promise<string> {
  const site = fresh('work');
  await s.test.client.must('POST', '/v1/system/estates', s.test.operator, estate(site));
  return `cl_${site}-c1`;
}

/** A VM that crashes at every boot, until nothing is tried any more. */
async function givenUp(s: Setting): Promise<string> {
  const ha = { enabled: true, faultProcess: 'reboot' };
  const [own] = await s.acme.running(1, { name: fresh('broken'), nic: false, ha });
  if (!own) throw new Error('there is no VM');
  for (let epoch = own.epoch; epoch < own.epoch + 3; epoch++) {
    await s.test.until(async () =>
      (await s.test.world()).processes.some((p) => p.vmId === own.id && p.epoch === epoch),
    );
    await s.test.fault('guest-crash', own.id);
  }
  await s.test.until(async () => (await s.acme.vm(own.id)).state === 'unknown');
  await s.test.settle();
  return own.id;
}

const sync = { mode: 'sync', targetSiteId: TWIN };
/** A group of its own for a change that uses it up. */
async function ownGroup(s: Setting, state: 'protected' | 'suspended' = 'protected'): Promise<Fixture> {
  const { group } = await twinGroup(s.acme, s.twin, { name: fresh('guarded'), state });
  return { params: { groupId: group.id }, other: {} };
}
async function eligibleVm(s: Setting): Promise<string> {
  return (await twinVm(s.acme, s.twin, { name: fresh('eligible') })).id;
}

const quota = { vcpus: 8, memoryMiB: 8192, storageGiB: 100, vms: 4 };
const cidr = () => `10.9.${++count}.0/24`;
const cluster = { name: 'c1', hosts: { count: 1, cores: 16, mhz: 2600, memoryGiB: 64 } };
const estate = (name: string) => ({
  sites: [{ name, clusters: [cluster], datastores: [{ name: 'san', capacityGiB: 1000 }] }],
});
const small = { cpu: { vcpus: 1 }, memory: { sizeMiB: 512 }, disks: [{ name: 'root', sizeGiB: 1 }] };

/** A valid call for every operation. One that is missing here fails the build. */
export const FIXTURES: Record<string, Prepare> = {
  ...recoveryFixtures,
  listVdcs: nothing,
  getVdc: vdc,
  getVdcUtilization: vdc,
  createVpc: async (s) => {
    await emptyVpc(s);
    return { params: { vdcId: s.acme.vdcId }, ...named((name) => ({ name }), 'vpc') };
  },
  listVpcs: vdc,
  getVpc: vpc,
  patchVpc: async (s) => ({ params: { vpcId: await emptyVpc(s) }, ...named((name) => ({ name }), 'vpc') }),
  deleteVpc: async (s) => ({ params: { vpcId: await emptyVpc(s) } }),
  createNetwork: async (s) => ({
    params: { vpcId: await emptyVpc(s) },
    ...named((name) => ({ name, type: 'internal', cidr: cidr() }), 'net'),
  }),
  listNetworks: vpc,
  getNetwork: network,
  patchNetwork: async (s) => ({
    params: { networkId: await emptyNetwork(s) },
    body: { qos: { send: { averageMbps: 100 + ++count } } },
  }),
  deleteNetwork: async (s) => ({ params: { networkId: await emptyNetwork(s) } }),
  createVm: (s) => ({
    params: { vdcId: s.acme.vdcId },
    ...named((name) => s.acme.body({ name }) as object, 'made'),
  }),
  listVms: vdc,
  getVm: vm,
  patchVm: (s) => ({ params: { vmId: s.vm.id }, ...named((name) => ({ name }), 'renamed') }),
  getVmPerformance: vm,
  migrateVm: (s) => ownVm(s, 'running'),
  convertVm: foreignPlatformVm,
  deleteVm: (s) => ownVm(s, 'running'),
  startVm: (s) => ownVm(s, 'stopped'),
  stopVm: (s) => ownVm(s, 'running'),
  listOperations: nothing,
  getOperation: operation,
  cancelOperation: async (s) => {
    const { params } = await ownVm(s, 'running');
    const reply = await s.acme.action(params?.vmId as string, 'migrate');
    return { params: { operationId: reply.body.id }, other: {} };
  },
  listEvents: nothing,

  createProtectedGroup: async (s) => {
    const vms = [await eligibleVm(s)];
    return named((name) => ({ name, vdcId: s.twin.vdcId, vms, replication: sync }), 'group');
  },
  listProtectedGroups: nothing,
  checkEligibility: async (s) => ({ body: { vms: [await eligibleVm(s)], replication: sync } }),
  getProtectedGroup: (s) => ownGroup(s),
  patchProtectedGroup: async (s) => ({ ...(await ownGroup(s)), body: { replication: { mbps: 100 + ++count } } }),
  deleteProtectedGroup: async (s) => ({ params: (await ownGroup(s)).params ?? {} }),
  suspendProtectedGroup: (s) => ownGroup(s),
  resumeProtectedGroup: (s) => ownGroup(s, 'suspended'),
  executeProtectedGroup: (s) => ownGroup(s),
  getDivergence: (s) => ownGroup(s),
  abandonFormer: async (s) => ({
    ...(await ownGroup(s)),
    body: { siteId: 'site_a', reason: 'the building burnt down' },
    refused: 'illegal-transition',
  }),
  // Where nothing was switched nothing diverges; what is discarded after a switch, the scenarios of recovery tell.
  discardDivergence: async (s) => ({
    ...(await ownGroup(s)),
    body: { reason: 'entered again by hand' },
    refused: 'illegal-transition',
  }),

  createTenant: () => named((name) => ({ name }), 'tenant'),
  listTenants: nothing,
  getTenant: tenant,
  createVdc: (s) => ({
    params: { tenantId: s.acme.id },
    ...named((name) => ({ name, sites: ['site_a'], quota }), 'vdc'),
  }),
  listTenantVdcs: tenant,
  patchTenantVdc: (s) => ({
    params: { tenantId: s.acme.id, vdcId: s.acme.vdcId },
    body: { quota: { vms: 500 + ++count } },
  }),
  loadEstate: () => named((name) => estate(name), 'site'),
  listSites: nothing,
  getSite: () => ({ params: { siteId: 'site_a' } }),
  listClusters: nothing,
  getCluster: () => ({ params: { clusterId: 'cl_a-c1' } }),
  getFailoverCapacity: () => ({ params: { clusterId: 'cl_a-c1' } }),
  patchCluster: () => ({
    params: { clusterId: 'cl_a-c1' },
    body: { overcommit: { enabled: false, alarmPercent: 100 + (++count % 50) } },
  }),
  getHostPerformance: (s) => ({ params: { hostId: s.vm.hostId as string } }),
  patchHost: (s) => ({
    params: { hostId: s.vm.hostId as string },
    body: { swap: { datastoreId: 'ds_a-nvme', sizeMiB: 1024 } },
    refused: 'invalid-request',
  }),
  listHosts: nothing,
  getHost: (s) => ({ params: { hostId: s.vm.hostId as string } }),
  powerOnHost: (s) => ({ params: { hostId: s.failedHosts.pop() as string }, other: {} }),
  enterMaintenance: async (s) => ({ params: { hostId: await hostToEmpty(s) }, other: {} }),
  exitMaintenance: async (s) => ({ params: { hostId: await emptied(s) }, other: {} }),
  expandHost: async (s) => ({
    params: { hostId: await hostToEmpty(s) },
    body: { memoryGiB: 4096 + ++count },
    other: { memoryGiB: 5120 },
  }),
  listDatastores: nothing,
  listLinks: nothing,
  listExternalNetworks: nothing,
  listSystemVms: (s) => ({ query: { tenantId: s.acme.id } }),
  getSystemVm: vm,
  getSystemVmPerformance: vm,
  migrateSystemVm: (s) => ownVm(s, 'running'),
  growDisk: async (s) => {
    const { params } = await ownVm(s, 'stopped');
    return { params: { ...params, disk: 'root' }, body: { sizeGiB: 25 }, other: { sizeGiB: 30 } };
  },
  migrateSystemVmDisks: async (s) => {
    const { params } = await ownVm(s, 'stopped');
    const body = (mbps: number) => ({ disks: [{ name: 'root', datastoreId: 'ds_a-nas' }], mbps });
    return { ...(params ? { params } : {}), body: body(50), other: body(60) };
  },
  explainPlacement: (s) => ({ body: { vdcId: s.acme.vdcId, ...small } }),
  runLab: () => ({ body: { experiment: 'migration', memoryMiB: 4096, dirtyMiBps: 64 } }),
  listAlarms: nothing,
  listIncidents: nothing,
  getIncident: (s) => ({ params: { incidentId: s.incident } }),
  getIncidentReport: (s) => ({ params: { incidentId: s.incident } }),
  disarmCluster: async (s) => ({
    params: { clusterId: await ownCluster(s) },
    body: { reason: 'work', forMinutes: 30 },
    other: { reason: 'work' },
  }),
  armCluster: async (s) => {
    const clusterId = await ownCluster(s);
    const path = `/v1/system/clusters/${clusterId}/ha-disarm`;
    await s.test.client.must('POST', path, s.test.operator, { reason: 'work' });
    return { params: { clusterId }, other: {} };
  },
  confirmFenced: async (s) => {
    const { id, name } = await hostThatIsFenced(s);
    const body = (statement: string) => ({ hostName: name, statement });
    return { params: { hostId: id }, body: body('its cables are out'), other: body('it is sold') };
  },
  recoverVm: async (s) => ({ params: { vmId: await givenUp(s) }, other: {} }),
  listSystemOperations: nothing,
  getSystemOperation: operation,
  listSystemEvents: nothing,
  listAuditLog: nothing,
  audit: nothing,

  createFault: (s) => ({
    body: { kind: 'slow-disk', target: s.volume, for: 60 },
    other: { kind: 'slow-disk', target: s.volume, for: 61 },
  }),
  listFaults: nothing,
  endFault: (s) => ({ params: { faultId: s.fault } }),
  getWorld: nothing,
  getClock: nothing,
  // A test moves the time itself, so no speed can be set there.
  setClock: () => ({ body: { speed: 2 }, refused: 'clock-not-adjustable' }),
  writeBlock: async (s) => ({
    ...(await block(s)),
    body: { data: Buffer.from('hello').toString('base64') },
    noTrail: 'what a guest writes is no change of an operator',
  }),
  readBlock: block,
  setWorkload: (s) => ({ params: { vmId: s.vm.id }, body: { cpu: 0.5 }, other: { cpu: 0.25 } }),
};
