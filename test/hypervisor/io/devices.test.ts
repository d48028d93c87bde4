import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cardRefusals,
  type FunctionHold,
  freeFunctions,
  takeFunctions,
} from '../../../shared/hypervisor/io/devices.ts';
import { CARD_MAX_FUNCTIONS, HOST_PCI_SLOTS } from '../../../shared/hypervisor/parameters.ts';
import type { DeviceCard } from '../../../shared/model/inventory.ts';

/** What is held when a VM is gone. */
const without = (taken: readonly FunctionHold[], vmId: string) => taken.filter((hold) => hold.vmId !== vmId);

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const nic = (id: string, functions: number): DeviceCard => ({ id, kind: 'nic', functions });

describe('functions of cards (IO-3)', () => {
  it('several VMs share a card until its functions are exhausted; the next one is refused with "no free function"', () => {
    const cards = [nic('n1', 2)];
    let taken: FunctionHold[] = [];
    for (const vmId of ['a', 'b']) taken = [...taken, ...takeFunctions(cards, taken, { vmId, nic: 1, disk: 0 }).holds];
    expect(taken).toEqual([
      { cardId: 'n1', index: 0, vmId: 'a' },
      { cardId: 'n1', index: 1, vmId: 'b' },
    ]);
    const { holds, refusals } = takeFunctions(cards, taken, { vmId: 'c', nic: 1, disk: 0 });
    expect(holds).toEqual([]);
    expect(refusals).toMatchObject([
      { rule: 'IO-3', reason: expect.stringContaining('no free function'), figures: { needed: 1, n1: '0 of 2 free' } },
    ]);
    expect(takeFunctions(cards, without(taken, 'a'), { vmId: 'c', nic: 1, disk: 0 }).holds).toEqual([
      { cardId: 'n1', index: 0, vmId: 'c' },
    ]);
  });

  it('a VM that cannot have all gets none, and every kind that is short is named', () => {
    const { holds, refusals } = takeFunctions([nic('n1', 1)], [], { vmId: 'a', nic: 2, disk: 1 });
    expect(holds).toEqual([]);
    expect(refusals.map((r) => r.reason)).toEqual([
      expect.stringContaining('n1 has 1 of 1 free'),
      expect.stringContaining('the host has no such card'),
    ]);
  });

  it('functions held and free ones are always the whole card, and no function is held twice', () => {
    const card = fc.record({
      kind: fc.constantFrom('nic' as const, 'disk' as const),
      functions: fc.integer({ min: 1, max: 6 }),
    });
    const move = fc.record({
      vmId: fc.constantFrom('a', 'b', 'c', 'd'),
      nic: fc.integer({ min: 0, max: 3 }),
      disk: fc.integer({ min: 0, max: 3 }),
      back: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(card, { maxLength: 4 }), fc.array(move, { maxLength: 30 }), (list, moves) => {
        const cards = list.map((c, i) => ({ id: `card-${i}`, ...c }));
        let taken: FunctionHold[] = [];
        for (const m of moves) {
          if (m.back) taken = without(taken, m.vmId);
          else {
            const { holds, refusals } = takeFunctions(cards, taken, m);
            expect(holds).toHaveLength(refusals.length > 0 ? 0 : m.nic + m.disk);
            taken = [...taken, ...holds];
          }
          expect(new Set(taken.map((h) => `${h.cardId}/${h.index}`)).size).toBe(taken.length);
          for (const c of cards) {
            const held = taken.filter((h) => h.cardId === c.id).map((h) => h.index);
            expect([...held, ...freeFunctions(c, taken)].sort()).toEqual(
              Array.from({ length: c.functions }, (_, i) => i),
            );
          }
        }
      }),
      { numRuns },
    );
  });

  it('more cards than PCI slots, a doubled id and impossible function counts are all named at once', () => {
    const full = Array.from({ length: HOST_PCI_SLOTS }, (_, i) => nic(`n${i}`, CARD_MAX_FUNCTIONS));
    expect(cardRefusals(full)).toEqual([]);
    const reasons = cardRefusals([...full, nic('n0', 0)]).map((r) => r.reason);
    expect(reasons).toEqual([
      expect.stringContaining('PCI slots'),
      expect.stringContaining('given twice'),
      expect.stringContaining('0 functions'),
    ]);
  });
});
