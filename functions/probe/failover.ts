import type { Runtime } from '../../shared/aws/runtime.ts';
import type { Alarm } from '../../shared/model/incident.ts';
import type { Cluster, Host } from '../../shared/model/inventory.ts';
import { type FailoverState, failoverState, isFragmented } from '../../shared/placement/failover-state.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { allFound, readFailover, slotsToNote } from '../../shared/store/failover.ts';
import { writeSlots } from '../../shared/store/slots.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { Overtaken, unlessOvertaken } from './overtaken.ts';

const CAPACITY_ALARM = 'failover-capacity';
const FRAGMENTED_ALARM = 'failover-fragmented';

/**
 * Looks whether clusters keep what they have promised for failures (HA-13), raises and clears the alarms of it, and
 * corrects what a cluster has noted of the sizes of its VMs. A cluster whose ledgers have not changed since is not read
 * again.
 */
export class FailoverWatch {
  private readonly runtime: Runtime;
  private readonly seen = new Map<string, string>();

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  async run(clusters: readonly Cluster[], hosts: readonly Host[], now: number): Promise<void> {
    const { store, ids } = this.runtime;
    const active = (await store.queryAll<Alarm>('SYS#ALARM', 'control', { prefix: 'failover-', consistent: true }))
      .filter((alarm) => alarm.state === 'active')
      .map((alarm) => alarm.id);
    for (const cluster of clusters) {
      const raised = [CAPACITY_ALARM, FRAGMENTED_ALARM].filter((code) => active.includes(`${code}#${cluster.id}`));
      if (cluster.ha.admission.kind === 'none') {
        for (const code of raised) await clearAlarm(store, ids, code, cluster.id, now);
        continue;
      }
      const picture = pictureOf(cluster, hosts);
      if (this.seen.get(cluster.id) === picture) continue;
      this.seen.delete(cluster.id);
      if (await this.look(cluster.id, raised, now)) this.seen.set(cluster.id, picture);
    }
  }

  /** Whether nothing is left to be looked at again. */
  private async look(clusterId: string, raised: readonly string[], now: number): Promise<boolean> {
    const { store, ids } = this.runtime;
    const records = await readFailover(store, clusterId);
    const slots = slotsToNote(records);
    if (slots) {
      const tx = new Transaction();
      writeSlots(tx, clusterId, records.cluster.slots, slots, () => new Overtaken());
      // Where somebody has noted a larger VM meanwhile it is looked at again.
      if (!(await unlessOvertaken(store.commit(tx)))) return false;
    }
    const cluster = slots ? { ...records.cluster, slots } : records.cluster;
    const state = failoverState(cluster, records.hosts, records.vms, { look: 0 });
    for (const { code, on, severity, text } of alarmsOf(cluster, state)) {
      if (on === raised.includes(code)) continue;
      if (on) await raiseAlarm(store, ids, { code, object: clusterId, severity, text }, now);
      else await clearAlarm(store, ids, code, clusterId, now);
    }
    return slots === undefined && allFound(records);
  }
}

/** All that the promise depends on, of what is read anyway. */
const pictureOf = (cluster: Cluster, hosts: readonly Host[]): string =>
  JSON.stringify([
    cluster.version,
    cluster.slots?.changes,
    hosts
      .filter((h) => h.clusterId === cluster.id)
      .map((h) => [h.id, h.state, h.draining, h.capacity, h.free, h.overcommitMiB, h.overcommitVcpus]),
  ]);

interface Judged extends Pick<Alarm, 'code' | 'severity' | 'text'> {
  on: boolean;
}

function alarmsOf({ name }: Cluster, state: FailoverState): Judged[] {
  const { example } = state.fragmentation;
  const why = example
    ? `: VM ${example.name} of ${example.needs.vcpus} vCPUs, ${example.needs.mhz} MHz and ${example.needs.memoryMiB} MiB finds no host when ${example.failedHosts.join(', ') || 'no further host'} fails, with ${example.freeInSum.vcpus} vCPUs, ${example.freeInSum.mhz} MHz and ${example.freeInSum.memoryMiB} MiB free in sum`
    : '';
  return [
    {
      code: CAPACITY_ALARM,
      severity: 'major',
      on: !state.kept,
      text: `Cluster ${name} does not keep what it has promised for failures: ${state.reasons.join('; ')}`,
    },
    {
      code: FRAGMENTED_ALARM,
      severity: 'minor',
      on: isFragmented(state),
      text: `Cluster ${name} keeps enough for ${state.promisedFailures} failures in sum, but only ${state.toleratedFailures} can be borne${why}`,
    },
  ];
}
