import type * as z from 'zod';
import type { patchHost } from '../../shared/contract/shapes.ts';
import { swapRefusal } from '../../shared/hypervisor/overcommit/admission.ts';
import { DomainError, invalid } from '../../shared/kernel/errors.ts';
import type { Datastore } from '../../shared/model/inventory.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { DatastoreFull, giveDatastore, takeDatastore } from '../../shared/store/ledger.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type Call, resource } from '../http/call.ts';
import { versioned } from '../http/conditions.ts';
import { flawAt } from '../http/refusals.ts';
import { hostView } from '../http/views.ts';

const MIB_PER_GIB = 1024;
const gib = (mib: number): number => Math.ceil(mib / MIB_PER_GIB);

/**
 * Gives a host a swap partition, changes its size or takes it away. It lies on a virtualised local disk of that host
 * (OVC-3), whose ledger it is charged to.
 */
export async function changeSwap(call: Call<z.infer<typeof patchHost>>) {
  const inventory = new Inventory(call.deps.store, SYSTEM);
  const host = await inventory.host(call.param('hostId'));
  call.checkVersion(host);
  const { datastoreId, sizeMiB } = call.body.swap;
  const datastores = await inventory.datastores(host.siteId);
  mustHold(
    datastores.find((d) => d.id === datastoreId),
    host.id,
  );
  const swap = { datastoreId, sizeMiB, version: (host.swap?.version ?? 0) + 1 };
  const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
    set: { swap },
    add: { version: 1 },
    ...versioned(host),
  });
  const before = gib(host.swap?.sizeMiB ?? 0);
  const more = gib(sizeMiB) - (host.swap?.datastoreId === datastoreId ? before : 0);
  if (host.swap && host.swap.datastoreId !== datastoreId && before > 0)
    giveDatastore(tx, { siteId: host.siteId, id: host.swap.datastoreId }, before);
  if (more > 0) takeDatastore(tx, { siteId: host.siteId, id: datastoreId }, more);
  if (more < 0) giveDatastore(tx, { siteId: host.siteId, id: datastoreId }, -more);
  const operation = newOperation({
    id: call.newId('operation', undefined),
    kind: 'configure',
    target: host.id,
    input: { hostId: host.id },
    createdAt: call.now,
  });
  const answer = resource(200, hostView({ ...host, swap, version: host.version + 1 }));
  const headers = { ...answer.headers, 'operation-location': `/v1/system/operations/${operation.id}` };
  try {
    return await call.commit(tx, { ...answer, headers }, { operation });
  } catch (error) {
    if (!(error instanceof DatastoreFull)) throw error;
    throw new DomainError('no-capacity', `Datastore ${datastoreId} has no room for ${gib(sizeMiB)} GiB.`, {
      figures: { freeGiB: error.datastore?.freeGiB ?? 0, help: ['Choose a smaller size, or free the datastore.'] },
    });
  }
}

function mustHold(datastore: Datastore | undefined, hostId: string): void {
  const location = 'body.swap.datastoreId';
  if (!datastore)
    throw invalid([
      { location, message: 'there is no such datastore at this site', fix: 'see GET /v1/system/datastores' },
    ]);
  const refusal = swapRefusal({ datastoreKind: datastore.kind });
  if (refusal) throw invalid([flawAt(location)(refusal)]);
  if (datastore.hostId !== hostId)
    throw invalid([
      { location, message: `belongs to host ${datastore.hostId} (OVC-3)`, fix: 'choose one of this host' },
    ]);
}
