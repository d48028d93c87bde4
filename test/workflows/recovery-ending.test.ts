import { describe, expect, it } from 'vitest';
import type { IncidentVm } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { alarmOf } from '../../workflows/ha-recovery/alarm.ts';
import { ending } from '../../workflows/ha-recovery/report.ts';
import { host } from '../placement/hosts.ts';

const end = (verdict: string, fields: Partial<Host> = {}, entries: IncidentVm[] = []) =>
  ending([host('h', { state: 'suspect', ...fields })], entries, verdict);
const vm = (outcome: IncidentVm['outcome']): IncidentVm => ({ id: 'vm_1', fromHost: 'h', outcome, reason: 'so' });

describe('a recovery whose host is heard again', () => {
  it('lets it serve, and says that it was a false alarm', () => {
    expect(end('alive')).toMatchObject({ incident: 'falseAlarm', serve: ['h'] });
  });

  it('leaves one suspect that flaps: it serves when it was steady', () => {
    expect(end('alive', { flaps: [1, 2, 3] })).toMatchObject({ incident: 'falseAlarm', serve: [] });
  });
});

it.each(['partitioned', 'unreachable', 'disarmed'])(
  'a recovery of a host that is %s restarts nothing and stays open',
  (verdict) => {
    expect(end(verdict)).toMatchObject({ incident: 'open', serve: [], waiting: 0 });
  },
);

it.each([
  ['recovered', 'closed', 0, undefined],
  ['stopped', 'closed', 0, undefined],
  ['handedOver', 'closed', 0, undefined],
  ['error', 'closed', 0, 'vm-recovery-failed'],
  ['waiting', 'open', 1, 'vm-waits'],
  ['recovering', 'open', 1, 'vm-waits'],
] as const)(
  'with a VM that is %s an incident ends %s, %d VMs wait, and the alarm is %s',
  (outcome, state, waiting, code) => {
    expect(end('dead', { state: 'fenced' }, [vm(outcome)])).toMatchObject({ incident: state, waiting });
    expect(alarmOf(vm(outcome))?.code).toBe(code);
  },
);
