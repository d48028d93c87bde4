import { busy, DomainError } from '../../shared/kernel/errors.ts';
import type { Incident, IncidentVm, RecoveryPart } from '../../shared/model/incident.ts';
import { type Vm, vmMachine } from '../../shared/model/vm.ts';
import { decideAnew, Raced } from '../../shared/store/anew.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { keys } from '../../shared/store/keys.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { type Call, resource } from '../http/call.ts';
import { systemVmView } from '../http/views.ts';

/** Where it stands in which incident that a VM is to be recovered. */
interface Place {
  incident: Incident;
  part: RecoveryPart;
  /** It is new: nothing of it is stored yet. */
  fresh?: true;
}

export const recoverHandlers = {
  /**
   * An operator lets a VM be recovered once more that was given up (S3: error, reset). It waits for the next pass of its
   * incident as if it had found no room; hosts that were tried, and starts that failed, are forgotten (HA-17). One that no
   * incident of hosts gave up, as after a crash of its guest, gets an incident of its own.
   */
  recoverVm: (call: Call) =>
    decideAnew(async () => {
      const { store } = call.deps;
      const vm = await new TenantData(store, SYSTEM).get('vm', call.param('vmId'));
      call.checkVersion(vm);
      mustBeGivenUp(vm);
      const { incident, part, fresh } = (await placeOf(vm, call)) ?? newPlace(vm, call);
      const reason = 'its recovery was asked for once more, and begins with the next look at its host';
      const entry = waitsAnew(vm, part.vms[vm.id], reason);
      const vms = { ...part.vms, [vm.id]: entry };
      const is: Incident = {
        ...incident,
        state: 'open',
        due: true,
        waiting: incident.waiting + 1,
        timeline: [
          ...incident.timeline,
          { at: call.now, what: 'recovery asked for', detail: `of ${vm.name} (${vm.id}), by ${call.caller.actor}` },
        ],
      };
      const tx = new Transaction();
      if (fresh)
        tx.put(keys.incident(incident.id), is).put(partKey(part), { ...part, vms } satisfies RecoveryPart as never);
      else {
        const { due, state, waiting, timeline } = is;
        tx.update(keys.incident(incident.id), {
          set: { due, state, waiting, timeline },
          remove: ['closedAt'],
          ...asRead(incident),
        }).update(partKey(part), { set: { vms }, ...asRead(part) });
      }
      const recovery = { incidentId: incident.id, part: part.n };
      const after: Vm = {
        ...vm,
        state: vmMachine.next(vm.state, 'recover'),
        reason,
        recovery,
        version: vm.version + 1,
      };
      tx.put(keys.openIncident(incident.id), { openedAt: incident.openedAt }).update(keys.vm(vm.tenantId, vm.id), {
        set: { state: after.state, reason, recovery },
        ...asRead(vm, ' AND attribute_not_exists(#claim)', { '#claim': 'claim' }),
      });
      return call.commit(tx, resource(200, systemVmView(after)), {
        event: {
          type: 'vm.recovery-asked',
          subject: vm.id,
          tenantId: vm.tenantId,
          data: { incidentId: incident.id },
        },
      });
    }),
};

/** @throws `illegal-transition` with what stands in the way: only what lies there without a process is begun anew. */
function mustBeGivenUp(vm: Vm): void {
  const refuse = (words: string, more: object = {}) =>
    new DomainError('illegal-transition', `VM ${vm.name} is ${vm.state}${words}`, {
      figures: { state: vm.state, event: 'recover', allowedFrom: vmMachine.statesFor('recover'), ...more },
    });
  if (!vmMachine.can(vm.state, 'recover'))
    throw refuse('; only a VM whose recovery was given up (unknown) is recovered by hand.');
  if (vm.claim !== undefined) throw refuse(`; operation ${vm.claim} works on it.`, { operationId: vm.claim });
  if (vm.hostId !== null || vm.runsOn !== undefined)
    throw refuse(`, and host ${vm.runsOn ?? vm.hostId} may run it: nothing starts elsewhere before that is sure.`);
  if (vm.desired === 'stopped') throw refuse('; it is wanted stopped, so nothing is recovered.');
  if (!vm.ha.enabled) throw refuse('; HA is off for it, so its owner stops it and starts it.');
}

/** The incident that gave it up, where that stands in one. */
async function placeOf(vm: Vm, { deps }: Call): Promise<Place | undefined> {
  if (!vm.recovery) return undefined;
  const { incidentId, part: n } = vm.recovery;
  const [incident, part] = await Promise.all([
    deps.store.get<Incident>(keys.incident(incidentId)),
    deps.store.get<RecoveryPart>(keys.recoveryPart(vm.tenantId, incidentId, n)),
  ]);
  return incident && part?.vms[vm.id]?.outcome === 'error' ? { incident, part } : undefined;
}

function newPlace(vm: Vm, call: Call): Place {
  const id = call.deps.ids.make('incident');
  const incident: Incident = {
    id,
    siteId: vm.siteId,
    clusterId: vm.clusterId,
    hosts: [],
    hostIds: [],
    state: 'open',
    openedAt: call.now,
    waiting: 0,
    timeline: [],
    parts: [{ tenantId: vm.tenantId, n: 0 }],
    version: 1,
  };
  return { incident, part: { incidentId: id, tenantId: vm.tenantId, n: 0, vms: {}, version: 1 }, fresh: true };
}

/** `inherited`: whatever alarm says that it was given up is this recovery's to clear. */
const waitsAnew = (vm: Vm, was: IncidentVm | undefined, reason: string): IncidentVm => ({
  id: vm.id,
  name: vm.name,
  priority: vm.ha.restartPriority,
  outcome: 'waiting',
  fromHost: was?.fromHost ?? '',
  ...(was?.alarm ? { alarm: was.alarm } : {}),
  inherited: true,
  reason,
});

const partKey = ({ tenantId, incidentId, n }: RecoveryPart) => keys.recoveryPart(tenantId, incidentId, n);

/** Nobody has changed it since. */
const asRead = (
  { version }: { version: number },
  more = '',
  names: Record<string, string> = {},
): Pick<UpdateSpec, 'add' | 'condition' | 'names' | 'values' | 'onFail'> => ({
  add: { version: 1 },
  condition: `#version = :version${more}`,
  names: { '#version': 'version', ...names },
  values: { ':version': version },
  onFail: () => new Raced(busy('The VM and its incident change faster than this request can; try again.')),
});
