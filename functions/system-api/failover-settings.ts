import { DomainError, type Flaw, invalid } from '../../shared/kernel/errors.ts';
import { allocatedOf, type Cluster, type Host, type SlotNotes } from '../../shared/model/inventory.ts';
import { type FailoverState, failoverState } from '../../shared/placement/failover-state.ts';
import { recoveryStages } from '../../shared/placement/recovery.ts';
import { readFailover, slotsToNote } from '../../shared/store/failover.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { MAX_ACTIONS, type Transaction } from '../../shared/store/transaction.ts';

/** Failover hosts that one change can name beyond those that there are: each is held to be empty in its transaction. */
const MOST_NEW = MAX_ACTIONS - 5;

const named = (before: Cluster, after: Cluster): string[] =>
  after.ha.failoverHosts.filter((id) => !before.ha.failoverHosts.includes(id));

/**
 * What contradicts itself in the settings of failover (HA-13), or names a host that carries VMs.
 * @throws `invalid-request`, `in-use` with the hosts and how many VMs each carries
 */
export function mustMakeSense(before: Cluster, after: Cluster, hosts: readonly Host[]): void {
  const { failoverHosts, admission, recovery } = after.ha;
  const flaws: Flaw[] = [];
  for (const [i, id] of failoverHosts.entries()) {
    const at = `body.ha.failoverHosts.${i}`;
    if (!hosts.some((h) => h.id === id))
      flaws.push({ location: at, message: `${id} is no host of this cluster`, fix: 'name hosts of this cluster' });
    else if (failoverHosts.indexOf(id) !== i)
      flaws.push({ location: at, message: 'is named twice', fix: 'name it once' });
  }
  const normal = hosts.filter((h) => !failoverHosts.includes(h.id)).length;
  if (failoverHosts.length > 0 && normal === 0)
    flaws.push({
      location: 'body.ha.failoverHosts',
      message: 'no host is left for VMs',
      fix: 'leave out at least one',
    });
  if (named(before, after).length > MOST_NEW)
    flaws.push({
      location: 'body.ha.failoverHosts',
      message: `names ${named(before, after).length} new hosts`,
      fix: `add at most ${MOST_NEW} at once`,
    });
  const needed = 'name at least one host in ha.failoverHosts';
  if (admission.kind === 'dedicated' && failoverHosts.length === 0)
    flaws.push({
      location: 'body.ha.admission',
      message: "'dedicated' keeps failover hosts, and there are none",
      fix: needed,
    });
  if (recoveryStages(recovery).includes('reserved') && failoverHosts.length === 0)
    flaws.push({
      location: 'body.ha.recovery',
      message: `'${recovery}' starts VMs on failover hosts, and there are none`,
      fix: needed,
    });
  if (admission.kind === 'slots' && admission.toleratedFaults >= normal)
    flaws.push({
      location: 'body.ha.admission.toleratedFaults',
      message: `${admission.toleratedFaults} of ${normal} hosts in normal operation cannot fail without a loss (HA-13)`,
      fix: normal > 1 ? `choose 1 to ${normal - 1}` : 'add hosts first',
    });
  if (flaws.length > 0) throw invalid(flaws);
  const full = hosts.filter((h) => named(before, after).includes(h.id) && (allocatedOf(h).vms ?? 0) > 0);
  if (full.length > 0) throw notEmpty(full);
}

const notEmpty = (hosts: readonly Host[]): DomainError => {
  const carrying = hosts.map((h) => ({ hostId: h.id, name: h.name, vms: allocatedOf(h).vms ?? 0 }));
  return new DomainError(
    'in-use',
    `A failover host takes no VM in normal operation (HA-13), and VMs hold ${carrying.map((h) => `${h.name}: ${h.vms}`).join(', ')}.`,
    {
      figures: {
        rule: 'HA-13',
        hosts: carrying,
        help: ['Move or stop the VMs of these hosts first (POST /v1/system/hosts/{hostId}/maintenance-enter).'],
      },
    },
  );
};

/** Failover hosts that are new are empty when the change is made, not only when it is judged. */
export function holdEmpty(tx: Transaction, before: Cluster, after: Cluster): void {
  for (const id of named(before, after))
    tx.check(
      keys.host(after.id, id),
      '#free.#vms = #capacity.#vms',
      (found) =>
        found
          ? notEmpty([found as unknown as Host])
          : invalid([{ location: 'body.ha.failoverHosts', message: `${id} is gone` }]),
      undefined,
      'control',
      { '#free': 'free', '#capacity': 'capacity', '#vms': 'vms' },
    );
}

/** How the cluster would stand with these settings, and what it has to note of its VMs where slots are counted. */
export async function stateWith(
  store: Store,
  after: Cluster,
): Promise<{ state: FailoverState; slots: SlotNotes | undefined }> {
  const { hosts, vms } = await readFailover(store, after.id);
  const slots = slotsToNote({ cluster: after, hosts, vms });
  return { state: failoverState(slots ? { ...after, slots } : after, hosts, vms), slots };
}
