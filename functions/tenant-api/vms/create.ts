import { demandOf } from '../../../shared/hypervisor/demand.ts';
import { DomainError, invalid } from '../../../shared/kernel/errors.ts';
import { minus, nothing, sumOf } from '../../../shared/model/amounts.ts';
import type { Datastore, Host } from '../../../shared/model/inventory.ts';
import type { Network } from '../../../shared/model/network.ts';
import type { Vdc } from '../../../shared/model/vdc.ts';
import { type Seat, storageGiBOf, type Vm } from '../../../shared/model/vm.ts';
import type { Need } from '../../../shared/placement/need.ts';
import { place, type Refused } from '../../../shared/placement/placement.ts';
import { seatOf } from '../../../shared/placement/seat.ts';
import { type CapacitySnapshot, needOf } from '../../../shared/placement/snapshot.ts';
import { keys } from '../../../shared/store/keys.ts';
import {
  chargeVdc,
  DatastoreFull,
  HostFull,
  overQuota,
  takeDatastore,
  takeHost,
} from '../../../shared/store/ledger.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { MAX_ACTIONS, Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { notPoweredOn } from '../../http/refusals.ts';
import { vmView } from '../../http/views.ts';
import type { TenantDeps } from '../deps.ts';
import { AddressBook, AddressTaken, claimAddress } from './addresses.ts';
import { checkRequest, storedMemory, type VmRequest } from './checks.ts';
import { mustDependOnVms } from './dependencies.ts';

/** Times that a creation is decided anew because a ledger or an address was taken meanwhile, before `busy`. */
const ATTEMPTS = 64;

/** Where a VM hangs in the network; its ids, whatever names the request used. */
interface Wiring {
  vpcId: string | null;
  networks: Network[];
}
interface Placed {
  vm: Vm;
  host: Host;
  datastore: Datastore;
}

/**
 * Creates one VM or `count` of them, all or none, in one transaction: VMs, host, datastore and VDC ledgers, address
 * claims, operation and idempotency record. Losing a race for capacity or an address means deciding anew with the news.
 */
export async function createVm(call: Call<VmRequest>, deps: TenantDeps): Promise<Answer> {
  checkRequest(call.body);
  call.body.memory = storedMemory(call.body.memory);
  const data = new TenantData(deps.store, call.context);
  const vdc = await data.get('vdc', call.param('vdcId'));
  await mustDependOnVms(call.body.ha, data);
  const wiring = await wiringOf(call.body, vdc, data);
  const count = call.body.count ?? 1;
  const wanted = chargeOf(call.body, count);
  const over = overQuota(vdc, wanted);
  if (over) throw over;
  const book = new AddressBook(deps.store, deps.random);
  let snapshot = await deps.capacity.snapshot();
  let fresh = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const need = needFor(call.body, vdc);
    const placed = await decide(call, deps, vdc, wiring, snapshot, book, need);
    if (!Array.isArray(placed)) {
      // Nobody is refused on an old picture.
      if (fresh) throw notPoweredOn(placed, snapshot, need, count);
      snapshot = await deps.capacity.retake();
      fresh = true;
      continue;
    }
    try {
      const answer = await write(call, vdc, placed, wanted);
      if (call.dryRun) giveBack(snapshot, placed);
      return answer;
    } catch (error) {
      giveBack(snapshot, placed);
      fresh = false;
      if (error instanceof HostFull && error.host) snapshot.correct(error.host);
      else if (error instanceof DatastoreFull && error.datastore) snapshot.correctDatastore(error.datastore);
      else if (error instanceof AddressTaken) book.note(error);
      else throw error;
    }
  }
  throw new DomainError('busy', 'Others take capacity faster than this request can; nothing was changed.', {
    figures: { retryAfterSeconds: 1 },
  });
}

function needFor(body: VmRequest, vdc: Vdc): Need {
  const sites = body.placement?.siteId ? vdc.sites.filter((s) => s === body.placement?.siteId) : vdc.sites;
  return needOf(body, { sites, clusterId: body.placement?.clusterId, powersOn: body.start });
}

async function decide(
  call: Call<VmRequest>,
  deps: TenantDeps,
  vdc: Vdc,
  wiring: Wiring,
  snapshot: CapacitySnapshot,
  book: AddressBook,
  need: Need,
): Promise<Placed[] | Refused> {
  const { body } = call;
  const count = body.count ?? 1;
  const operationId = call.newId('operation');
  const placed: Placed[] = [];
  for (let i = 0; i < count; i++) {
    const decision = place(need, snapshot, deps.random);
    if (!decision.ok) {
      giveBack(snapshot, placed);
      return decision;
    }
    const { host } = decision.candidate;
    const datastore = decision.datastore as Datastore;
    const vm = await build(call, vdc, wiring, book, {
      host,
      seat: body.start ? seatOf(decision) : { hostId: null },
      datastore,
      operationId,
      name: count > 1 ? `${body.name}-${i + 1}` : body.name,
    });
    snapshot.take(vm.hostId ?? '', demandOf(vm), { datastoreId: datastore.id, gib: need.storageGiB });
    placed.push({ vm, host, datastore });
  }
  return placed;
}

async function build(
  call: Call<VmRequest>,
  vdc: Vdc,
  wiring: Wiring,
  book: AddressBook,
  at: { host: Host; seat: Seat | { hostId: null }; datastore: Datastore; operationId: string; name: string },
): Promise<Vm> {
  const { body } = call;
  const noBoot = !body.disks.some((d) => d.boot);
  const disks = body.disks.map((d, i) => ({
    ...d,
    boot: d.boot || (noBoot && i === 0),
    id: call.newId('volume'),
    datastoreId: at.datastore.id,
  }));
  const nics = [];
  for (const [i, nic] of body.nics.entries())
    nics.push(await book.assign(nic, wiring.networks[i] as Network, call.newId('nic'), `body.nics.${i}.ip`));
  return {
    id: call.newId('vm'),
    tenantId: call.tenantId,
    vdcId: vdc.id,
    vpcId: wiring.vpcId,
    name: at.name,
    state: 'creating',
    desired: body.start ? 'running' : 'stopped',
    cpu: body.cpu,
    memory: body.memory,
    guest: body.guest,
    disks,
    nics,
    ha: body.ha,
    siteId: at.host.siteId,
    clusterId: at.host.clusterId,
    ...(body.numa ? { numa: body.numa } : {}),
    ...at.seat,
    epoch: 1,
    version: 1,
    createdAt: call.now,
    claim: at.operationId,
    operationId: at.operationId,
  };
}

async function write(
  call: Call<VmRequest>,
  vdc: Vdc,
  placed: Placed[],
  wanted: ReturnType<typeof chargeOf>,
): Promise<Answer> {
  const tx = new Transaction();
  const hosts = new Map<string, { host: Host; vms: Vm[] }>();
  const datastores = new Map<string, { datastore: Datastore; gib: number }>();
  for (const { vm, host, datastore } of placed) {
    tx.put(keys.vm(vm.tenantId, vm.id), vm, {
      ifAbsent: () => new DomainError('busy', 'The VM id is taken; try again.'),
    });
    for (const [i, nic] of vm.nics.entries())
      claimAddress(tx, vm.tenantId, vm.id, nic, call.body.nics[i]?.ip !== undefined);
    if (vm.hostId) hosts.set(host.id, { host, vms: [...(hosts.get(host.id)?.vms ?? []), vm] });
    datastores.set(datastore.id, { datastore, gib: (datastores.get(datastore.id)?.gib ?? 0) + storageGiBOf(vm) });
  }
  for (const { host, vms } of hosts.values()) {
    takeHost(tx, host, sumOf(vms.map(demandOf)));
  }
  for (const { datastore, gib } of datastores.values()) takeDatastore(tx, datastore, gib);
  chargeVdc(tx, vdc, wanted);
  // The operation, and the idempotency record, come on top.
  if (tx.actions.length + 2 > MAX_ACTIONS) {
    throw invalid([
      {
        location: 'body.count',
        message: 'so many VMs with so many NICs do not fit into one transaction',
        fix: 'ask for fewer at once',
      },
    ]);
  }
  const first = (placed[0] as Placed).vm;
  const operation = newOperation({
    id: first.operationId,
    kind: 'provision-vm',
    tenantId: call.tenantId,
    target: first.id,
    input: { vms: placed.map((p) => p.vm.id) },
    createdAt: call.now,
  });
  const headers = { 'operation-location': `/v1/operations/${operation.id}` };
  const single = call.body.count === undefined || call.body.count === 1;
  const answer = single
    ? resource(201, vmView(first))
    : { status: 201, body: { items: placed.map((p) => vmView(p.vm)) } };
  return call.commit(
    tx,
    { ...answer, headers: { ...('headers' in answer ? answer.headers : {}), ...headers } },
    { operation },
  );
}

/** Undoes in the picture what `decide` took in it. */
function giveBack(snapshot: CapacitySnapshot, placed: readonly Placed[]): void {
  for (const { vm, datastore } of placed)
    snapshot.take(vm.hostId ?? '', minus(nothing(), demandOf(vm)), {
      datastoreId: datastore.id,
      gib: -storageGiBOf(vm),
    });
}

/** What the quota is charged for `count` such VMs. */
const chargeOf = (body: VmRequest, count: number) => ({
  vcpus: body.cpu.vcpus * count,
  memoryMiB: body.memory.sizeMiB * count,
  storageGiB: storageGiBOf(body) * count,
  vms: count,
});

/** The VPC, and the network of each NIC: all of that VPC, and of this VDC. */
async function wiringOf(body: VmRequest, vdc: Vdc, data: TenantData): Promise<Wiring> {
  const vpc = body.vpcId === undefined ? undefined : await data.get('vpc', body.vpcId);
  if (vpc && vpc.vdcId !== vdc.id)
    throw invalid([{ location: 'body.vpcId', message: 'belongs to another VDC', fix: 'name a VPC of this VDC' }]);
  const networks = await Promise.all(body.nics.map((n) => data.get('network', n.networkId)));
  const vpcId = vpc?.id ?? networks[0]?.vpcId ?? null;
  for (const [i, network] of networks.entries()) {
    const location = `body.nics.${i}.networkId`;
    if (network.vdcId !== vdc.id)
      throw invalid([{ location, message: 'belongs to another VDC', fix: 'name a network of this VDC' }]);
    if (network.vpcId !== vpcId)
      throw invalid([{ location, message: 'lies in another VPC', fix: 'name networks of one VPC' }]);
    if (network.state !== 'active') throw new DomainError('in-use', `Network ${network.name} is being deleted.`);
  }
  return { vpcId, networks };
}
