import { describe, expect, it } from 'vitest';
import type { contentionLab } from '../../../shared/hypervisor/lab/contention.ts';
import { ask } from './ask.ts';

const core = { cores: 1, mhz: 2800 };
const three = [1000, 2000, 4000].map((shares) => ({ id: `s${shares}`, vcpus: 1, shares }));
const granted = ({ vms }: ReturnType<typeof contentionLab>) => vms.map((v) => Math.round(v.grantedMhz * 1e6) / 1e6);

describe('contention', () => {
  it('B1 (Huawei community forum, FusionCompute CPU QoS): shares 1000/2000/4000 on one 2.8 GHz core give 400/800/1600 MHz', () => {
    const answer = ask({ experiment: 'contention', host: core, vms: three });
    expect(granted(answer)).toEqual([400, 800, 1600]);
    expect(answer.levelMhzPerShare).toBeCloseTo(0.4, 9);
    expect(answer.vms[2]?.why).toBe(
      'It gets 1600 MHz: its 4000 shares at 0.4 MHz each. Each vCPU is ready but waits for a CPU 42.9 % of the time.',
    );
  });

  it('B2 (same article): as B1 with a reservation of 700 MHz gives 700/700/1400 MHz, and the first VM is told why', () => {
    const vms = three.map((v, i) => (i === 0 ? { ...v, reservationMhz: 700 } : v));
    const answer = ask({ experiment: 'contention', host: core, vms });
    expect(granted(answer)).toEqual([700, 700, 1400]);
    expect(answer.vms[0]).toMatchObject({ boundBy: 'reservation', floorMhz: 700 });
    expect(answer.vms[0]?.why).toContain('1000 shares alone would give it 350 MHz');
  });

  it('B3 (same article): a limit of 3 GHz on a VM with 2 vCPUs leaves each vCPU 1.5 GHz, though the host is idle', () => {
    const vm = { id: 'a', vcpus: 2, limitMhz: 3000 };
    const answer = ask({ experiment: 'contention', host: { cores: 8, mhz: 2800 }, vms: [vm] });
    expect(answer.vms[0]).toMatchObject({ grantedMhz: 3000, perVcpuMhz: 1500, boundBy: 'limit' });
    expect(answer.levelMhzPerShare).toBeNull();
  });

  it('B3 (same article): of that limit a vCPU that is less busy leaves the rest to the other, and each takes a core at most', () => {
    const granted = (vcpuDemandsMhz: number[], limitMhz: number) =>
      ask({
        experiment: 'contention',
        host: { cores: 8, mhz: 2800 },
        vms: [{ id: 'a', vcpus: 2, vcpuDemandsMhz, limitMhz }],
      }).vms[0]?.vcpusMhz;
    expect(granted([2800, 2800], 3000)).toEqual([1500, 1500]);
    expect(granted([2800, 400], 3000)).toEqual([2600, 400]);
    expect(granted([9000, 400], 0)).toEqual([2800, 400]);
  });

  it('B7 (derived, algorithm 1): limit and reservation together give 3000/4500/2500 MHz at a level of 2.25', () => {
    const answer = ask({
      experiment: 'contention',
      capacityMhz: 10_000,
      vms: [
        { id: 'A', vcpus: 1, shares: 4000, limitMhz: 3000 },
        { id: 'B', vcpus: 1, shares: 2000, reservationMhz: 1000 },
        { id: 'C', vcpus: 1, shares: 1000, reservationMhz: 2500 },
      ],
    });
    expect(granted(answer)).toEqual([3000, 4500, 2500]);
    expect(answer.levelMhzPerShare).toBeCloseTo(2.25, 9);
    expect(answer.vms.map((v) => v.boundBy)).toEqual(['limit', 'shares', 'reservation']);
  });
});

describe('address', () => {
  const walk = (pages: { pageSize: '4k' | '2m' | '1g'; hostPageSize: '4k' | '2m' | '1g' }) => {
    const { schemes } = ask({
      experiment: 'address',
      schemes: ['native', 'shadow', 'nested'],
      memoryMiB: 4096,
      address: 0x1234,
      tlbEntries: 0,
      ...pages,
    });
    // The first access also makes the host allot the page; the second is a plain miss of the TLB.
    return Object.fromEntries(schemes.map((s) => [s.scheme, s.accesses[1]]));
  };

  it('K1 (algorithm 8): a TLB miss with 4 levels costs 4 references native and shadow, 24 nested', () => {
    const { native, shadow, nested } = walk({ pageSize: '4k', hostPageSize: '4k' });
    expect([native, shadow, nested].map((a) => a?.references)).toEqual([4, 4, 24]);
    expect([native, shadow, nested].map((a) => a?.vmmSteps)).toEqual([0, 0, 0]);
  });

  it('K1 (algorithm 8): 2 MiB pages of the host make it 19, and of both 15', () => {
    expect(walk({ pageSize: '4k', hostPageSize: '2m' }).nested?.references).toBe(19);
    expect(walk({ pageSize: '2m', hostPageSize: '2m' }).nested?.references).toBe(15);
  });

  it('MEM-8 (source document): the first touch of a page raises one EPT violation, the second none, and the TLB saves the third', () => {
    const [nested] = ask({
      experiment: 'address',
      schemes: ['nested'],
      memoryMiB: 64,
      address: 0,
      accesses: 3,
    }).schemes;
    expect(nested?.accesses.map((a) => [a.eptViolations, a.tlb, a.references > 0])).toEqual([
      [1, 'miss', true],
      [0, 'hit', false],
      [0, 'hit', false],
    ]);
  });

  it('MEM-5 (source document): three tables are consulted, of guest OS, VMM and host OS in this order', () => {
    const [scheme] = ask({ experiment: 'address', schemes: ['three-tables'], memoryMiB: 64, address: 5000 }).schemes;
    expect(scheme?.accesses[0]?.tablesConsulted).toBe(3);
    expect(scheme?.accesses[0]?.steps.map((s) => [s.owner, s.table])).toEqual([
      ['guest OS', 'GVA-GPA'],
      ['VMM', 'GPA-HVA'],
      ['host OS', 'HVA-HPA'],
    ]);
  });

  it('MEM-6, MEM-7 (source document): a change of the guest’s table costs the VMM a step under shadow and none under nested', () => {
    const { schemes } = ask({
      experiment: 'address',
      schemes: ['shadow', 'nested'],
      memoryMiB: 64,
      address: 0,
      remap: true,
    });
    expect(schemes.map((s) => s.remap?.vmmSteps)).toEqual([1, 0]);
  });
});

it('CPU-12 (source document): full virtualisation costs most on x86, then para, then hardware', () => {
  const { comparison } = ask({
    experiment: 'instructions',
    architecture: 'x86',
    modes: ['full', 'para', 'hardware'],
    stream: ['add', 'popf'],
  });
  expect(comparison.map((c) => c.mode)).toEqual(['hardware', 'para', 'full']);
  expect(comparison[0]?.cpuDemand).toBe('VT-x or AMD-V');
});

it('IO-5 (source document): emulation costs the host most, then virtio, then passthrough', () => {
  const { order } = ask({
    experiment: 'io',
    modes: ['emulated', 'virtio', 'passthrough'],
    requests: 64,
    bytes: 4096,
  });
  expect(order.map((o) => o.mode)).toEqual(['passthrough', 'virtio', 'emulated']);
});

it('L2 (derived, algorithm 5): average 100, peak 200, burst 100 Mbit carry 25 MB in the first second, then 100 Mbit/s', () => {
  const answer = ask({
    experiment: 'shaping',
    averageMbps: 100,
    peakMbps: 200,
    burstMbit: 100,
    load: [{ seconds: 3, mbps: 1000 }],
  });
  expect(answer.seconds.map((s) => s.passedMbit)).toEqual([200, 100, 100]);
  expect(answer.burstEndsAtSecond).toBeCloseTo(1, 9);
});

it('G1, G2 (VMware ESXi memory management): 128 GB want 1923 MB free; states begin at 400, 100, 64, 32 and 16 % of that', () => {
  const vms = [{ id: 'a', sizeMiB: 1024 }];
  const { thresholds, minFreeMiB } = ask({ experiment: 'memory', host: { memoryMiB: 131_072 }, vms });
  expect(minFreeMiB).toBeCloseTo(1923, 6);
  expect(thresholds.map((t) => Math.round((t.beginsAtMiB / minFreeMiB) * 100))).toEqual([400, 100, 64, 32, 16]);
});

describe('migration', () => {
  it('H1 (derived from algorithm 4; Clark et al. 2005): two rounds, 81.92 ms of downtime, 9.09312 s in all', () => {
    const answer = ask({ experiment: 'migration', memoryMiB: 8192, dirtyMiBps: 100, bandwidthMiBps: 1000 });
    expect(answer.rounds.map((r) => r.seconds)).toEqual([8.192, 0.8192]);
    expect(answer.downtimeMs).toBeCloseTo(81.92, 6);
    expect(answer.totalSeconds).toBeCloseTo(9.09312, 6);
    expect(answer.sentMiB).toBeCloseTo(9093.12, 6);
  });

  it('H2 (derived; defaults of QEMU): seven rounds, 0.25 s of downtime, 63.75 s and 8160 MiB in all', () => {
    const answer = ask({ experiment: 'migration', memoryMiB: 4096, dirtyMiBps: 64 });
    expect(answer.rounds.map((r) => r.seconds)).toEqual([32, 16, 8, 4, 2, 1, 0.5]);
    expect(answer).toMatchObject({ outcome: 'completed', remainderMiB: 32, downtimeMs: 250, sentMiB: 8160 });
    expect(answer.totalSeconds).toBeCloseTo(63.75, 9);
  });

  it('MIG-4: what would help one that does not converge does help', () => {
    const stuck = { experiment: 'migration', memoryMiB: 8192, dirtyMiBps: 200 } as const;
    const answer = ask(stuck);
    expect([answer.outcome, answer.wouldHelp.length]).toEqual(['not-converged', 4]);
    const { bandwidthMiBps, dirtyMiBps, allowedPauseMs } = answer.advice as Required<NonNullable<typeof answer.advice>>;
    for (const change of [
      { bandwidthMiBps },
      { dirtyMiBps },
      { allowedDowntimeMs: allowedPauseMs },
      { autoConverge: true },
    ])
      expect(ask({ ...stuck, ...change }).outcome, JSON.stringify(change)).toBe('completed');
  });
});

it('STO-5 (derived, algorithm 4): 20 GiB at 10 of 100 MiB/s take rounds of 204.8, 20.48 and 2.048 s and a pause of 204.8 ms', () => {
  const disks = [
    { name: 'root', sizeGiB: 40, usedGiB: 15 },
    { name: 'data', sizeGiB: 5 },
  ];
  const answer = ask({ experiment: 'storage-migration', disks, writeMiBps: 10 });
  expect(answer.rounds.map((r) => Number(r.seconds.toFixed(6)))).toEqual([204.8, 20.48, 2.048]);
  expect(answer.pauseMs).toBeCloseTo(204.8, 9);
  expect(answer.totalSeconds).toBeCloseTo(227.5328, 6);
});

it('MIG-4: what would help a storage migration that does not converge does help', () => {
  const stuck = {
    experiment: 'storage-migration',
    disks: [{ name: 'root', sizeGiB: 20 }],
    writeMiBps: 200,
  } as const;
  const answer = ask({ ...stuck, disks: [...stuck.disks] });
  expect([answer.outcome, answer.wouldHelp.length]).toEqual(['not-converged', 3]);
  const { bandwidthMiBps, dirtyMiBps, allowedPauseMs } = answer.advice as Required<NonNullable<typeof answer.advice>>;
  for (const change of [{ bandwidthMiBps }, { writeMiBps: dirtyMiBps }, { allowedPauseMs }])
    expect(ask({ ...stuck, disks: [...stuck.disks], ...change }).outcome, JSON.stringify(change)).toBe('completed');
});
