import type { IncidentVm } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { nextEpoch } from '../../shared/model/vm.ts';
import { raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { HostFull } from '../../shared/store/ledger.ts';
import type { Store } from '../../shared/store/store.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { MAX_ACTIONS } from '../../shared/store/transaction.ts';
import { type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { Moved } from '../vm/records.ts';
import { alarmOf } from './alarm.ts';
import { arrivalsOf } from './arrivals.ts';
import { hostsOf, loadCase, withLine, writeIncident } from './case.ts';
import { entriesOf, fileEntries, partOf, readParts, refsOf, writeParts } from './parts.ts';
import { type Case, type Move, planMoves } from './plan.ts';
import { type Filing, itemsOf, wave } from './wave.ts';

/** Rounds of planning in one execution at most, before what is left waits for the next pass. */
const MOST_ROUNDS = 10;
/** Transactions that are under way at the same time. */
const AT_ONCE = 8;

/**
 * Gives every VM of the fenced hosts a new epoch and a new place, or lets it wait or rest, with a reason (HA-9, HA-14).
 * What is decided is written into the incident first: a VM that a wave has taken off its host is no longer found there,
 * so whoever takes this step up after a crash must find it in the incident.
 */
export async function plan(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const incident = await loadCase(state, deps);
  const round = Number(state.round ?? 0) + 1;
  const now = deps.clock.now();
  const parts = await readParts(incident, deps.store);
  const inventory = new Inventory(deps.store, SYSTEM);
  const [cluster, hosts] = await Promise.all([
    inventory.cluster(incident.clusterId),
    inventory.hostsOf(incident.clusterId, { consistent: true }),
  ]);
  // Every try that the cluster allows, one after the other, and the decision to give up; only where starts fail.
  if (round > Math.min(MOST_ROUNDS, 1 + (1 + cluster.ha.localRestarts) * (1 + cluster.ha.relocations)))
    return { round, open: 0 };
  const failed = await hostsOf(incident, deps);
  const marks = failed.flatMap((h) => (h.callsRecovery ? [`${h.id} ${h.callsRecovery}`] : []));
  const entries = entriesOf(parts);
  const { cases, gone } = await survey(incident.id, { failed, hosts }, entries, deps.store);
  const arrivals = await arrivalsOf(
    cases.map((c) => c.vm),
    hosts,
    deps,
  );
  const moves = planMoves(cases, { cluster, hosts, arrivals });
  const said = await Promise.all(
    moves.map(async (m) => ({ ...(await alarmed(entryOf(m, incident.id, now), deps)), tenantId: m.vm.tenantId })),
  );
  const filed = fileEntries(incident.id, parts, [...said, ...gone]);
  const planned = withLine(incident, now, 'planned', summary(moves), { parts: refsOf(filed) });
  await writeIncident(deps.store, incident, planned);
  await writeParts(parts, filed, deps.store);
  await writeMoves(moves, { incidentId: incident.id, partOf: partOf(filed) }, deps);
  return { round, marks, open: entriesOf(filed).filter((v) => v.outcome === 'recovering').length };
}

/** That a VM has no place is told as soon as it is known, not when the others have booted. */
async function alarmed(entry: IncidentVm, { store, ids, clock }: StepDeps): Promise<IncidentVm> {
  const alarm = entry.outcome === 'waiting' ? alarmOf(entry) : undefined;
  if (!alarm || alarm.code === entry.alarm) return entry;
  await raiseAlarm(store, ids, alarm, clock.now());
  return { ...entry, alarm: alarm.code };
}

function summary(moves: readonly Move[]): string {
  const count = (...kinds: Move['kind'][]) => moves.filter((m) => kinds.includes(m.kind)).length;
  const given = count('error') > 0 ? `, ${count('error')} given up` : '';
  return `${count('start')} to start, ${count('wait')} wait for capacity, ${count('rest', 'release')} not to be started${given}`;
}

/** What the incident says of a VM once its move is made. */
function entryOf(move: Move, incidentId: string, now: number): IncidentVm {
  const { vm, entry } = move;
  const { toHost, starts = 0, failed, ...known } = entry ?? {};
  const {
    epoch: _,
    refused: __,
    readyAt: ___,
    startedAt: ____,
    reason: _____,
    was: ______,
    ...past
  } = known as Partial<IncidentVm>;
  const inherited = vm.state === 'faultResuming' && vm.recovery && vm.recovery.incidentId !== incidentId;
  const base = {
    ...past,
    ...(inherited ? { inherited: true as const } : {}),
    ...(entry && isLostWithout(entry, move) ? { was: withoutWas(entry) } : {}),
    id: vm.id,
    name: vm.name,
    priority: vm.ha.restartPriority,
    ...(vm.ha.failBack ? { failBack: true as const } : {}),
    fromHost: entry?.fromHost ?? vm.runsOn ?? vm.hostId ?? '',
    plannedAt: now,
  };
  const tried = failed && toHost ? { tried: [...(entry?.tried ?? []), toHost] } : {};
  switch (move.kind) {
    case 'start': {
      const again = failed && toHost === move.seat.hostId;
      return {
        ...base,
        ...(again ? {} : tried),
        outcome: 'recovering',
        toHost: move.seat.hostId,
        epoch: nextEpoch(vm),
        starts: again ? starts + 1 : 1,
      };
    }
    case 'wait':
      return { ...base, ...tried, outcome: 'waiting', waitsSince: entry?.waitsSince ?? now, reason: move.reason };
    case 'arrived': {
      const at = vm.migration?.seat.hostId;
      return { ...base, outcome: 'recovered', ...(at ? { toHost: at } : {}), reason: 'it had moved away in time' };
    }
    case 'rest':
      return { ...base, outcome: 'stopped', reason: move.reason };
    case 'error':
      return { ...base, ...tried, outcome: 'error', reason: move.reason };
    case 'release':
      return { ...base, outcome: 'stopped', reason: 'an operation stops, deletes or converts it' };
  }
}

/** Whether nobody would find the VM any more if the entry were written and the move never made. */
const isLostWithout = (entry: IncidentVm, { kind }: Move): boolean =>
  entry.failed === true || (entry.outcome === 'waiting' && kind !== 'start' && kind !== 'wait');

const withoutWas = ({ was: _, ...entry }: IncidentVm): Omit<IncidentVm, 'was'> => entry;

/** What holds of a VM: the entry, or the one before while what was decided since has not been done. */
function holding(entry: IncidentVm, vm: Vm | undefined, incidentId: string): IncidentVm {
  const { was } = entry;
  if (!was || vm?.state !== 'faultResuming' || vm.recovery?.incidentId !== incidentId) return entry;
  const stands = was.failed ? vm.hostId === was.toHost && vm.epoch === was.epoch : vm.hostId === null;
  // An alarm that was raised meanwhile stands until it is cleared.
  return stands ? { ...was, ...(entry.alarm ? { alarm: entry.alarm } : {}) } : entry;
}

/**
 * The VMs to decide about: those on the fenced hosts, by the index, which may lag, and those that the incident has not
 * brought to an end. And what is to be said of those that something else has taken over since.
 */
async function survey(
  incidentId: string,
  { failed, hosts }: { failed: readonly Host[]; hosts: readonly Host[] },
  entries: readonly IncidentVm[],
  store: Store,
): Promise<{ cases: Case[]; gone: IncidentVm[] }> {
  const data = new TenantData(store, SYSTEM);
  const fenced = new Set(hosts.filter((h) => h.state === 'fenced').map((h) => h.id));
  const open = new Map(entries.filter(isOpen).map((entry) => [entry.id, entry]));
  const indexed = (
    await Promise.all(
      failed.map(async (host) => {
        const there = await data.vmsOnHost(host.id);
        // On a host that serves again only those that were left to the recovery: the others run there since.
        return host.state === 'fenced' ? there : there.filter((vm) => vm.hostId === null);
      }),
    )
  ).flat();
  const asked = entries.filter((entry) => isOpen(entry) || entry.was);
  const known = new Map((await data.vmsById(asked.map((entry) => entry.id))).map((vm) => [vm.id, vm]));
  const cases = indexed.map((vm): Case => ({ vm, ...entryFor(open.get(vm.id)) }));
  const seen = new Set(indexed.map((vm) => vm.id));
  const gone: IncidentVm[] = [];
  for (const written of asked) {
    if (seen.has(written.id)) continue;
    const vm = known.get(written.id);
    const entry = holding(written, vm, incidentId);
    if (!isOpen(entry)) continue;
    const why = whyNotOurs(vm, entry, incidentId);
    if (vm && why === undefined) {
      // One that was given a place is started and looked for there; nothing is to be decided, unless that has failed, or
      // its new host was fenced since: the recovery of that one may have missed it, where the index lagged.
      if (vm.hostId === null || entry.failed || fenced.has(vm.hostId)) cases.push({ vm, entry });
    } else gone.push({ ...entry, ...why } as IncidentVm);
  }
  return { cases, gone };
}

const entryFor = (entry: IncidentVm | undefined) => (entry ? { entry } : {});
const isOpen = ({ outcome }: IncidentVm): boolean => outcome === 'recovering' || outcome === 'waiting';

/** What became of a VM that is no longer this incident's business, or undefined while it is. */
export function whyNotOurs(
  vm: Vm | undefined,
  entry: IncidentVm,
  incidentId: string,
): Pick<IncidentVm, 'outcome' | 'reason' | 'takenBy'> | undefined {
  if (!vm) return { outcome: 'handedOver', reason: 'it was deleted' };
  if (vm.state === 'stopped') return { outcome: 'stopped', reason: 'it was stopped meanwhile' };
  if (vm.state !== 'faultResuming') return { outcome: 'handedOver', reason: `taken over: it is ${vm.state} now` };
  if (vm.recovery && vm.recovery.incidentId !== incidentId)
    return {
      outcome: 'handedOver',
      reason: `its new host failed too: incident ${vm.recovery.incidentId} has it`,
      takenBy: vm.recovery.incidentId,
    };
  const moved = vm.hostId !== null && (vm.hostId !== entry.toHost || vm.epoch !== entry.epoch);
  return moved ? { outcome: 'handedOver', reason: `taken over: it is on ${vm.hostId} now` } : undefined;
}

/**
 * As many moves as fit into one transaction: an action for each VM, its event, and each host. Those of one host go
 * together, so that ledgers are written once for several VMs; all of them are written before the first one is started,
 * so that their order says nothing.
 */
export function inWaves(moves: readonly Move[]): Move[][] {
  const waves: Move[][] = [];
  let items = new Set<string>();
  const source = (m: Move) => m.vm.runsOn ?? '';
  const sorted = [...moves].sort((a, b) => (source(a) < source(b) ? -1 : source(a) > source(b) ? 1 : 0));
  for (const move of sorted) {
    const grown = new Set([...items, ...itemsOf(move)]);
    if (waves.length === 0 || grown.size > MAX_ACTIONS) waves.push([]);
    items = waves.at(-1)?.length ? grown : new Set(itemsOf(move));
    waves.at(-1)?.push(move);
  }
  return waves;
}

/** Writes moves in waves. When the ground of a wave has shifted, what is left is planned anew from what stands there now. */
async function writeMoves(moves: readonly Move[], filing: Filing, deps: StepDeps): Promise<void> {
  const waves = inWaves(moves);
  for (let i = 0; i < waves.length; i += AT_ONCE) {
    const ends = await Promise.allSettled(
      waves.slice(i, i + AT_ONCE).map((some) => deps.store.commit(wave(some, filing, deps))),
    );
    const failed = ends.find((end) => end.status === 'rejected');
    if (!failed) continue;
    if (failed.reason instanceof HostFull || failed.reason instanceof Moved) throw new TryAgain(failed.reason.message);
    throw failed.reason;
  }
}
