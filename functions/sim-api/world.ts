import { loadOf } from '../../shared/hypervisor/machine.ts';
import { planLiveMigration } from '../../shared/hypervisor/migration/live.ts';
import { progressAt } from '../../shared/hypervisor/migration/progress.ts';
import { iso, SECOND } from '../../shared/kernel/clock.ts';
import type { FaultKind } from '../../shared/model/fault.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { processState } from '../../shared/world/process.ts';
import type { WorldHost, WorldProcess, WorldVolume } from '../../shared/world/records.ts';
import { trueCopies } from '../../shared/world/replication/truth.ts';
import { hostTimeline, lastHeartbeat, powerAt, serves } from '../../shared/world/timeline.ts';
import type { World } from '../../shared/world/world.ts';
import type { Call } from '../http/call.ts';
import { linkView } from '../http/views.ts';
import { faultView } from './views.ts';

const when = (at: number | null) => (at === null ? null : iso(at));

export const worldHandlers = (world: World) => ({
  /** The truth, which the control plane never sees. */
  async getWorld(call: Call) {
    const now = call.now;
    const [hosts, processes, volumes, faults, links] = await Promise.all([
      world.hosts(),
      world.ofKind<WorldProcess>('process'),
      world.ofKind<WorldVolume>('volume'),
      world.faults(),
      new Inventory(call.deps.store, SYSTEM).links(),
    ]);
    const lines = new Map(hosts.map((h) => [h.id, hostTimeline(h, faults)]));
    const hit = (target: string, fault: FaultKind) =>
      faults.some(
        (f) => f.fault === fault && f.target === target && f.at <= now && (f.until === undefined || now < f.until),
      );
    const alive = (p: WorldProcess) => {
      const line = lines.get(p.hostId);
      return line !== undefined && processState(p, line, faults, now) !== 'dead';
    };
    const body = {
      now: iso(now),
      hosts: hosts.map((h) => {
        const line = lines.get(h.id) as ReturnType<typeof hostTimeline>;
        return {
          id: h.id,
          siteId: h.siteId,
          power: powerAt(line, now),
          serves: serves(line, now),
          heartbeatAt: when(lastHeartbeat(line, 'management', h, now)),
          storageHeartbeatAt: when(lastHeartbeat(line, 'storage', h, now)),
        };
      }),
      processes: processes.flatMap((p) => {
        const line = lines.get(p.hostId);
        const state = line ? processState(p, line, faults, now) : 'dead';
        return state === 'dead'
          ? []
          : [
              {
                vmId: p.vmId,
                hostId: p.hostId,
                epoch: p.epoch,
                state,
                startedAt: iso(p.startedAt),
                readyAt: iso(p.readyAt),
                ...(p.functions ? { functions: p.functions.map((f) => `${f.cardId}/${f.index}`) } : {}),
              },
            ];
      }),
      migrations: processes.filter(alive).flatMap((p) => migrationView(p, hosts, now)),
      volumes: volumes.map((v) => ({
        id: v.id,
        vmId: v.vmId,
        name: v.name,
        siteId: v.siteId,
        leaseEpoch: v.leaseEpoch,
        sequence: v.sequence,
        refusedWrites: v.refused,
      })),
      copies: await trueCopies(world, faults, now),
      links: links.map((l) => ({ ...linkView(l), up: !hit(l.id, 'link-cut'), degraded: hit(l.id, 'link-degraded') })),
      faults: faults.map((f) => faultView(f, now)),
    };
    return { status: 200, body };
  },
});

/** How far the copy of a VM's memory is; nothing when it is not being moved. */
function migrationView(process: WorldProcess, hosts: readonly WorldHost[], now: number): Record<string, unknown>[] {
  const { migration, machine, workload, vmId, hostId } = process;
  const [from, to] = [hosts.find((h) => h.id === hostId), hosts.find((h) => h.id === migration?.to)];
  if (!migration || !machine || !from || !to) return [];
  const plan = planLiveMigration(machine, loadOf(machine, workload), from, to, migration.options);
  const { round, phase, percent, sentMiB } = progressAt(plan, (now - migration.startedAt) / SECOND);
  const figures = { round, phase, percent: Math.round(percent), sentMiB: Math.round(sentMiB) };
  return [{ vmId, from: hostId, to: migration.to, epoch: migration.epoch, ...figures }];
}
