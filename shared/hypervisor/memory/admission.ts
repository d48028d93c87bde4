import type { HostHardware } from '../../model/inventory.ts';
import type { MemorySpec } from '../../model/vm.ts';
import { type Refusal, Refused } from '../refusal.ts';
import { type HugePagePool, takeHugePages } from './huge-pages.ts';
import { hugePagesOf } from './pages.ts';

/**
 * Why a host cannot give a VM its memory: no EPT or NPT (MEM-7), a size that is no whole number of huge pages (MEM-11),
 * or a pool that is short (MEM-12). Empty when it can. Whether ordinary memory suffices is asked elsewhere.
 */
export function memoryRefusals(
  memory: Pick<MemorySpec, 'sizeMiB' | 'mode' | 'pageSize'>,
  host: Pick<HostHardware, 'nestedPaging'> & { pool: HugePagePool; ordinaryFreeMiB: number },
): Refusal[] {
  const refusals: Refusal[] = [];
  if (memory.mode === 'hardware' && !host.nestedPaging)
    refusals.push({
      rule: 'MEM-7',
      reason: 'the CPU of the host has neither EPT nor NPT',
      fix: 'use the shadow page table, or a host with a capable CPU',
    });
  if (memory.pageSize === '2m' || memory.pageSize === '1g') {
    try {
      const taken = takeHugePages(host.pool, hugePagesOf(memory.sizeMiB, memory.pageSize), host.ordinaryFreeMiB);
      if (!taken.ok) refusals.push(taken.refusal);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refusals.push(error.refusal);
    }
  }
  return refusals;
}
