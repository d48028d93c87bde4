import type { Runtime } from '../../shared/aws/runtime.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { flaps } from '../../shared/model/flapping.ts';
import { armed } from '../../shared/model/ha.ts';
import type { Incident } from '../../shared/model/incident.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import { isFinal } from '../../shared/model/operation.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { planFailBack, type Return, type Tries } from '../../shared/placement/fail-back.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { HostFull } from '../../shared/store/ledger.ts';
import { clusterPicture, migrationBegins } from '../../shared/store/moves.ts';
import { accept, newOperation, Operations } from '../../shared/store/outbox.ts';
import { readEntries } from '../../shared/store/recoveries.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Overtaken, unlessOvertaken } from './overtaken.ts';

/**
 * Brings VMs back to a host that serves again, where they want that (`ha.failBack`), by ordinary live migrations. The
 * reconciliation of the host has noted on it from which incidents; as long as VMs of them want to come, each refresh of the
 * probe looks again. So what finds no room, or was lost on the way, is tried again without a workflow that waits for it.
 */
export class FailBack {
  private readonly runtime: Runtime;
  private readonly data: TenantData;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.data = new TenantData(runtime.store, SYSTEM);
  }

  async run(clusters: readonly Cluster[], hosts: readonly Host[], now: number): Promise<void> {
    for (const host of hosts) {
      if (!host.failsBack?.length) continue;
      const cluster = clusters.find((c) => c.id === host.clusterId);
      if (cluster && takesBack(host, cluster, now)) await this.look(host, now);
    }
  }

  private async look(host: Host, now: number): Promise<void> {
    const { store } = this.runtime;
    const incidents = await store.getMany<Incident>((host.failsBack ?? []).map((id) => keys.incident(id)));
    const entries = (await Promise.all(incidents.map((i) => readEntries(store, i)))).flat();
    const own = entries.filter((entry) => entry.failBack && entry.fromHost === host.id);
    const found = await this.data.vmsById([...new Set(own.map((entry) => entry.id))]);
    const vms = found.filter((vm) => vm.failBackTo === host.id && vm.hostId !== host.id);
    if (vms.length === 0 && own.every((e) => e.outcome !== 'waiting' && e.outcome !== 'recovering'))
      await unlessOvertaken(this.forget(host));
    if (vms.length === 0) return;
    const tries = new Map<string, Tries>();
    for (const vm of vms) tries.set(vm.id, await this.triesOf(vm, host));
    const plan = planFailBack(vms, host.id, await clusterPicture(store, host.clusterId), tries);
    for (const back of plan) {
      if (back.kind === 'moves') await unlessOvertaken(this.begin(back, host, now));
      else if (back.kind === 'dropped') await unlessOvertaken(this.drop(back.vm));
    }
    const newest = incidents.sort((a, b) => (a.id < b.id ? -1 : 1)).at(-1);
    if (newest) await unlessOvertaken(this.note(newest, host, plan, now));
  }

  /** The last operation of a VM tells whether it was a migration of this fail-back, and which. */
  private async triesOf(vm: Vm, host: Host): Promise<Tries> {
    const last = await new Operations(this.runtime.store, SYSTEM).find(vm.operationId);
    if (last?.input.failBackTo !== host.id) return { failed: 0, why: '' };
    if (!isFinal(last.state)) return { failed: 0, why: '', ending: true };
    return { failed: Number(last.input.attempt), why: last.error?.message ?? 'no reason was given' };
  }

  /** The claim, the seat and what it holds meanwhile are those of any live migration. */
  private async begin({ vm, seat, failed }: Extract<Return, { kind: 'moves' }>, host: Host, now: number) {
    const { ids, store } = this.runtime;
    const operation = newOperation({
      id: ids.make('operation', tagOfTenant(vm.tenantId)),
      kind: 'migrate-vm',
      tenantId: vm.tenantId,
      target: vm.id,
      input: { vms: [vm.id], failBackTo: host.id, attempt: failed + 1 },
      createdAt: now,
    });
    const options = failed > 0 ? { autoConverge: true } : {};
    const tx = migrationBegins(vm, { seat, options }, operation, () => new Overtaken());
    accept(tx, operation);
    try {
      await store.commit(tx);
    } catch (error) {
      // Others were faster with the room: the next look plans it anew.
      if (!(error instanceof HostFull)) throw error;
    }
  }

  private drop(vm: Vm): Promise<void> {
    return this.runtime.store.update<void>(keys.vm(vm.tenantId, vm.id), {
      remove: ['failBackTo'],
      add: { version: 1 },
      condition: '#version = :version AND attribute_not_exists(#claim)',
      names: { '#version': 'version', '#claim': 'claim' },
      values: { ':version': vm.version },
      onFail: () => new Overtaken(),
    });
  }

  /** Nobody wants to come any more. */
  private forget(host: Host): Promise<void> {
    return this.runtime.store.update<void>(keys.host(host.clusterId, host.id), {
      remove: ['failsBack'],
      condition: '#failsBack = :was',
      names: { '#failsBack': 'failsBack' },
      values: { ':was': host.failsBack },
      onFail: () => new Overtaken(),
    });
  }

  /** Who stays, and why, is said once, and again when that changes. It is no alarm: they run. */
  private async note(incident: Incident, host: Host, plan: readonly Return[], now: number): Promise<void> {
    const what = `fail-back to ${host.name}`;
    const detail = words(plan);
    const before = incident.timeline.findLast((line) => line.what === what);
    if (detail === '' || before?.detail === detail) return;
    await this.runtime.store.update(keys.incident(incident.id), {
      set: { timeline: [...incident.timeline, { at: now, what, detail }] },
      add: { version: 1 },
      condition: '#version = :version AND attribute_not_exists(#claim)',
      names: { '#version': 'version', '#claim': 'claim' },
      values: { ':version': incident.version },
      onFail: () => new Overtaken(),
    });
  }
}

/** Not while nothing is to be moved for planned work, nor to a host that is being emptied or may fail again at once. */
const takesBack = (host: Host, cluster: Cluster, now: number): boolean =>
  host.state === 'online' && host.claim === undefined && !host.draining && !flaps(host) && armed(cluster, now);

function words(plan: readonly Return[]): string {
  const moves = plan.filter((back) => back.kind === 'moves').length;
  const left = plan.flatMap((back) => ('reason' in back ? [back.reason] : []));
  const reasons = [...Map.groupBy(left, (reason) => reason)].map(([reason, all]) => `${all.length} stay: ${reason}`);
  return [...(moves > 0 ? [`${moves} move back`] : []), ...reasons].join('; ');
}
