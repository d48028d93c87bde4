import type { Observation } from '../../shared/hypervisor/port.ts';
import type { Host } from '../../shared/model/inventory.ts';

/**
 * How a VM that has switched over fares at its target. `there`: seen running (HA-21). `lost`: the host was fenced, or restarted, since; its process is
 * gone. `wait`: its guest
 * stands still yet, or the host may yet answer, or be fenced, or a recovery is looking at it now and might miss the VM. Pure.
 */
export function landed(
  target: Pick<Host, 'state' | 'claim'>,
  seen: Observation | undefined,
  epoch: number,
): 'there' | 'lost' | 'wait' {
  if (target.claim !== undefined) return 'wait';
  if (target.state === 'fenced') return 'lost';
  if (target.state !== 'online' || !seen || seen.state === 'unreachable') return 'wait';
  if (seen.epoch !== epoch || seen.state === 'absent' || seen.state === 'dead') return 'lost';
  return seen.state === 'starting' ? 'wait' : 'there';
}
