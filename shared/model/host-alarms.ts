import { flaps } from './flapping.ts';
import type { Alarm, AlarmText } from './incident.ts';
import type { Condition, Host } from './inventory.ts';

const OF_CONDITION: Record<
  Exclude<Condition, 'alive'>,
  { code: string; severity: Alarm['severity']; text: (name: string) => string }
> = {
  restarted: {
    code: 'host-restarted',
    severity: 'major',
    text: (name) => `Host ${name} has restarted by itself; what it ran is gone`,
  },
  storageLost: {
    code: 'host-storage-lost',
    severity: 'critical',
    text: (name) => `Host ${name} has lost its storage; its VMs cannot read or write`,
  },
  agentLost: {
    code: 'host-agent-lost',
    severity: 'major',
    text: (name) => `The agent of host ${name} is lost, its kernel answers; its VMs run on`,
  },
  partitioned: {
    code: 'host-management-lost',
    severity: 'major',
    text: (name) => `Host ${name} lost its management network; its VMs run on`,
  },
  isolated: {
    code: 'host-isolated',
    severity: 'major',
    text: (name) => `Host ${name} is isolated: it says by its storage that it sees nobody on the management network`,
  },
  hung: {
    code: 'host-hung',
    severity: 'critical',
    text: (name) => `Host ${name} is silent on both channels and has power: it hangs`,
  },
  dead: {
    code: 'host-dead',
    severity: 'critical',
    text: (name) => `Host ${name} is silent on both channels and has no power, or just boots`,
  },
  lost: {
    code: 'host-lost',
    severity: 'critical',
    text: (name) => `Host ${name} is silent on both channels, and its power controller is out of reach`,
  },
};
const FLAPPING = 'host-flapping';

const GONE: readonly Condition[] = ['restarted', 'hung', 'dead', 'lost'];

/** The alarms that a host asks for as it is believed to be (MON-4). */
export function hostAlarms(host: Pick<Host, 'id' | 'name' | 'condition' | 'flaps'>): AlarmText[] {
  const { id: object, name, condition = 'alive' } = host;
  const alarms: AlarmText[] = [];
  if (condition !== 'alive') {
    const { code, severity, text } = OF_CONDITION[condition];
    alarms.push({ code, object, severity, text: text(name) });
  }
  // Of one that has failed it says nothing more.
  if (flaps(host) && !GONE.includes(condition))
    alarms.push({
      code: FLAPPING,
      object,
      severity: 'warning',
      text: `Host ${name} comes and goes; nothing is placed on it until it has been steady for 5 minutes`,
    });
  return alarms;
}
