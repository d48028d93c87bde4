import type { AlarmText, IncidentVm } from '../../shared/model/incident.ts';

/** Codes of the alarms that a recovery raises for VMs. */
export const ALARM_CODES = ['vm-waits', 'vm-recovery-failed'];

/** It waits for a place, or for its start to be seen. */
export const unfinished = ({ outcome }: IncidentVm): boolean => outcome === 'waiting' || outcome === 'recovering';

/** The alarm that a VM calls for, if any. */
export function alarmOf(entry: IncidentVm): AlarmText | undefined {
  if (unfinished(entry))
    return {
      code: 'vm-waits',
      object: entry.id,
      severity: 'critical',
      text: `VM ${entry.id} waits to be recovered: ${entry.reason ?? 'its start was not seen to its end'}`,
    };
  if (entry.outcome === 'error')
    return {
      code: 'vm-recovery-failed',
      object: entry.id,
      severity: 'critical',
      text: `VM ${entry.id} was given up: ${entry.reason}`,
    };
  return undefined;
}
