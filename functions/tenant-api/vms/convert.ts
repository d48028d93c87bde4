import type * as z from 'zod';
import type { convertVm } from '../../../shared/contract/shapes.ts';
import { clusterOf, holdsOf } from '../../../shared/hypervisor/demand.ts';
import { conversionPlan, toolsToChange } from '../../../shared/hypervisor/migration/conversion.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import type { Datastore } from '../../../shared/model/inventory.ts';
import { type Conversion, storageGiBOf, type Vm, vmMachine } from '../../../shared/model/vm.ts';
import { type CandidateIndex, type Chosen, place } from '../../../shared/placement/placement.ts';
import { seatOf } from '../../../shared/placement/seat.ts';
import { needOf } from '../../../shared/placement/snapshot.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { keys } from '../../../shared/store/keys.ts';
import { DatastoreFull, HostFull, shiftHosts, takeDatastore } from '../../../shared/store/ledger.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { flawAt, heldBy, mustNotBeProtected, mustNotBeTest, notPoweredOn } from '../../http/refusals.ts';
import { operationView } from '../../http/views.ts';
import type { TenantDeps } from '../deps.ts';

/** Times that a place is chosen anew because it was taken meanwhile, before `busy`. */
const ATTEMPTS = 64;

type Wish = z.infer<typeof convertVm>;

/**
 * Accepts the conversion of a VM of a vmware pool (MIG-9): it is claimed, and holds room for its volumes at the target,
 * and a host there if it is to run afterwards. The quota counts it once. All that forbids it is said at once (MIG-8).
 */
export async function acceptConversion(call: Call, deps: TenantDeps, vm: Vm, wish: Wish): Promise<Answer> {
  if (vm.claim) throw heldBy(vm);
  mustNotBeTest(vm);
  mustNotBeProtected(vm, 'converted');
  const state = vmMachine.next(vm.state, 'coldMigrate');
  const clusterIds = await clustersFor(call, deps, vm, wish);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const snapshot = await deps.capacity.retake();
    const fits = (c: { cluster: { id: string } }) => clusterIds.includes(c.cluster.id);
    const index: CandidateIndex = {
      near: (need) => [...snapshot.near(need)].filter(fits),
      all: () => [...snapshot.all()].filter(fits),
    };
    const sites = [...new Set([...index.all()].map((c) => c.host.siteId))];
    const need = needOf(vm, { sites, powersOn: vm.desired === 'running' });
    const decision = place(need, index, deps.random);
    if (!decision.ok) throw notPoweredOn(decision, snapshot, need);
    try {
      return await write(call, vm, state, decision);
    } catch (error) {
      if (!(error instanceof HostFull || error instanceof DatastoreFull)) throw error;
    }
  }
  throw new DomainError('busy', 'Others take capacity faster than this request can; nothing was changed.', {
    figures: { retryAfterSeconds: 1 },
  });
}

/** @throws `feature-unavailable` with every reason */
async function clustersFor(call: Call, deps: TenantDeps, vm: Vm, wish: Wish): Promise<string[]> {
  const inventory = new Inventory(deps.store, SYSTEM);
  const [vdc, sites, clusters] = await Promise.all([
    new TenantData(deps.store, call.context).get('vdc', vm.vdcId),
    inventory.sites(),
    inventory.clusters(),
  ]);
  const kind = sites.find((s) => s.id === vm.siteId)?.hypervisor;
  const arch = clusters.find((c) => c.id === vm.clusterId)?.arch;
  if (!kind || !arch) throw new Error(`VM ${vm.id} is in ${vm.siteId}/${vm.clusterId}, which does not exist`);
  const { refusals, clusterIds } = conversionPlan({
    vm: { kind, arch, disks: vm.disks, nics: vm.nics },
    ...wish,
    sites: sites.filter((s) => vdc.sites.includes(s.id)),
    clusters,
  });
  if (refusals.length === 0) return clusterIds;
  const words = refusals.map((r) => `${r.reason} (${r.rule})`).join('; ');
  throw new DomainError('feature-unavailable', `VM ${vm.name} cannot be converted: ${words}.`, {
    figures: { rule: refusals[0]?.rule, rules: refusals.map((r) => r.rule) },
    flaws: refusals.map((r) => flawAt(r.at)(r)),
  });
}

async function write(call: Call, vm: Vm, state: Vm['state'], decision: Chosen): Promise<Answer> {
  const { host } = decision.candidate;
  const datastore = decision.datastore as Datastore;
  const conversion: Conversion = {
    stage: 'copying',
    siteId: host.siteId,
    clusterId: host.clusterId,
    ...(vm.desired === 'running' ? { seat: seatOf(decision) } : {}),
    volumes: vm.disks.map(({ name, sizeGiB }) => ({
      id: call.newId('volume'),
      name,
      sizeGiB,
      datastoreId: datastore.id,
    })),
  };
  const operation = newOperation({
    id: call.newId('operation'),
    kind: 'convert-vm',
    tenantId: call.tenantId,
    target: vm.id,
    input: { vms: [vm.id] },
    createdAt: call.now,
  });
  const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
    set: { state, conversion, claim: operation.id, operationId: operation.id },
    add: { version: 1 },
    remove: ['reason'],
    condition: '#version = :version AND attribute_not_exists(#claimed)',
    names: { '#version': 'version', '#claimed': 'claim' },
    values: { ':version': vm.version },
    onFail: (found) =>
      found ? heldBy(found as unknown as Vm) : new DomainError('not-found', `There is no VM '${vm.id}'.`),
  });
  const after = { ...vm, conversion };
  shiftHosts(tx, clusterOf(after), holdsOf(vm), holdsOf(after));
  takeDatastore(tx, datastore, storageGiBOf(vm));
  const answer = await call.commit(
    tx,
    {
      status: 202,
      body: operationView(operation),
      headers: { 'operation-location': `/v1/operations/${operation.id}`, 'retry-after': '1' },
    },
    { operation },
  );
  if (!call.dryRun) return answer;
  const { siteId, clusterId } = conversion;
  return { ...answer, body: { ...(answer.body as object), siteId, clusterId, toolsToChange: toolsToChange(vm) } };
}
