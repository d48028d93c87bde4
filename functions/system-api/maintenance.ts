import type * as z from 'zod';
import type { expandHost } from '../../shared/contract/maintenance.ts';
import { hostCapacity } from '../../shared/hypervisor/host-capacity.ts';
import { DomainError, type Flaw, invalid } from '../../shared/kernel/errors.ts';
import { type Expandable, type Host, hostMachine } from '../../shared/model/inventory.ts';
import { type Leaving, planEvacuation } from '../../shared/placement/evacuation.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { clusterPicture } from '../../shared/store/moves.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Call } from '../http/call.ts';
import { refusalsOf } from '../http/refusals.ts';
import { operationView } from '../http/views.ts';

type Work =
  | { kind: 'evacuate-host' }
  | { kind: 'expand-host'; hardware: Expandable; before: Expandable; capacity: Host['capacity'] };

export const maintenanceHandlers = {
  async enterMaintenance(call: Call) {
    return empty(call, await hostToEmpty(call), { kind: 'evacuate-host' });
  },

  /** ELA-6: what is given is what the host has then; it may only grow. */
  async expandHost(call: Call<z.infer<typeof expandHost>>) {
    const host = await hostToEmpty(call);
    return empty(call, host, { kind: 'expand-host', ...growth(host, call.body) });
  },

  async exitMaintenance(call: Call) {
    const host = await new Inventory(call.deps.store, SYSTEM).host(call.param('hostId'));
    call.checkVersion(host);
    const state = hostMachine.next(host.state, 'exitMaintenance');
    mustBeFree(host);
    if (host.power === 'off')
      throw new DomainError('illegal-transition', `Host ${host.name} is off; power it on first.`, {
        figures: { state: host.state, power: host.power },
      });
    const operation = operationFor(call, 'reconcile-host', host, {});
    const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
      set: { state, claim: operation.id },
      remove: ['reason'],
      add: { version: 1 },
      condition: '#state = :was AND attribute_not_exists(#claim)',
      names: { '#state': 'state', '#claim': 'claim' },
      values: { ':was': host.state },
      onFail: (found) => held(String(found?.claim ?? 'another one')),
    });
    return call.commit(tx, accepted(operation), { operation });
  },
};

async function hostToEmpty(call: Call<unknown>): Promise<Host> {
  const host = await new Inventory(call.deps.store, SYSTEM).host(call.param('hostId'));
  call.checkVersion(host);
  hostMachine.next(host.state, 'enterMaintenance');
  mustBeFree(host);
  if (host.callsRecovery)
    throw new DomainError(
      'in-use',
      `A VM that was moved to host ${host.name} is still to be recovered; it comes first.`,
      {
        figures: { calledBy: host.callsRecovery },
      },
    );
  return host;
}

function mustBeFree(host: Host): void {
  const by = host.claim ?? host.draining;
  if (by) throw held(by);
}

/** Accepts work that begins with an empty host. A dry run says where each VM would go, or why it cannot (ELA-7). */
async function empty(call: Call<unknown>, host: Host, work: Work) {
  const { store } = call.deps;
  const vms = (await new TenantData(store, SYSTEM).vmsOnHost(host.id)).filter((vm) => vm.hostId === host.id);
  const plan = planEvacuation(vms, await clusterPicture(store, host.clusterId));
  const { kind, ...input } = work;
  if (call.dryRun) return { status: 200, body: { dryRun: true, ...planView(plan), ...input } };
  mustAllLeave(host, plan);
  const operation = operationFor(call, kind, host, input);
  const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
    set: { draining: operation.id },
    add: { version: 1 },
    condition: '#state = :online AND attribute_not_exists(#claim) AND attribute_not_exists(#draining)',
    names: { '#state': 'state', '#claim': 'claim' },
    values: { ':online': 'online' },
    onFail: (found) => held(String(found?.claim ?? found?.draining ?? 'another one')),
  });
  return call.commit(tx, accepted(operation), { operation });
}

const operationFor = (
  call: Call<unknown>,
  kind: 'evacuate-host' | 'expand-host' | 'reconcile-host',
  host: Host,
  input: object,
) =>
  newOperation({
    id: call.newId('operation', undefined),
    kind,
    target: host.id,
    input: { hostId: host.id, clusterId: host.clusterId, ...input },
    createdAt: call.now,
  });

const accepted = (operation: ReturnType<typeof newOperation>) => ({
  status: 202,
  body: operationView(operation),
  headers: { 'operation-location': `/v1/system/operations/${operation.id}`, 'retry-after': '1' },
});

const planView = (plan: readonly Leaving[]) => ({
  possible: plan.every((leaving) => leaving.kind !== 'stuck'),
  vms: plan.map((leaving) => ({
    vmId: leaving.vm.id,
    name: leaving.vm.name,
    ...('seat' in leaving ? { toHostId: leaving.seat.hostId } : {}),
    ...('reason' in leaving ? { first: leaving.reason } : {}),
    ...(leaving.kind === 'stuck' ? { reasons: leaving.reasons } : {}),
  })),
});

/** @throws with every reason of every VM; `no-capacity` when nothing but room is wanting */
function mustAllLeave(host: Host, plan: readonly Leaving[]): void {
  const stuck = plan.filter((leaving) => leaving.kind === 'stuck');
  if (stuck.length === 0) return;
  const flaws = stuck.flatMap(({ vm, reasons }): Flaw[] =>
    reasons.map(({ rule, reason, fix }) => ({
      location: `vm.${vm.id}`,
      message: `${vm.name}: ${reason} (${rule})`,
      fix,
    })),
  );
  const rules = [...new Set(stuck.flatMap(({ reasons }) => reasons.map((r) => r.rule)))];
  throw new DomainError(
    rules.every((rule) => rule === 'ELA-6') ? 'no-capacity' : 'feature-unavailable',
    `${stuck.length} of ${plan.length} VMs cannot leave host ${host.name}: ${flaws.map((f) => f.message).join('; ')}.`,
    { figures: { rules, vms: stuck.map(({ vm }) => vm.id) }, flaws },
  );
}

const MIB_PER_GIB = 1024;
/** As many as an estate may describe. */
const MOST_NODES = 16;

/** @throws `invalid-request` for a host that would shrink, stay as it is, or have nodes that do not divide its cores */
function growth(host: Host, body: z.infer<typeof expandHost>) {
  const { sockets, coresPerSocket, memoryMiB, numaNodes } = host;
  const before: Expandable = { sockets, coresPerSocket, memoryMiB, numaNodes };
  const wanted = {
    sockets: body.sockets ?? sockets,
    coresPerSocket: body.coresPerSocket ?? coresPerSocket,
    memoryMiB: body.memoryGiB === undefined ? memoryMiB : body.memoryGiB * MIB_PER_GIB,
  };
  const fields = [
    ['sockets', sockets, wanted.sockets],
    ['coresPerSocket', coresPerSocket, wanted.coresPerSocket],
    ['memoryGiB', memoryMiB / MIB_PER_GIB, wanted.memoryMiB / MIB_PER_GIB],
  ] as const;
  const fix = 'name what the host is to have in all; it can only grow (ELA-6)';
  const shrinks = fields.filter(([, now, then]) => then < now);
  if (shrinks.length > 0)
    throw invalid(
      shrinks.map(([field, now, then]) => ({ location: `body.${field}`, message: `${then}, and it has ${now}`, fix })),
    );
  if (fields.every(([, now, then]) => then === now))
    throw invalid([{ location: 'body', message: 'the host has all that already', fix }]);
  // Each socket brings its nodes with it (NUMA-1).
  const perSocket = numaNodes / sockets;
  const nodes = Number.isInteger(perSocket) ? Math.min(MOST_NODES, perSocket * wanted.sockets) : numaNodes;
  const hardware: Expandable = { ...wanted, numaNodes: nodes };
  const after = { ...host, ...hardware };
  const flaws = refusalsOf(() => hostCapacity(after, true));
  if (flaws.length > 0)
    throw invalid(flaws.map((f) => ({ location: 'body.sockets', message: `${f.reason} (${f.rule})`, fix: f.fix })));
  return { hardware, before, capacity: hostCapacity(after, host.capacity.node0Vcpus !== undefined) };
}

const held = (operationId: string) =>
  new DomainError('operation-in-progress', `The host is held by operation ${operationId}.`, {
    figures: { operationId },
  });
