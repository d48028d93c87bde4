import { describe, expect, it } from 'vitest';
import { planStorageCopy } from '../../../shared/hypervisor/migration/storage.ts';

const disk = (name: string, sizeGiB = 10, usedGiB = sizeGiB) => ({ name, sizeGiB, usedGiB });
const disks = (count: number) => Array.from({ length: count }, (_, i) => disk(`d${i}`));
const settings = { writeMiBps: 10, bandwidthMiBps: 100, maxRounds: 20, allowedPauseMs: 300 };

describe('storage migration (STO-5)', () => {
  it('follows algorithm 4: 20 GiB used at 10 of 100 MiB/s take rounds of 204.8, 20.48 and 2.048 s and a pause of 204.8 ms', () => {
    const plan = planStorageCopy({ ...settings, disks: [disk('a', 40, 15), disk('b', 10, 5)] });
    expect(plan.outcome).toBe('completed');
    expect(plan.rounds.map((r) => Number(r.seconds.toFixed(6)))).toEqual([204.8, 20.48, 2.048]);
    expect(plan.downtimeMs).toBeCloseTo(204.8, 9);
    expect(plan.sentMiB).toBeCloseTo(20_480 * 1.111, 6);
  });

  it('can have to send blocks that were unused at first, but never more than the disks in a round', () => {
    const plan = planStorageCopy({ ...settings, disks: [disk('a', 1, 0.5)], writeMiBps: 5000, maxRounds: 4 });
    expect(plan.outcome).toBe('not-converged');
    expect(plan.rounds.map((r) => r.sentMiB)).toEqual([512, 1024, 1024, 1024]);
    expect(plan.advice?.allowedPauseMs).toBe(5120);
  });

  it('takes 11 disks at 20 MiB/s, the limits', () => {
    expect(planStorageCopy({ ...settings, disks: disks(11), bandwidthMiBps: 20 }).outcome).toBe('completed');
  });

  it.each([
    ['12 disks', { disks: disks(12) }],
    ['no disk', { disks: [] }],
    ['a disk named twice', { disks: [disk('a'), disk('a')] }],
    ['a disk with more used than its size', { disks: [disk('a', 10, 11)] }],
    ['less than 20 MiB/s', { disks: disks(1), bandwidthMiBps: 19.9 }],
    ['negative writes', { disks: disks(1), writeMiBps: -1 }],
  ])('refuses %s', (_what, bad) => {
    expect(() => planStorageCopy({ ...settings, ...bad })).toThrow(/STO-5/);
  });
});
