import type { IncidentVm } from '../../shared/model/incident.ts';
import { nextEpoch } from '../../shared/model/vm.ts';
import type { Move } from './plan.ts';

/** What the incident says of a VM once its move is made. */
export function entryOf(move: Move, incidentId: string, now: number): IncidentVm {
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
