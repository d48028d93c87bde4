import { describe, expect, it } from 'vitest';
import { settleMemory } from '../../../shared/hypervisor/overcommit/settle.ts';
import { slowdownOf } from '../../../shared/hypervisor/overcommit/swap.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';
import { GIB, host, vm, vms, withContent } from './hosts.ts';

const techniques = (s: ReturnType<typeof settleMemory>) => s.steps.map((step) => step.technique);

describe('reclaim by pressure (OVC-6)', () => {
  it('with plenty of free memory nothing is active', () => {
    const s = settleMemory(
      host(),
      vms(10).map((v) => withContent(v)),
    );
    expect(s).toMatchObject({ state: 'high', steps: [], freeMiB: 46 * GIB, savedBySharingMiB: 0, overheadMiB: 0 });
  });

  it('sharing comes first, then balloon, then swap', () => {
    // Each VM touches 8 GiB: 16 of them are 2 GiB more than there is, 20 of them 34 GiB more.
    const sharing = settleMemory(
      host(),
      vms(16).map((v) => withContent(v)),
    );
    expect(techniques(sharing)).toEqual(['sharing']);
    const balloon = settleMemory(
      host(),
      vms(20).map((v) => withContent(v)),
    );
    expect(techniques(balloon)).toEqual(['sharing', 'balloon']);
    expect(balloon.state).toBe('soft');
    const busy = vms(20, { activeMiB: 8000 }).map((v) => withContent(v));
    const swap = settleMemory(host(), busy);
    expect(techniques(swap)).toEqual(['sharing', 'balloon', 'swap']);
    expect(swap.state).toBe('hard');
    const low = settleMemory(host({ swapMiB: 1 * GIB }), busy);
    expect(low).toMatchObject({ state: 'low', newAllocationsBlocked: true, freeMiB: 0 });
  });

  it('states follow the pressure down the ladder and relax on the way back', () => {
    let previous = host().previous;
    // GiB touched and active on a host with 126 GiB for VMs and a swap partition of 4 GiB.
    const load = [
      [100, 50, 'high'],
      [120, 50, 'high'],
      [124.5, 50, 'clear'],
      [140, 60, 'soft'],
      [128, 128, 'hard'],
      [140, 140, 'low'],
      [128, 128, 'hard'],
      [140, 60, 'soft'],
      [120, 50, 'clear'],
      [100, 50, 'high'],
    ] as const;
    for (const [touched, active, state] of load) {
      const each = { touchedMiB: (touched * GIB) / 20, activeMiB: (active * GIB) / 20 };
      const s = settleMemory(host({ sharing: 'off', swapMiB: 4 * GIB }, { previous }), vms(20, each));
      expect(s.state, `${touched} GiB touched, ${active} GiB active`).toBe(state);
      previous = s.state;
    }
  });
});

describe('balloon (OVC-1)', () => {
  it('G4 (source document): balloon alone keeps allocated memory within physical memory and reports what is missing', () => {
    const only = host({ sharing: 'off', swapMiB: 0 });
    const idle = settleMemory(only, vms(20, { activeMiB: 1 * GIB }));
    expect(idle.shortfallMiB).toBe(0);
    expect(idle.balloonedMiB).toBeGreaterThan(34 * GIB);
    const busy = settleMemory(only, vms(20, { activeMiB: 8 * GIB }));
    expect(busy).toMatchObject({ balloonedMiB: 0, state: 'low', newAllocationsBlocked: true });
    expect(busy.freeMiB).toBeCloseTo(0, 6);
    expect(busy.shortfallMiB).toBeCloseTo(34 * GIB, 6);
    expect(busy.residentMiB).toBeCloseTo(126 * GIB, 6);
  });

  it('takes unused memory only, and from whoever has fewest shares per page first', () => {
    const s = settleMemory(host({ sharing: 'off' }), [
      ...vms(14),
      vm('poor', { shares: 40_960 }),
      vm('rich', { shares: 8_000_000 }),
    ]);
    const [poor, rich, usual] = [s.vms[14], s.vms[15], s.vms[0]];
    expect(s.swappedMiB).toBe(0);
    expect(poor?.balloonedMiB).toBeGreaterThan(usual?.balloonedMiB as number);
    expect(rich?.balloonedMiB).toBe(0);
    expect(rich?.targetMiB).toBe(8 * GIB);
    expect(poor?.targetMiB).toBe((poor?.touchedMiB as number) - (poor?.balloonedMiB as number));
  });

  it('does not run in a paused guest, whose memory is swapped instead', () => {
    const s = settleMemory(host({ sharing: 'off' }), [
      ...vms(15, { activeMiB: 8 * GIB }),
      vm('p', { paused: true, activeMiB: 8 * GIB }),
    ]);
    expect(s.vms[15]).toMatchObject({ balloonedMiB: 0 });
    expect(s.vms[15]?.swappedMiB).toBeGreaterThan(2 * GIB);
    expect(s.swappedMiB).toBe(s.vms[15]?.swappedMiB);
  });
});

describe('swap (OVC-2)', () => {
  it('takes unused memory first, and slows only VMs whose working set it reaches', () => {
    const list = [...vms(19, { activeMiB: 8 * GIB, reservationMiB: 6 * GIB }), vm('idle', { activeMiB: 0 })];
    const s = settleMemory(host({ sharing: 'off', balloon: false }), list);
    expect(s.vms[19]?.swappedMiB).toBeCloseTo(8 * GIB, 6);
    const factors = list.map(
      (v, i) => slowdownOf({ ...(s.vms[i] as (typeof s.vms)[0]), activeMiB: v.activeMiB }).factor,
    );
    expect(factors[19]).toBe(1);
    expect(factors[0]).toBeGreaterThan(1);
  });

  it('costs each access its share of a swap-in: a quarter of the working set on disk', () => {
    const slow = slowdownOf({ touchedMiB: 1000, balloonedMiB: 100, swappedMiB: 600, activeMiB: 400 });
    expect(slow).toEqual({ hitShare: 0.25, accessMicroseconds: 25.1, factor: 251 });
    const free = slowdownOf({ touchedMiB: 1000, balloonedMiB: 100, swappedMiB: 500, activeMiB: 400 });
    expect(free).toMatchObject({ hitShare: 0, factor: 1 });
  });

  it('is never used without a partition, and never beyond its size', () => {
    const busy = vms(20, { activeMiB: 8 * GIB });
    expect(settleMemory(host({ sharing: 'off', swapMiB: 0 }), busy).swappedMiB).toBe(0);
    expect(settleMemory(host({ sharing: 'off', swapMiB: 3000 }), busy).swappedMiB).toBeCloseTo(3000, 6);
  });
});

describe('sharing on a host (OVC-4)', () => {
  it('saves more when tenants may share with each other', () => {
    const list = vms(18).map((v, i) => withContent({ ...v, tenantId: i % 2 ? 't' : 'u' }));
    const [tenant, all] = (['tenant', 'host'] as const).map((sharing) => settleMemory(host({ sharing }), list));
    expect(tenant?.savedBySharingMiB).toBeGreaterThan(0);
    // One more copy of what is read from the image, and one more page of zeros.
    expect((all?.savedBySharingMiB as number) - (tenant?.savedBySharingMiB as number)).toBeCloseTo(768 + 1 / 256, 6);
  });

  it('keeps shared pages in memory: balloon and swap end where only those are left', () => {
    const idle = ['a', 'b'].map((id) => withContent(vm(id, { activeMiB: 0 })));
    const s = settleMemory(host(), [...idle, vm('full', { sizeMiB: 125.1 * GIB, reservationMiB: 125.1 * GIB })]);
    expect(s.vms[0]?.sharedMiB).toBeGreaterThan(1400);
    expect(s.vms[0]?.balloonedMiB).toBeCloseTo(8 * GIB - (s.vms[0]?.sharedMiB as number), 6);
    expect(s.vms[0]?.residentMiB).toBeCloseTo((s.vms[0]?.sharedMiB as number) - (s.vms[0]?.savedMiB as number), 6);
  });

  it('is left alone where reservations leave no room for its records', () => {
    const full = vm('full', { sizeMiB: 126 * GIB, reservationMiB: 126 * GIB, activeMiB: 0 });
    const s = settleMemory(host(), [full, withContent(vm('a')), withContent(vm('b'))]);
    expect(s).toMatchObject({ savedBySharingMiB: 0, overheadMiB: 0 });
    expect(s.vms[0]).toMatchObject({ residentMiB: 126 * GIB });
  });
});

describe('memory QoS without overcommit (QOS-4)', () => {
  it('backs every VM in full: shares and reservations change nothing', () => {
    const off = host({ enabled: false });
    const plain = settleMemory(off, vms(15, { touchedMiB: 100 }));
    expect(plain).toMatchObject({ state: 'high', freeMiB: 6 * GIB, residentMiB: 120 * GIB, steps: [] });
    const weighted = vms(15, { touchedMiB: 100 }).map((v, i) => ({ ...v, shares: i + 1, reservationMiB: i * 10 }));
    expect(settleMemory(off, weighted)).toEqual(plain);
  });

  it.each([
    ['off: VMs beyond the memory for VMs', host({ enabled: false }), vms(16), 'OVC-5'],
    ['on: VMs beyond the ratio', host({ ratioPercent: 120 }), vms(19), 'OVC-5'],
    ['a ratio above 150 %', host({ ratioPercent: 151 }), [], 'OVC-5'],
    ['on: reservations beyond the memory for VMs', host(), vms(16, { reservationMiB: 8 * GIB }), 'QOS-4'],
    ['on: pinned VMs beyond the memory for VMs', host(), vms(16, { pinned: true }), 'QOS-4'],
    ['more huge pages than the pool has', host(), [vm('h', { hugePagesMiB: 8 * GIB })], 'MEM-12'],
    ['more active than touched memory', host(), [vm('a', { activeMiB: 9 * GIB })], 'OVC-1'],
    ['a reservation above the size', host(), [vm('a', { reservationMiB: 9 * GIB })], 'MEM-15'],
    ['no shares', host(), [vm('a', { shares: 0 })], 'MEM-15'],
    ['the same VM twice', host(), [vm('a'), vm('a')], 'OVC-7'],
    ['management larger than the host', host({}, { managementMiB: 129 * GIB }), [], 'OVC-7'],
    ['content beyond touched memory', host(), [{ ...withContent(vm('a')), touchedMiB: 4096 }], 'OVC-4'],
  ])('refuses with overcommit %s', (_what, on, list, rule) => {
    expect(() => settleMemory(on, list)).toThrow(Refused);
    expect(() => settleMemory(on, list)).toThrow(rule);
  });
});

it('a host of 200 VMs is settled in time for a live view', () => {
  const list = vms(200, { sizeMiB: 900 }).map((v, i) =>
    withContent({ ...v, tenantId: `t${i % 10}`, shares: 1000 + i, activeMiB: (i * 4) % 900 }),
  );
  const times = Array.from({ length: 300 }, () => {
    const start = performance.now();
    expect(settleMemory(host(), list).steps.length).toBe(2);
    return performance.now() - start;
  }).slice(100);
  const median = times.sort((a, b) => a - b)[100] as number;
  expect(median, `median ${median.toFixed(3)} ms`).toBeLessThan(1.5);
});
