import type { Runtime } from '../../shared/aws/runtime.ts';
import { type GuestTrouble, type Heartbeat, type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { tagOfTenant } from '../../shared/kernel/ids.ts';
import { GUEST_ALARMS, type GuestAlarm, withRestart } from '../../shared/model/guest-fault.ts';
import type { Alarm } from '../../shared/model/incident.ts';
import { assess, livenessOf } from '../../shared/model/liveness.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { openGuestIncident } from '../../shared/store/guest-incidents.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept, emit, newOperation } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type GuestCase, type GuestFinding, isOutOfSight, judgeGuest } from './guests.ts';
import { Overtaken, unlessOvertaken } from './overtaken.ts';

/** How long the list of alarms is believed that another probe may have changed, ms. */
const REFRESH_MS = MINUTE;
/** Recoveries that one look begins, the longest in trouble first: the rest is found again by the next. */
const RECOVERIES_PER_LOOK = 100;

/** Where the alarms of guests stand among all alarms. */
const ALARM_KEYS = ['guest-', 'vm-recovery-failed#'];
const isGuestAlarm = (code: string): code is GuestAlarm => (GUEST_ALARMS as readonly string[]).includes(code);

/** Heartbeats by site and host. */
export type Beats = ReadonlyMap<string, ReadonlyMap<string, Heartbeat>>;
type Sign = GuestTrouble & { siteId: string; hostId: string };

/** Looks at the guests that hosts report, and at those with an alarm. While there are none it reads nothing. */
export class GuestWatch {
  private readonly runtime: Runtime;
  private readonly port: HypervisorPort;
  private readonly inventory: Inventory;
  private readonly data: TenantData;
  private alarms: { at: number; codes: Map<string, Set<GuestAlarm>> } | undefined;

  constructor(runtime: Runtime, port: HypervisorPort) {
    this.runtime = runtime;
    this.port = port;
    this.inventory = new Inventory(runtime.store, SYSTEM);
    this.data = new TenantData(runtime.store, SYSTEM);
  }

  async look(beats: Beats, now: number): Promise<void> {
    const codes = await this.activeAlarms(now);
    const signs = signsOf(beats);
    const known = new Map(signs.map((s) => [s.vmId, s]));
    const ids = [...signs.map((s) => s.vmId), ...[...codes.keys()].filter((id) => !known.has(id))];
    if (ids.length === 0) return;
    const cases = await this.casesOf(ids, beats, now);
    let begun = 0;
    for (const [i, id] of ids.entries()) {
      const finding = judgeGuest(cases[i] as GuestCase, now);
      if (finding.kind === 'recover' && ++begun > RECOVERIES_PER_LOOK) continue;
      await this.act(id, finding, codes, now);
    }
  }

  private async casesOf(ids: readonly string[], beats: Beats, now: number): Promise<GuestCase[]> {
    const vms = new Map((await this.data.vmsById(ids)).map((vm) => [vm.id, vm]));
    const running = [...vms.values()].filter((vm) => vm.state === 'running' && vm.claim === undefined);
    const clusterIds = [...new Set(running.map((vm) => vm.clusterId))];
    const clusters = await Promise.all(clusterIds.map((id) => this.inventory.cluster(id)));
    const hosts = await this.inventory.hosts(clusters, { consistent: true });
    const found = await this.foundAgain([...vms.values()], beats);
    return ids.map((id): GuestCase => {
      const vm = vms.get(id);
      const host = hosts.find((h) => h.id === vm?.hostId);
      const cluster = clusters.find((c) => c.id === vm?.clusterId);
      const beat = beats.get(vm?.siteId ?? '')?.get(vm?.hostId ?? '');
      const trouble = beat?.guests?.find((g) => g.vmId === id);
      const heard = cluster !== undefined && assess(beat, now, livenessOf(cluster.ha)) === 'alive';
      return { vm, host, cluster, heard, trouble, seenRunning: found.has(id) };
    });
  }

  private async act(id: string, finding: GuestFinding, codes: Map<string, Set<GuestAlarm>>, now: number) {
    if (finding.kind === 'leave') return;
    if (finding.kind === 'recover') return this.recover(finding, now);
    if (finding.kind === 'back' && !(await this.believeBack(finding.vm))) return;
    const stays =
      finding.kind === 'alarm' ? finding.code : finding.kind === 'failed' ? 'vm-recovery-failed' : undefined;
    const { store, ids } = this.runtime;
    const active = codes.get(id) ?? new Set();
    for (const code of active) if (code !== stays) await clearAlarm(store, ids, code, id, now);
    if (finding.kind === 'alarm' && !active.has(finding.code))
      await raiseAlarm(store, ids, { code: finding.code, object: id, severity: 'major', text: finding.text }, now);
    if (stays && (finding.kind === 'alarm' || active.has(stays))) codes.set(id, new Set([stays]));
    else codes.delete(id);
  }

  /** Those that were out of sight and run, as their hosts say now. */
  private async foundAgain(vms: readonly Vm[], beats: Beats): Promise<Set<string>> {
    const lost = vms.filter(isOutOfSight).filter((vm) => beats.get(vm.siteId)?.has(vm.hostId));
    const found = new Set<string>();
    for (const [siteId, some] of Map.groupBy(lost, (vm) => vm.siteId)) {
      try {
        const seen = await this.port.inspectVms(
          siteId,
          some.map((vm) => ({ vmId: vm.id, hostId: vm.hostId })),
        );
        for (const [i, vm] of some.entries())
          if (seen[i]?.state === 'running' && seen[i]?.epoch === vm.epoch) found.add(vm.id);
      } catch (error) {
        if (!(error instanceof PortTimeout)) throw error;
      }
    }
    return found;
  }

  private believeBack(vm: Vm): Promise<boolean> {
    const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
      set: { state: vmMachine.next(vm.state, 'agentBack') },
      add: { version: 1 },
      remove: ['reason'],
      condition: '#version = :version AND attribute_not_exists(#claim)',
      names: { '#version': 'version', '#claim': 'claim' },
      values: { ':version': vm.version },
      onFail: () => new Overtaken(),
    });
    emit(tx, {
      id: this.runtime.ids.make('event', tagOfTenant(vm.tenantId)),
      type: 'vm.running',
      at: this.runtime.clock.now(),
      tenantId: vm.tenantId,
      subject: vm.id,
      data: { epoch: vm.epoch },
    });
    return unlessOvertaken(this.runtime.store.commit(tx));
  }

  /** The VM, its incident and the operation that recovers it, in one transaction. */
  private async recover(
    { vm, hostName, trouble }: Extract<GuestFinding, { kind: 'recover' }>,
    now: number,
  ): Promise<void> {
    const { store, ids } = this.runtime;
    const incidentId = ids.make('incident');
    const tag = tagOfTenant(vm.tenantId);
    const operation = newOperation({
      id: ids.make('operation', tag),
      kind: 'recover-guest',
      tenantId: vm.tenantId,
      target: vm.id,
      input: { vms: [vm.id], incidentId, fault: trouble.state },
      createdAt: now,
    });
    const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
      set: {
        state: vmMachine.next(vm.state, 'guestFault'),
        claim: operation.id,
        operationId: operation.id,
        guestRestarts: withRestart(vm, now),
        guestFault: { incidentId, epoch: vm.epoch },
      },
      add: { version: 1 },
      // What an earlier recovery said of it is over: it would be taken for news of this one.
      remove: ['reason', 'recovery'],
      condition: '#version = :version AND attribute_not_exists(#claim)',
      values: { ':version': vm.version },
      onFail: () => new Overtaken(),
    });
    openGuestIncident(tx, { id: incidentId, vm, hostName, trouble, now });
    emit(tx, {
      id: ids.make('event', tag),
      type: 'vm.guest-failed',
      at: now,
      tenantId: vm.tenantId,
      subject: vm.id,
      data: { fault: trouble.state, epoch: vm.epoch },
    });
    accept(tx, operation);
    await unlessOvertaken(store.commit(tx));
  }

  /** Alarms of guests that are active, by VM. */
  private async activeAlarms(now: number): Promise<Map<string, Set<GuestAlarm>>> {
    if (this.alarms && now - this.alarms.at < REFRESH_MS) return this.alarms.codes;
    const codes = new Map<string, Set<GuestAlarm>>();
    for (const prefix of ALARM_KEYS) {
      const found = await this.runtime.store.queryAll<Alarm>('SYS#ALARM', 'control', { prefix });
      for (const { code, object, state } of found)
        if (state === 'active' && isGuestAlarm(code)) codes.set(object, (codes.get(object) ?? new Set()).add(code));
    }
    this.alarms = { at: now, codes };
    return codes;
  }
}

/** All that hosts report, the longest in trouble first. */
function signsOf(beats: Beats): Sign[] {
  const all = [...beats].flatMap(([siteId, hosts]) =>
    [...hosts.values()].flatMap(({ hostId, guests = [] }) => guests.map((g): Sign => ({ ...g, siteId, hostId }))),
  );
  return all.sort((a, b) => a.since - b.since || (a.vmId < b.vmId ? -1 : 1));
}
