import fc from 'fast-check';
import { usualContent } from '../../../shared/hypervisor/overcommit/content.ts';
import type { MemoryHost, MemoryVm } from '../../../shared/hypervisor/overcommit/settlement.ts';
import { MEMORY_STATES, type MemoryState } from '../../../shared/hypervisor/overcommit/states.ts';

export const GIB = 1024;

/** A host of 128 GiB with all techniques on; 126 GiB of it for VMs, minFree 1923 MiB (G1). */
export const host = (
  overcommit: Partial<MemoryHost['overcommit']> = {},
  over: Partial<Omit<MemoryHost, 'overcommit'>> = {},
): MemoryHost => ({
  physicalMiB: 128 * GIB,
  managementMiB: 2 * GIB,
  hugePoolMiB: 0,
  previous: 'high',
  overcommit: { enabled: true, ratioPercent: 150, sharing: 'tenant', balloon: true, swapMiB: 64 * GIB, ...overcommit },
  ...over,
});

/** A VM of 8 GiB that has touched all of it and uses half. */
export const vm = (id: string, over: Partial<MemoryVm> = {}): MemoryVm => {
  const sizeMiB = over.sizeMiB ?? 8 * GIB;
  const touchedMiB = over.touchedMiB ?? sizeMiB;
  return {
    id,
    tenantId: 't',
    sizeMiB,
    reservationMiB: 0,
    shares: sizeMiB * 10,
    touchedMiB,
    activeMiB: touchedMiB / 2,
    pinned: false,
    ...over,
  };
};

export const vms = (count: number, over: Partial<MemoryVm> = {}): MemoryVm[] =>
  Array.from({ length: count }, (_, i) => vm(`vm-${i}`, over));

export const withContent = (of: MemoryVm, os: 'linux' | 'windows' | 'other' = 'linux'): MemoryVm => ({
  ...of,
  runs: usualContent({ id: of.id, os, image: os, touchedMiB: of.touchedMiB }),
});

/** How deep a state is: 0 for high, 4 for low. */
export const depthOf = (state: MemoryState): number => MEMORY_STATES.indexOf(state);

const percent = fc.integer({ min: 0, max: 100 });
const anyVm = fc
  .record({
    weight: fc.integer({ min: 1, max: 100 }),
    touched: fc.oneof(percent, fc.integer({ min: 80, max: 100 })),
    active: percent,
    reservation: fc.oneof(fc.constant(0), percent),
    shares: fc.integer({ min: 1, max: 100_000 }),
    kind: fc.constantFrom('usual', 'usual', 'silent', 'silent', 'silent', 'pinned', 'huge', 'paused'),
    tenantId: fc.constantFrom('t', 'u'),
    os: fc.constantFrom('linux' as const, 'windows' as const),
  })
  .map(({ weight, ...v }) => ({ weight, ...v }));

/** Hosts and VMs that admission lets through: sizes up to the ratio, reservations and pinned memory up to the domain. */
export const anySetting = fc
  .record({
    physicalMiB: fc.integer({ min: 4 * GIB, max: 256 * GIB }),
    filled: fc.oneof(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 100, max: 150 })),
    drawn: fc.array(anyVm, { minLength: 1, maxLength: 12 }),
    previous: fc.constantFrom(...MEMORY_STATES),
    sharing: fc.constantFrom('off' as const, 'tenant' as const, 'host' as const),
    balloon: fc.boolean(),
    swapMiB: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 128 * GIB })),
  })
  .map(({ physicalMiB, filled, drawn, previous, ...overcommit }) => {
    const domainMiB = physicalMiB - 2 * GIB;
    const weights = drawn.reduce((sum, d) => sum + d.weight, 0);
    let promisable = domainMiB;
    let hugePoolMiB = 0;
    const list = drawn.map((d, i): MemoryVm => {
      const sizeMiB = Math.floor((((domainMiB * filled) / 100) * d.weight) / weights);
      const pinned = (d.kind === 'pinned' || d.kind === 'huge') && sizeMiB <= promisable;
      const reservationMiB = Math.floor(Math.min(promisable, (sizeMiB * d.reservation) / 100));
      promisable -= pinned ? sizeMiB : reservationMiB;
      if (pinned && d.kind === 'huge') hugePoolMiB += sizeMiB;
      const touchedMiB = Math.floor((sizeMiB * d.touched) / 100);
      const made: MemoryVm = {
        id: `vm-${i}`,
        tenantId: d.tenantId,
        sizeMiB,
        reservationMiB,
        shares: d.shares,
        touchedMiB,
        activeMiB: Math.floor((touchedMiB * d.active) / 100),
        pinned: pinned && d.kind === 'pinned',
        hugePagesMiB: pinned && d.kind === 'huge' ? sizeMiB : 0,
        paused: d.kind === 'paused',
      };
      return d.kind === 'silent' ? made : withContent(made, d.os);
    });
    // The pool comes on top: it is not part of what may be overcommitted.
    const made = host({ ...overcommit }, { physicalMiB: physicalMiB + hugePoolMiB, hugePoolMiB, previous });
    return { host: made, vms: list };
  });
