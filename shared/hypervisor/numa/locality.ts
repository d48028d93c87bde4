import { REMOTE_ACCESS_FACTOR } from '../parameters.ts';
import { Refused } from '../refusal.ts';

/**
 * Probability that an access of a VM stays in the node of the vCPU that makes it, 0 to 1 (NUMA-1), when each vCPU
 * accesses all of the memory evenly: the sum over nodes of vCPU share x memory share. Both lists are by node; neither
 * may be all zero.
 */
export function localShareOf(vcpusOn: readonly number[], memoryOn: readonly number[]): number {
  let [vcpus, memory, products] = [0, 0, 0];
  for (let node = 0; node < vcpusOn.length; node++) {
    const [v, m] = [vcpusOn[node] ?? 0, memoryOn[node] ?? 0];
    vcpus += v;
    memory += m;
    products += v * m;
  }
  return products / (vcpus * memory);
}

/**
 * Mean time of a memory access as a multiple of a local one (NUMA-1): 1 when all are local.
 * @throws `Refused` NUMA-1 for a share that is not within 0 and 1.
 */
export function accessSlowdown(localShare: number): number {
  if (!(localShare >= 0 && localShare <= 1))
    throw new Refused({
      rule: 'NUMA-1',
      reason: `${localShare} is no share of accesses`,
      fix: 'give a share from 0 to 1',
      figures: { localShare },
    });
  return localShare + (1 - localShare) * REMOTE_ACCESS_FACTOR;
}
