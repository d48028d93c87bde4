import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolve } from '../../../shared/hypervisor/cpu/catalogue.ts';
import { CPU_MODES, type CpuMode } from '../../../shared/hypervisor/cpu/modes.ts';
import { compareModes, type RunOptions, runStream } from '../../../shared/hypervisor/cpu/run.ts';
import { ARCHITECTURES, instruction, numRuns, program, stream } from './instructions.ts';

const MIXED = ['add', 'popf', 'mov-cr3', 'out'];
const count = (given: typeof MIXED, options: RunOptions) => runStream(given, options).counters;
const stations = (name: string, mode: CpuMode, architecture: RunOptions['architecture'] = 'cisc') =>
  runStream([name], { mode, architecture }).traces[0]?.hops.map((h) => h.at);

describe('without virtualisation', () => {
  it('a privileged instruction issued in ring 3 faults, and in ring 0 it is done (CPU-3)', () => {
    for (const [issuedAt, outcome] of [
      [3, 'fault'],
      [1, 'fault'],
      [0, 'done'],
    ] as const)
      expect(runStream(['hlt'], { mode: 'none', architecture: 'cisc', issuedAt }).traces[0]?.outcome).toBe(outcome);
    expect(count(['hlt', 'add', 'hlt'], { mode: 'none', architecture: 'cisc' }).faults).toBe(2);
  });

  it('a sensitive instruction of ring 3 runs unnoticed (CPU-5)', () => {
    expect(runStream(['popf'], { mode: 'none', architecture: 'cisc' })).toMatchObject({
      traces: [{ class: 'sensitive', outcome: 'done' }],
      counters: { faults: 0, traps: 0, vmmCycles: 0 },
    });
  });
});

describe('full virtualisation', () => {
  it('on CISC filters every instruction, and translates and emulates those of ring 0 and sensitive ones (CPU-8)', () => {
    expect(count(MIXED, { mode: 'full', architecture: 'cisc' })).toMatchObject({
      intercepted: 4,
      translations: 3,
      emulated: 3,
      traps: 0,
      exits: 0,
      handedOver: 0,
    });
    expect(stations('add', 'full')).toEqual(['guest', 'vmm', 'cpu']);
    expect(stations('popf', 'full')).toEqual(['guest', 'vmm', 'guest']);
  });

  it('on RISC traps and emulates those of ring 0 only; the others cost the VMM nothing (CPU-7)', () => {
    expect(count(['add', 'msr', 'ldr'], { mode: 'full', architecture: 'risc' })).toMatchObject({
      traps: 1,
      emulated: 1,
    });
    expect(count(['add', 'ldr'], { mode: 'full', architecture: 'risc' }).vmmCycles).toBe(0);
    expect(stations('msr', 'full', 'risc')).toEqual(['guest', 'cpu', 'vmm', 'guest']);
  });

  it('takes ring 0 away from the guest (CPU-6)', () => {
    for (const architecture of ARCHITECTURES)
      for (const hop of runStream([{ name: 'k', ring: 0, sensitive: true, io: false }], { mode: 'full', architecture })
        .traces[0]?.hops ?? [])
        expect(hop.ring === 0).toBe(hop.at === 'vmm');
  });
});

it('a para-virtualised guest hands over all of ring 0 and all sensitive ones, and the rest goes straight to the CPU (CPU-9)', () => {
  expect(count(MIXED, { mode: 'para', architecture: 'cisc' })).toMatchObject({
    intercepted: 0,
    handedOver: 3,
    emulated: 3,
    traps: 0,
  });
  expect(stations('add', 'para')).toEqual(['guest', 'cpu']);
  expect(stations('popf', 'para')).toEqual(['guest', 'vmm', 'guest']);
});

describe('hardware-assisted virtualisation', () => {
  it.each([
    ['add', ['guest']],
    ['popf', ['guest', 'kernel', 'guest']],
    ['mov-cr3', ['guest', 'kernel', 'guest']],
    ['out', ['guest', 'kernel', 'user', 'device', 'user', 'kernel', 'guest']],
  ])('%s passes the KVM modes %j (CPU-13 to CPU-15)', (name, at) => {
    expect(stations(name, 'hardware')).toEqual(at);
  });

  it('runs the guest in non-root mode, KVM in root mode in ring 0, QEMU in root mode in ring 3 (CPU-13)', () => {
    const hops = runStream(['out'], { mode: 'hardware', architecture: 'cisc' }).traces[0]?.hops;
    expect(hops?.slice(0, 4).map(({ at, cpuMode, ring }) => [at, cpuMode, ring])).toEqual([
      ['guest', 'non-root', 0],
      ['kernel', 'root', 0],
      ['user', 'root', 3],
      ['device', undefined, undefined],
    ]);
  });

  it('leaves as often as it enters: once for each instruction of ring 0, sensitive or I/O, never for others (CPU-11)', () => {
    fc.assert(
      fc.property(program, ({ architecture, stream: given }) => {
        const c = runStream(given, { mode: 'hardware', architecture }).counters;
        const wanted = given.map((g) => resolve(g, architecture)).filter((i) => i.ring === 0 || i.sensitive || i.io);
        expect([c.exits, c.entries]).toEqual([wanted.length, wanted.length]);
        expect(c.intercepted + c.translations + c.handedOver + c.traps).toBe(0);
      }),
      { numRuns },
    );
  });
});

describe('in every mode', () => {
  const everyRun = (check: (run: ReturnType<typeof runStream>, mode: CpuMode) => void) =>
    fc.assert(
      fc.property(program, fc.constantFrom(...CPU_MODES), ({ architecture, stream: given }, mode) =>
        check(runStream(given, { mode, architecture }), mode),
      ),
      { numRuns },
    );

  it('no instruction is lost, and each that is emulated was found in exactly one way', () => {
    everyRun(({ counters: c, traces }, mode) => {
      expect(c.plain + c.privileged + c.sensitive + c.io).toBe(c.instructions);
      expect(traces).toHaveLength(c.instructions);
      expect(c.traps + c.translations + c.handedOver + c.exits).toBe(c.emulated);
      expect(c.emulated).toBe(mode === 'none' ? 0 : c.instructions - c.plain);
      if (mode !== 'none') expect(c.faults).toBe(0);
    });
  });

  it('a class has exactly one route (CPU-15), and only I/O reaches a device', () => {
    everyRun(({ traces }) => {
      const routes = new Map<string, string>();
      for (const t of traces) {
        const route = t.hops.map((h) => h.at).join();
        const key = t.outcome + t.class;
        expect(route).toBe(routes.get(key) ?? route);
        routes.set(key, route);
        expect(route.includes('device')).toBe(t.class === 'io' && t.outcome === 'done');
      }
    });
  });

  it('a longer stream costs what its parts cost', () => {
    fc.assert(
      fc.property(stream('cisc'), instruction('cisc'), fc.constantFrom(...CPU_MODES), (given, more, mode) => {
        const cost = (s: typeof given) => runStream(s, { mode, architecture: 'cisc' }).counters.cycles;
        expect(cost([...given, more])).toBe(cost(given) + cost([more]));
      }),
      { numRuns },
    );
  });
});

describe('CPU-12', () => {
  it('full on CISC costs more than para, and para more than hardware, for every stream with something to emulate', () => {
    fc.assert(
      fc.property(
        stream('cisc').filter((s) => s.length > 0),
        (given) => {
          const cost = (mode: CpuMode) => runStream(given, { mode, architecture: 'cisc' }).counters;
          const [full, para, hardware] = [cost('full'), cost('para'), cost('hardware')];
          expect(full.vmmCycles).toBeGreaterThan(para.vmmCycles);
          if (full.emulated > 0) expect(para.vmmCycles).toBeGreaterThan(hardware.vmmCycles);
          else expect([para.vmmCycles, hardware.vmmCycles]).toEqual([0, 0]);
        },
      ),
      { numRuns },
    );
  });

  it('the comparison says who finds, what the guest and the CPU must have, and what it costs', () => {
    expect(compareModes(MIXED, 'cisc')).toMatchObject([
      { mode: 'full', detector: expect.stringContaining('VMM'), cpuDemand: 'none', counters: { translations: 3 } },
      { mode: 'para', detector: expect.stringContaining('guest'), guestDemand: expect.stringContaining('Linux') },
      { mode: 'hardware', detector: expect.stringContaining('VM-exit'), cpuDemand: 'VT-x or AMD-V' },
    ]);
    expect(compareModes(['msr'], 'risc')[0]).toMatchObject({ detector: expect.stringContaining('exception') });
  });
});
