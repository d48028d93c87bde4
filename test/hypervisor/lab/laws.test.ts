import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labAnswer, labRequest } from '../../../shared/contract/lab.ts';
import { askOrRefuse as ask, named, RUNS, some, sum } from './ask.ts';
import { POSSIBLE } from './questions.ts';

describe('whatever is asked,', () => {
  it('address: all schemes reach the same places, and the second access never costs more than the first', () => {
    const page = fc.constantFrom('4k' as const, '2m' as const);
    const asked = fc.record({
      pageSize: page,
      hostPageSize: page,
      megabytes: fc.integer({ min: 1, max: 64 }),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(asked, ({ megabytes, at, ...pages }) => {
        const memoryMiB = 2 * megabytes;
        const answer = ask({
          experiment: 'address',
          schemes: ['native', 'three-tables', 'shadow', 'nested'],
          memoryMiB,
          address: at % (memoryMiB * 2 ** 20),
          accesses: 2,
          tlbEntries: 0,
          ...pages,
        });
        expect(answer?.sameMachineAddress).toBe(true);
        for (const { accesses } of answer?.schemes ?? []) {
          const [first, second] = accesses.map((a) => a.references) as [number, number];
          expect(second).toBeLessThanOrEqual(first);
        }
      }),
      RUNS,
    );
  });

  it('address: after a remap all schemes still reach the same places, and another one than before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 64 * 2 ** 20 - 1 }), (address) => {
        const schemes = ['native', 'three-tables', 'shadow', 'nested'] as const;
        const answer = ask({
          experiment: 'address',
          schemes: [...schemes],
          memoryMiB: 64,
          address,
          accesses: 3,
          remap: true,
        });
        expect(answer?.sameMachineAddress).toBe(true);
        const [before, after, again] = answer?.schemes[0]?.accesses.map((a) => a.machineAddress) ?? [];
        expect([before === after, after === again]).toEqual([false, true]);
      }),
      RUNS,
    );
  });

  it('contention: what is given and what is idle make the capacity, and nobody is below the floor or above the ceiling', () => {
    const vm = fc.record(
      {
        vcpus: fc.integer({ min: 1, max: 8 }),
        shares: fc.integer({ min: 1, max: 9000 }),
        reservationMhz: fc.integer({ min: 0, max: 900 }),
        limitMhz: fc.integer({ min: 900, max: 9000 }),
        demandMhz: fc.integer({ min: 0, max: 20_000 }),
      },
      { requiredKeys: ['vcpus'] },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), some(vm), (cores, vms) => {
        const answer = ask({ experiment: 'contention', host: { cores, mhz: 2500 }, vms: named(vms) });
        if (!answer) return;
        expect(answer.grantedMhz + answer.idleMhz).toBeCloseTo(answer.capacityMhz, 6);
        for (const v of answer.vms) {
          expect(v.grantedMhz).toBeLessThanOrEqual(v.ceilingMhz + 1e-6);
          const asked = vms[Number(v.id.slice(3))]?.demandMhz ?? Number.POSITIVE_INFINITY;
          expect(v.grantedMhz).toBeGreaterThanOrEqual(Math.min(v.floorMhz, asked) - 1e-6);
          if (v.boundBy === 'shares') expect(v.grantedMhz / v.shares).toBeCloseTo(answer.levelMhzPerShare as number, 6);
        }
      }),
      RUNS,
    );
  });

  it('contention: what the vCPUs of a VM get is what it gets, and no vCPU gets more than it wants or a core has', () => {
    const demands = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), some(demands), (cores, lists) => {
        const vms = named(lists.map((vcpuDemandsMhz) => ({ vcpus: vcpuDemandsMhz.length, vcpuDemandsMhz })));
        const answer = ask({ experiment: 'contention', host: { cores, mhz: 2500 }, vms });
        for (const [i, v] of answer?.vms.entries() ?? []) {
          expect(sum(v.vcpusMhz as number[])).toBeCloseTo(v.grantedMhz, 6);
          for (const [n, got] of v.vcpusMhz?.entries() ?? [])
            expect(got).toBeLessThanOrEqual(Math.min(lists[i]?.[n] as number, 2500) + 1e-6);
        }
      }),
      RUNS,
    );
  });

  it('memory: physical = management + huge pages + resident + overhead + free (OVC-7)', () => {
    const vm = fc.record(
      {
        sizeMiB: fc.integer({ min: 1, max: 16_384 }),
        os: fc.constantFrom('linux' as const, 'windows' as const),
        tenantId: fc.constantFrom('a', 'b'),
        pinned: fc.boolean(),
        paused: fc.boolean(),
      },
      { requiredKeys: ['sizeMiB'] },
    );
    const overcommit = fc.record({
      enabled: fc.boolean(),
      balloon: fc.boolean(),
      sharing: fc.constantFrom('off' as const, 'tenant' as const, 'host' as const),
      swapMiB: fc.integer({ min: 0, max: 32_768 }),
    });
    fc.assert(
      fc.property(overcommit, some(vm), (settings, vms) => {
        const answer = ask({
          experiment: 'memory',
          host: { memoryMiB: 65_536, hugePoolMiB: 1024 },
          overcommit: settings,
          vms: named(vms),
        });
        if (!answer) return;
        const { managementMiB, hugePoolMiB, residentMiB, overheadMiB, freeMiB } = answer;
        expect(managementMiB + hugePoolMiB + residentMiB + overheadMiB + freeMiB).toBeCloseTo(65_536, 6);
        expect(sum(answer.vms.map((v) => v.residentMiB))).toBeCloseTo(residentMiB, 6);
      }),
      RUNS,
    );
  });

  it('numa: no node gives more than it has, and every VM has all of its vCPUs and memory', () => {
    const vm = fc.record(
      {
        vcpus: fc.integer({ min: 1, max: 12 }),
        memoryMiB: fc.integer({ min: 1, max: 30_000 }),
        vnodes: fc.integer({ min: 1, max: 4 }),
      },
      { requiredKeys: ['vcpus', 'memoryMiB'] },
    );
    fc.assert(
      fc.property(some(vm), fc.constantFrom('full' as const, 'ring' as const), (vms, interconnect) => {
        const host = { sockets: 4, coresPerSocket: 8, memoryMiB: 131_072 };
        const answer = ask({ experiment: 'numa', host, interconnect, vms: named(vms) });
        if (!answer) return;
        for (const node of answer.nodes) {
          expect(node.usedVcpus).toBeLessThanOrEqual(node.vcpus);
          expect(node.usedMiB).toBeLessThanOrEqual(node.memoryMiB);
        }
        for (const [i, v] of answer.vms.entries())
          expect([sum(v.vcpusOn), sum(v.memoryMiBOn)]).toEqual([vms[i]?.vcpus, vms[i]?.memoryMiB]);
      }),
      RUNS,
    );
  });

  it('shaping: no window carries more than average x time + burst, no second more than the peak, and nothing gets lost', () => {
    const stretch = fc.record({ seconds: fc.integer({ min: 1, max: 10 }), mbps: fc.integer({ min: 0, max: 500 }) });
    const rates = fc.tuple(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 1, max: 900 }),
    );
    fc.assert(
      fc.property(
        rates,
        some(stretch),
        fc.constantFrom('wait' as const, 'drop' as const),
        ([average, more, burst], load, excess) => {
          const [averageMbps, peakMbps, burstMbit] = [average, average + more, burst];
          const answer = ask({ experiment: 'shaping', averageMbps, peakMbps, burstMbit, load, excess });
          const seconds = answer?.seconds.map((s) => s.passedMbit) ?? [];
          for (const [from] of seconds.entries())
            for (let to = from + 1; to <= seconds.length; to++)
              expect(sum(seconds.slice(from, to))).toBeLessThanOrEqual(averageMbps * (to - from) + burstMbit + 1e-6);
          expect(Math.max(...seconds)).toBeLessThanOrEqual(peakMbps + 1e-6);
          const { passedMbit = 0, waitingMbit = 0, droppedMbit = 0, offeredMbit } = answer ?? {};
          expect(passedMbit + waitingMbit + droppedMbit).toBeCloseTo(offeredMbit as number, 6);
        },
      ),
      RUNS,
    );
  });

  it('a figure that is replaced by any other is answered as the contract says, or refused: nothing else happens', () => {
    const figure = fc.oneof(
      fc.constantFrom(0, -0, -1, 1, 0.5, 1e-300, 1e21, 1e308, Number.MAX_SAFE_INTEGER, 2 ** 31, 64, 255, 4096),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const figures = (value: unknown, at: (string | number)[] = []): (string | number)[][] =>
      typeof value === 'number'
        ? [at]
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([k, v]) => figures(v, [...at, k]))
          : [];
    const asked = fc.constantFrom(...Object.values(POSSIBLE)).chain((question) => {
      // Where a question leaves a figure out, its default is replaced too.
      const whole = structuredClone(labRequest.parse(question)) as Record<string, unknown>;
      return fc.record({
        whole: fc.constant(whole),
        at: fc.constantFrom(...figures(whole), ['nothing']),
        value: figure,
      });
    });
    fc.assert(
      fc.property(asked, ({ whole, at, value }) => {
        const question = structuredClone(whole);
        let part = question as Record<string | number, unknown>;
        for (const step of at.slice(0, -1)) part = part[step] as typeof part;
        if (at[0] !== 'nothing') part[at.at(-1) as string] = value;
        const parsed = labRequest.safeParse(question);
        if (!parsed.success) return;
        const answer = ask(parsed.data);
        if (!answer) return;
        expect(labAnswer.safeParse(JSON.parse(JSON.stringify(answer))).error?.issues ?? []).toEqual([]);
      }),
      { numRuns: RUNS.numRuns * 10 },
    );
  });
});
