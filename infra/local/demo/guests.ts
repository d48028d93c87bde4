import { createHash } from 'node:crypto';
import { BLOCK_BYTES } from '../../../shared/kernel/units.ts';
import type { Stage, VmNow } from './stage.ts';

/** Blocks that each guest writes at first, by their index on its disk. */
export const BLOCKS = [0, 7, 1_000_000];

/** What a guest writes: bytes that no other VM and no other block has. */
const bytesOf = (vm: VmNow, index: number): Buffer =>
  createHash('shake256', { outputLength: BLOCK_BYTES }).update(`${vm.id}/${index}`).digest();

const pathOf = (vm: VmNow, index: number): string => `/v1/sim/vms/${vm.id}/disks/root/blocks/${index}`;

/** Lets every guest write its blocks; answers how many bytes that were. */
export async function writeAll(stage: Stage, vms: readonly VmNow[], blocks: readonly number[]): Promise<number> {
  let bytes = 0;
  for (const vm of vms)
    for (const index of blocks) {
      const data = bytesOf(vm, index);
      await stage.client.must('PUT', pathOf(vm, index), stage.operator, { data: data.toString('base64') });
      bytes += data.length;
    }
  return bytes;
}

/** Lets every guest read its blocks, wherever it runs now; answers those that are not what was written. */
export async function readAll(stage: Stage, vms: readonly VmNow[], blocks: readonly number[]): Promise<string[]> {
  const different: string[] = [];
  for (const vm of vms)
    for (const index of blocks) {
      const { status, body } = await stage.client.call<{ data?: string; detail?: string }>('GET', pathOf(vm, index), {
        token: stage.operator,
      });
      const same = status === 200 && bytesOf(vm, index).equals(Buffer.from(body.data ?? '', 'base64'));
      if (!same) different.push(`${vm.name}, block ${index}: ${body.detail ?? 'other bytes'}`);
    }
  return different;
}
