import type { Observation } from '../../shared/hypervisor/port.ts';
import type { Host } from '../../shared/model/inventory.ts';

/**
 * How a VM that has switched over fares at its target. `there`: seen running (HA-21). `lost`: the host was fenced, or
 * restarted, since; its process is gone. `wait`: its guest stands still yet, or the host may yet answer, or be fenced, or
 * a recovery is looking at it now and might miss the VM, or it came to a host that has been fenced by its own agent. Pure.
 */
export function landed(
  target: Pick<Host, 'state' | 'claim'>,
  seen: Observation | undefined,
  epoch: number,
): 'there' | 'lost' | 'wait' {
  if (target.claim !== undefined) return 'wait';
  const asked = seen !== undefined && seen.state !== 'unreachable';
  const gone = !asked || seen.epoch !== epoch || seen.state === 'absent' || seen.state === 'dead';
  if (target.state === 'fenced') return gone ? 'lost' : 'wait';
  if (target.state !== 'online' || !asked) return 'wait';
  if (gone) return 'lost';
  return seen.state === 'starting' ? 'wait' : 'there';
}
