import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createVm } from '../../shared/contract/shapes.ts';
import { generateMix, LIFETIMES, lifetimeSeconds, MEAN_GAP_MS, MIX } from '../../shared/estate/mix.ts';
import { fragmentsFileOf, loadAt, readFragments, readWorkload, toVmRequest } from '../../shared/estate/workload.ts';

const tasksFile = join(process.cwd(), '../shared/data/opendc/bitbrains-small-tasks.parquet');
const here = existsSync(tasksFile);
const NO_DATA = 'the recorded workload does not lie beside the project';

describe('a recorded workload', () => {
  it('has the load of its current fragment, and none outside of its life', () => {
    const fragments = [
      { durationMs: 100, cpuMhz: 5 },
      { durationMs: 50, cpuMhz: 7 },
    ];
    expect([-1, 0, 99, 100, 149, 150].map((at) => loadAt(fragments, at))).toEqual([0, 5, 5, 7, 7, 0]);
    expect(loadAt([], 0)).toBe(0);
  });

  it('has its fragments beside its tasks', () => {
    expect(fragmentsFileOf('/d/x-tasks.parquet')).toBe('/d/x-fragments.parquet');
    expect(() => fragmentsFileOf('/d/x.parquet')).toThrow(RangeError);
  });

  it('names the file that cannot be read', async () => {
    await expect(readWorkload('/nowhere-tasks.parquet')).rejects.toThrow('/nowhere-tasks.parquet');
  });

  it('asks for no more and no less than a VM may have', () => {
    const task = { id: '1', name: 'vm-1', cpuCount: 96, cpuMhz: 1, memoryMiB: 102, submittedAt: 0, durationMs: 1 };
    const request = toVmRequest(task, { networkId: 'net_1', diskGiB: 40, os: 'windows', start: false });
    expect(createVm.parse(request)).toMatchObject({
      cpu: { vcpus: 64 },
      memory: { sizeMiB: 128 },
      guest: { os: 'windows' },
      disks: [{ sizeGiB: 40, boot: true }],
      nics: [{ networkId: 'net_1' }],
      start: false,
    });
    expect(toVmRequest({ ...task, cpuCount: 0, memoryMiB: 2e9 })).toMatchObject({
      cpu: { vcpus: 1 },
      memory: { sizeMiB: 1_024_000 },
    });
  });

  it('of 50 real VMs reads as requests that the contract takes', async ({ skip }) => {
    skip(!here, NO_DATA);
    const tasks = await readWorkload(tasksFile);
    expect(tasks).toHaveLength(50);
    expect(new Set(tasks.map((t) => t.id)).size).toBe(50);
    expect(tasks.find((t) => t.id === '141')).toMatchObject({
      cpuCount: 2,
      cpuMhz: 5_852,
      memoryMiB: 8_192,
      durationMs: 2_592_252_000,
    });
    expect(tasks.every((t) => t.memoryMiB > 64 && t.memoryMiB < 256 * 1_024)).toBe(true);
    for (const task of tasks) expect(createVm.parse(toVmRequest(task)).name).toBe(task.name);
  });

  it('of 50 real VMs has a load for each, that lasts as long as the VM', async ({ skip }) => {
    skip(!here, NO_DATA);
    const [tasks, fragments] = await Promise.all([readWorkload(tasksFile), readFragments(fragmentsFileOf(tasksFile))]);
    expect([...fragments.values()].reduce((n, list) => n + list.length, 0)).toBe(276_979);
    for (const task of tasks) {
      const list = fragments.get(task.id) ?? [];
      const life = list.reduce((sum, f) => sum + f.durationMs, 0);
      expect(Math.abs(life - task.durationMs) / task.durationMs).toBeLessThan(0.01);
    }
  });
});

describe('the generated mix', () => {
  const n = 20_000;
  const mix = generateMix(7, n);

  it('is the same for the same seed, and another for another', () => {
    expect(generateMix(7, 100)).toEqual(mix.slice(0, 100));
    expect(generateMix(8, 100)).not.toEqual(mix.slice(0, 100));
  });

  it('has the sizes of the region by their shares', () => {
    expect(MIX.reduce((sum, [, , permille]) => sum + permille, 0)).toBe(1_000);
    for (const [vcpus, gib, permille] of MIX) {
      const share = mix.filter((t) => t.cpuCount === vcpus && t.memoryMiB === gib * 1_024).length / n;
      expect(Math.abs(share - permille / 1_000)).toBeLessThan(4 * Math.sqrt(permille / 1_000 / n));
    }
  });

  it('has the lifetimes of the region', () => {
    for (const [share, seconds] of LIFETIMES) expect(lifetimeSeconds(share)).toBe(seconds);
    const sorted = mix.map((t) => t.durationMs / 1_000).sort((a, b) => a - b);
    expect((sorted[n / 2] as number) / 2_592).toBeCloseTo(1, 0);
    expect((sorted[n * 0.9] as number) / 20_501).toBeCloseTo(1, 0);
  });

  it('creates in order and at the rate of the region', () => {
    expect(mix.every((t, i) => i === 0 || t.submittedAt >= (mix[i - 1]?.submittedAt as number))).toBe(true);
    expect((mix.at(-1)?.submittedAt as number) / n / MEAN_GAP_MS).toBeCloseTo(1, 1);
  });

  it('asks for VMs that the contract takes', () => {
    for (const task of mix.slice(0, 500)) expect(createVm.parse(toVmRequest(task)).cpu.vcpus).toBe(task.cpuCount);
  });
});
