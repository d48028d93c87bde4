import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPinned } from '../../../shared/hypervisor/overcommit/holding.ts';
import { settleMemory } from '../../../shared/hypervisor/overcommit/settle.ts';
import { anySetting, depthOf, withContent } from './hosts.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const TOLERANCE = 1e-6;
const settled = (check: (setting: { host: Host; vms: Vms; s: Settled }) => void) =>
  fc.assert(
    fc.property(anySetting, ({ host, vms }) => check({ host, vms, s: settleMemory(host, vms) })),
    { numRuns },
  );
type Host = Parameters<typeof settleMemory>[0];
type Vms = Parameters<typeof settleMemory>[1];
type Settled = ReturnType<typeof settleMemory>;

describe('after every settlement', () => {
  it('physical memory = management + huge pages + resident + overhead + free (OVC-7)', () => {
    settled(({ host, s }) => {
      const resident = s.vms.reduce((sum, v) => sum + v.residentMiB, 0);
      expect(resident).toBeCloseTo(s.residentMiB, 6);
      const total = host.managementMiB + host.hugePoolMiB + resident + s.overheadMiB + s.freeMiB;
      expect(Math.abs(total - host.physicalMiB)).toBeLessThan(TOLERANCE);
    });
  });

  it('G4 (source document; OVC-1): memory allocated to VMs is within physical memory, and nothing is negative', () => {
    settled(({ host, s }) => {
      expect(s.residentMiB + s.overheadMiB).toBeLessThanOrEqual(
        host.physicalMiB - host.managementMiB - host.hugePoolMiB + TOLERANCE,
      );
      const { state: _state, vms, steps: _steps, newAllocationsBlocked: _blocked, ...figures } = s;
      for (const mib of Object.values(figures)) expect(mib).toBeGreaterThanOrEqual(-TOLERANCE);
      for (const { id: _id, why: _why, ...of } of vms)
        for (const mib of Object.values(of)) expect(mib).toBeGreaterThanOrEqual(-TOLERANCE);
    });
  });

  it('each touched page is resident, saved, ballooned, swapped or waited for (no data loss, OVC-2)', () => {
    settled(({ host, vms, s }) => {
      for (const [i, v] of s.vms.entries()) {
        const of = vms[i] as Vms[number];
        const all = v.residentMiB + v.hugePagesMiB + v.savedMiB + v.balloonedMiB + v.swappedMiB + v.blockedMiB;
        expect(all).toBeCloseTo(isPinned(of) ? of.sizeMiB : of.touchedMiB, 6);
        expect(v.targetMiB).toBeLessThanOrEqual(of.sizeMiB);
        expect(v.savedMiB).toBeLessThanOrEqual(v.sharedMiB + TOLERANCE);
        // A shared page gives no whole frame back, so none is ballooned or swapped.
        if (v.balloonedMiB + v.swappedMiB > 0)
          expect(v.touchedMiB - v.balloonedMiB - v.swappedMiB).toBeGreaterThanOrEqual(v.sharedMiB - TOLERANCE);
      }
      expect(s.swappedMiB).toBeLessThanOrEqual(host.overcommit.swapMiB + TOLERANCE);
    });
  });

  it('no VM has less than min(reservation, touched), and balloons leave what is active (OVC-1, QOS-4)', () => {
    settled(({ vms, s }) => {
      for (const [i, v] of s.vms.entries()) {
        const of = vms[i] as Vms[number];
        const backed = v.residentMiB + v.savedMiB + v.hugePagesMiB;
        expect(backed).toBeGreaterThanOrEqual(Math.min(of.reservationMiB, of.touchedMiB) - TOLERANCE);
        if (!of.paused) expect(v.touchedMiB - v.balloonedMiB).toBeGreaterThanOrEqual(of.activeMiB - TOLERANCE);
        else expect(v.balloonedMiB).toBe(0);
      }
    });
  });

  it('pinned VMs are untouched (MEM-12)', () => {
    settled(({ vms, s }) => {
      for (const [i, v] of s.vms.entries())
        if (isPinned(vms[i] as Vms[number]))
          expect(v).toMatchObject({ sharedMiB: 0, savedMiB: 0, balloonedMiB: 0, swappedMiB: 0, blockedMiB: 0 });
    });
  });

  it('techniques that are off or not needed yet have done nothing, and later ones act in deeper states only', () => {
    settled(({ host, s }) => {
      if (host.overcommit.sharing === 'off') expect(s.savedBySharingMiB).toBe(0);
      if (!host.overcommit.balloon) expect(s.balloonedMiB).toBe(0);
      if (s.balloonedMiB > 0) expect(depthOf(s.state)).toBeGreaterThanOrEqual(depthOf('soft'));
      if (s.swappedMiB > 0) expect(depthOf(s.state)).toBeGreaterThanOrEqual(depthOf('hard'));
      if (s.shortfallMiB > TOLERANCE) expect(s).toMatchObject({ state: 'low', newAllocationsBlocked: true });
      expect(s.newAllocationsBlocked).toBe(s.state === 'low');
      expect(s.steps.map((step) => step.technique)).toEqual(
        (['sharing', 'balloon', 'swap'] as const).filter(
          (t) => ({ sharing: s.savedBySharingMiB, balloon: s.balloonedMiB, swap: s.swappedMiB })[t] > 0,
        ),
      );
    });
  });

  it('the order of the VMs does not matter', () => {
    settled(({ host, vms, s }) => {
      const turned = settleMemory(host, [...vms].reverse());
      expect(turned.state).toBe(s.state);
      for (const [i, v] of [...turned.vms].reverse().entries())
        for (const key of ['residentMiB', 'savedMiB', 'balloonedMiB', 'swappedMiB', 'blockedMiB'] as const)
          expect(Math.abs(v[key] - (s.vms[i] as typeof v)[key])).toBeLessThan(TOLERANCE);
    });
  });
});

it('when pressure falls, states relax', () => {
  fc.assert(
    fc.property(anySetting, fc.integer({ min: 0, max: 99 }), ({ host, vms }, percent) => {
      const before = settleMemory(host, vms);
      const less = vms.map((v) => {
        const part = (mib: number) => Math.floor((mib * percent) / 100);
        const smaller = {
          ...v,
          touchedMiB: part(v.touchedMiB),
          activeMiB: Math.min(part(v.activeMiB), part(v.touchedMiB)),
        };
        return v.runs === undefined
          ? smaller
          : withContent(smaller, v.runs.some((r) => r.source === 'image:linux') ? 'linux' : 'windows');
      });
      const after = settleMemory({ ...host, previous: before.state }, less);
      expect(depthOf(after.state)).toBeLessThanOrEqual(depthOf(before.state));
    }),
    { numRuns },
  );
});
