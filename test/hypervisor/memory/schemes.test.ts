import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../../shared/hypervisor/memory/frames.ts';
import { createNativeProcess } from '../../../shared/hypervisor/memory/native.ts';
import { createNested } from '../../../shared/hypervisor/memory/nested.ts';
import { createShadow } from '../../../shared/hypervisor/memory/shadow.ts';
import { createThreeTables } from '../../../shared/hypervisor/memory/three-tables.ts';
import { createVmMemory } from '../../../shared/hypervisor/memory/vm-memory.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';
import { MIB, RUNS, VIRTUAL } from './worlds.ts';

const PAGE = 4096;
const vm = () => createVmMemory({ sizeMiB: 4, hostPage: '4k' });

describe('without memory virtualisation', () => {
  it('MEM-1: two processes use the same VA and reach different MA, by one table each', () => {
    const machine = createMachine();
    const [a, b] = [createNativeProcess({ machine }), createNativeProcess({ machine })];
    for (const process of [a, b]) process.map(0, machine.frames.take(), '4k');
    const [first, second] = [a.access(12, 'read'), b.access(12, 'read')];
    expect(first).toMatchObject({ ok: true, tablesConsulted: 1, trace: [{ owner: 'host OS', table: 'VA-MA' }] });
    expect(second).toMatchObject({ ok: true, tablesConsulted: 1 });
    expect('hpa' in first && 'hpa' in second && first.hpa !== second.hpa).toBe(true);
    expect(b.access(PAGE, 'read')).toMatchObject({ ok: false, fault: { owner: 'host OS', table: 'VA-MA' } });
  });
});

describe('three tables', () => {
  it('MEM-3, MEM-5: the trace lists guest OS, VMM and host OS in this order, each going on where the last ended', () => {
    const memory = vm();
    memory.allocate(2 * PAGE);
    const scheme = createThreeTables({ memory });
    scheme.map(7 * PAGE, 2 * PAGE, '4k');
    const access = scheme.access(7 * PAGE + 5, 'read');
    expect(access.trace.map((s) => [s.layer, s.owner, s.table])).toEqual([
      ['guest OS', 'guest OS', 'GVA-GPA'],
      ['VMM', 'VMM', 'GPA-HVA'],
      ['host OS', 'host OS', 'HVA-HPA'],
    ]);
    const [guest, vmm, host] = access.trace;
    expect(guest).toMatchObject({ from: 7 * PAGE + 5, to: 2 * PAGE + 5 });
    expect([vmm?.from, host?.from]).toEqual([guest?.to, vmm?.to]);
    expect(access).toMatchObject({ ok: true, hpa: host?.to, tablesConsulted: 3, vmmSteps: 1 });
  });
  it('MEM-3: a miss in any of the three names the owner of the table, its level and the address', () => {
    const memory = vm();
    const scheme = createThreeTables({ memory });
    expect(scheme.access(0, 'read')).toMatchObject({ ok: false, fault: { owner: 'guest OS', address: 0, level: 4 } });
    scheme.map(0, PAGE, '4k');
    expect(scheme.access(PAGE, 'read')).toMatchObject({ ok: false, fault: { owner: 'guest OS', level: 1 } });
    expect(scheme.access(0, 'read')).toMatchObject({
      ok: false,
      fault: { owner: 'VMM', table: 'GPA-HVA', address: PAGE },
    });
    memory.register(PAGE);
    expect(scheme.access(0, 'read')).toMatchObject({ ok: false, fault: { owner: 'host OS', table: 'HVA-HPA' } });
    memory.allocate(PAGE);
    expect(scheme.access(0, 'read')).toMatchObject({ ok: true });
  });
});

describe('shadow page table', () => {
  it('MEM-6: the VMM merges at the first access; from then on one table of four references is walked without it', () => {
    const scheme = createShadow({ memory: vm(), tlbEntries: 0 });
    scheme.map(0, PAGE, '4k');
    const first = scheme.access(0, 'read');
    expect(first.trace.map((s) => s.table)).toEqual(['shadow', 'GVA-GPA', 'GPA-HVA', 'HVA-HPA', 'shadow']);
    expect(first.trace[0]?.to).toBeNull();
    const second = scheme.access(0, 'write');
    expect(second).toMatchObject({ ok: true, references: 4, tablesConsulted: 1, vmmSteps: 0, violations: 0 });
  });
  it('MEM-6: every write of the guest to its tables costs VMM work, and no stale entry completes an access', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { minLength: 1, maxLength: 20 }), (targets) => {
        const memory = vm();
        const scheme = createShadow({ memory });
        const first = scheme.map(0, 201 * PAGE, '4k');
        expect(first).toEqual({ entryWrites: 4, vmmSteps: 4 });
        for (const target of targets) {
          scheme.access(0, 'read');
          expect(scheme.remap(0, target * PAGE)).toEqual({ entryWrites: 1, vmmSteps: 1 });
          expect(scheme.access(9, 'read')).toMatchObject({
            ok: true,
            hpa: memory.touch(target * PAGE + 9),
            vmmSteps: 2,
          });
        }
      }),
      RUNS,
    );
  });
});

describe('nested paging', () => {
  it('MEM-8: the first touch of a page causes exactly one EPT violation and the second none, for any touches', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('4k' as const, '2m' as const),
        fc.array(fc.nat(2 * 512 - 1), { minLength: 1, maxLength: 30 }),
        (hostPage, pages) => {
          const memory = createVmMemory({ sizeMiB: 8, hostPage });
          const scheme = createNested({ memory, tlbEntries: 0 });
          for (let page = 0; page < 1024; page++) scheme.map(page * PAGE, page * PAGE, '4k');
          const touched = new Set<number>();
          for (const page of pages) {
            const hostOne = hostPage === '4k' ? page : Math.floor(page / 512);
            const first = touched.has(hostOne) ? 0 : 1;
            touched.add(hostOne);
            expect(scheme.access(page * PAGE, 'write')).toMatchObject({ ok: true, violations: first, vmmSteps: first });
            const again = scheme.access(page * PAGE, 'write');
            expect(again).toMatchObject({ ok: true, violations: 0, vmmSteps: 0, hpa: memory.touch(page * PAGE) });
            expect(again.trace.every((s) => s.layer === 'hardware')).toBe(true);
          }
        },
      ),
      { numRuns: Math.ceil(RUNS.numRuns / 10) },
    );
  });
  it('MEM-8: on a violation the VMM and then the host OS are asked, and the EPT is walked again', () => {
    const scheme = createNested({ memory: vm() });
    scheme.map(0, 0, '4k');
    const { trace } = scheme.access(0, 'read');
    expect(trace.slice(-4).map((s) => [s.layer, s.table])).toEqual([
      ['hardware', 'EPT'],
      ['VMM', 'GPA-HVA'],
      ['host OS', 'HVA-HPA'],
      ['hardware', 'EPT'],
    ]);
  });
  it('MEM-7: updates of the guest to its tables cost no VMM work', () => {
    const scheme = createNested({ memory: vm() });
    expect(scheme.map(0, 0, '4k')).toEqual({ entryWrites: 4, vmmSteps: 0 });
    expect(scheme.remap(0, PAGE)).toEqual({ entryWrites: 1, vmmSteps: 0 });
    expect(scheme.unmap(0)).toEqual({ entryWrites: 4, vmmSteps: 0 });
  });
});

describe.each(Object.entries(VIRTUAL))('guest under %s', (_, create) => {
  it('MEM-3: a GPA beyond the memory of the VM is refused with the figures', () => {
    const scheme = create({ memory: vm() });
    const refusal = { rule: 'MEM-3', figures: { gpa: 4 * MIB, bytes: PAGE, memoryBytes: 4 * MIB } };
    expect(() => scheme.map(0, 4 * MIB, '4k')).toThrow(
      expect.objectContaining({ refusal: expect.objectContaining(refusal) }),
    );
    scheme.map(0, 0, '4k');
    expect(() => scheme.remap(0, 4 * MIB)).toThrow(Refused);
  });
  it('a GVA that is not mapped, or no more, is a page fault of the guest', () => {
    const scheme = create({ memory: vm() });
    const fault = { ok: false, fault: { owner: 'guest OS', reason: 'missing' } };
    expect(scheme.access(0, 'read')).toMatchObject(fault);
    scheme.map(0, 4 * MIB - PAGE, '4k'); // memory that is there from the boot on
    expect(scheme.access(0, 'read')).toMatchObject({ ok: true });
    scheme.unmap(0);
    expect(scheme.access(0, 'read')).toMatchObject(fault);
    expect(() => scheme.unmap(0)).toThrow(Refused);
    expect(() => scheme.access(2 ** 48, 'read')).toThrow(Refused);
  });
  it('MEM-14: a TLB hit makes no references; after a flush the table is walked again', () => {
    const scheme = create({ memory: vm() });
    scheme.map(0, 4 * MIB - PAGE, '4k');
    scheme.access(0, 'read');
    expect(scheme.access(1, 'read')).toMatchObject({ tlb: 'hit', references: 0, trace: [{ table: 'TLB' }] });
    scheme.flushTlb();
    expect(scheme.access(1, 'read').tlb).toBe('miss');
  });
});
