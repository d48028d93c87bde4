import type { HypervisorPort, PortAnswer, PortCall } from '../../shared/hypervisor/port.ts';
import type { Clock } from '../../shared/kernel/clock.ts';
import type { Log } from '../../shared/kernel/log.ts';
import type { Store } from '../../shared/store/store.ts';
import { simulatedSite } from '../../shared/world/agent.ts';
import type { Fault } from '../../shared/world/records.ts';
import { CopyChanged } from '../../shared/world/replication/copies.ts';
import { World } from '../../shared/world/world.ts';

const CALLS: readonly (keyof HypervisorPort)[] = [
  'commission',
  'heartbeats',
  'createVolumes',
  'deleteVolumes',
  'growVolumes',
  'readBlocks',
  'writeBlocks',
  'hashVolumes',
  'startVms',
  'stopVms',
  'inspectVms',
  'listProcesses',
  'fenceHosts',
  'powerOnHosts',
  'changeHardware',
  'configureHosts',
  'reconfigureVms',
  'shapeNetworks',
  'observeHost',
  'beginMigrations',
  'switchOver',
  'cancelMigrations',
  'beginVolumeMoves',
  'commitVolumeMoves',
  'cancelVolumeMoves',
  'configureGroups',
  'groupStatus',
  'cutPoints',
  'goAlone',
  'stayTogether',
  'suspendLegs',
  'demoteGroups',
  'promoteGroups',
  'renewLease',
  'cloneGroups',
  'divergentWrites',
  'discardDivergence',
  'dropGroups',
];

/** The far end of the port. Faults of the way itself (time-out, lost answer, duplicate) happen here. */
export function siteAgent(deps: { store: Store; clock: Clock; log: Log }) {
  const world = new World(deps.store);
  return async (call: PortCall): Promise<PortAnswer> => {
    if (!CALLS.includes(call.call))
      return { ok: false, error: 'failed', message: `unknown call '${String(call.call)}'` };
    try {
      // A call is one instant of the world: its faults are read once.
      const faults = await world.faults();
      const site = simulatedSite(world.under(faults), deps.clock);
      const broken = brokenWays(faults, call.siteId, deps.clock.now());
      if (broken.has('site-loss') || broken.has('call-timeout')) return timeout(call);
      const act = () =>
        (site[call.call] as (...args: unknown[]) => Promise<unknown>).call(site, call.siteId, ...call.args);
      const value = await act();
      if (broken.has('duplicate-call')) await act();
      if (broken.has('answer-lost')) return timeout(call);
      return { ok: true, value: value ?? null };
    } catch (error) {
      // Guests write faster than the order can look: it did nothing that repeating it would not mend.
      if (error instanceof CopyChanged) return timeout(call);
      deps.log.error('a port call failed', { call: call.call, siteId: call.siteId, error: String(error) });
      return { ok: false, error: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  };
}

const timeout = (call: PortCall): PortAnswer => ({
  ok: false,
  error: 'timeout',
  message: `no answer to '${call.call}' from ${call.siteId}`,
});

function brokenWays(faults: readonly Fault[], siteId: string, now: number): Set<string> {
  const active = faults.filter((f) => f.target === siteId && f.at <= now && (f.until === undefined || now < f.until));
  return new Set(active.map((f) => f.fault));
}
