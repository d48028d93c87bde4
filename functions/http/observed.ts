import type { HostObservation } from '../../shared/hypervisor/performance/observation.ts';
import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import { iso } from '../../shared/kernel/clock.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import type { Vm } from '../../shared/model/vm.ts';

/** What the VMs of a host get now, as its agent says. @throws `site-unreachable` while it cannot be asked. */
export async function observed(
  port: HypervisorPort,
  host: { siteId: string; hostId: string },
  vmIds?: string[],
): Promise<HostObservation> {
  const words = 'The host cannot be asked now; nothing is known of what its VMs get.';
  try {
    const observation = await port.observeHost(host.siteId, host.hostId, vmIds);
    if (observation) return observation;
    throw new DomainError('site-unreachable', words, { figures: { retryAfterSeconds: 5 } });
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
    throw new DomainError('site-unreachable', words, { cause: error, figures: { retryAfterSeconds: 5 } });
  }
}

/** What one VM gets, and why. @throws `not-running`, `site-unreachable` */
export async function performanceOf(vm: Vm, port: HypervisorPort, now: number) {
  const idle = () => new DomainError('not-running', `VM ${vm.name} is ${vm.state}; only a VM that runs gets anything.`);
  if (!vm.hostId) throw idle();
  const { vms } = await observed(port, { siteId: vm.siteId, hostId: vm.hostId }, [vm.id]);
  const [found] = vms;
  if (!found) throw idle();
  return { at: iso(now), ...rounded(found) };
}

/** Digits behind the point that anybody reads. */
const DIGITS = 3;

/** The same with every figure rounded: what a double holds beyond it is noise. */
export function rounded<T>(value: T): T {
  if (typeof value === 'number') return Number(value.toFixed(DIGITS)) as T;
  if (Array.isArray(value)) return value.map(rounded) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)])) as T;
}
