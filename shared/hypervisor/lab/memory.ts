import * as z from 'zod';
import { guestSpec } from '../../model/vm.ts';
import { virtualisationDomain } from '../cpu/capacity.ts';
import { memorySharesDefault, overcommitAlarm, roundReservation } from '../overcommit/admission.ts';
import { usualContent } from '../overcommit/content.ts';
import { settleMemory } from '../overcommit/settle.ts';
import type { MemoryHost, MemoryVm, Settlement, VmMemory } from '../overcommit/settlement.ts';
import { beginsAtMiB, MEMORY_STATES } from '../overcommit/states.ts';
import { slowdownOf } from '../overcommit/swap.ts';
import { ACTIVE_SHARE, OVERCOMMIT_CEILING_PERCENT } from '../parameters.ts';
import { figure, list } from '../performance/words.ts';
import { LAB_MEMORY_MIB, LAB_SHARES, LAB_VMS } from './limits.ts';
import { vmId, vmsOf } from './spec.ts';
import { within } from './within.ts';
import { count } from './words.ts';

const mib = z.number().min(0).max(LAB_MEMORY_MIB);
const vm = z.strictObject({
  id: vmId,
  tenantId: vmId.default('tenant'),
  os: guestSpec.shape.os.default('linux'),
  image: vmId.optional().describe('guests of one image have equal pages; without a name one for each OS'),
  sizeMiB: z.int().min(1).max(LAB_MEMORY_MIB),
  touchedMiB: mib.optional().describe('ever used by the guest; without a figure all of it'),
  activeMiB: mib.optional().describe('in use all the time; without a figure half of what it touched'),
  reservationMiB: mib.default(0).describe('raised to 70 % of the size when it is less (MEM-15)'),
  shares: z.int().min(1).max(LAB_SHARES).optional().describe('without a figure 10 for each MiB (MEM-15)'),
  pinned: z.boolean().default(false).describe('it has a passthrough device'),
  hugePagesMiB: mib.default(0).describe('of its memory, out of the pool of huge pages'),
  paused: z.boolean().default(false),
});

/** How a host takes back memory that it has promised twice (OVC-1 to OVC-7). */
export const memorySpec = z.strictObject({
  experiment: z.literal('memory'),
  host: z.strictObject({
    memoryMiB: z.int().min(1).max(LAB_MEMORY_MIB),
    hugePoolMiB: mib.default(0),
    previousState: z.enum(MEMORY_STATES).default('high').describe('kept between two thresholds (OVC-6)'),
  }),
  overcommit: z
    .strictObject({
      enabled: z.boolean().default(true),
      ratioPercent: z.number().min(0).max(1_000).default(OVERCOMMIT_CEILING_PERCENT),
      sharing: z.enum(['off', 'tenant', 'host']).default('tenant'),
      balloon: z.boolean().default(true),
      swapMiB: mib.default(0).describe('size of the swap partition; 0: none'),
    })
    .prefault({}),
  vms: vmsOf(vm, LAB_VMS),
});
type Question = z.infer<typeof memorySpec>;

/**
 * Settles the memory of a host once.
 * @throws RefusedAt MEM-15 for a reservation above the size, OVC-1 unless active <= touched <= size, OVC-5 and QOS-4 for
 * VMs that the host could not take, OVC-7 and MEM-12 for a pool that does not fit
 */
export function memoryLab({ experiment, host, overcommit, vms: asked }: Question) {
  const { memoryMiB: physicalMiB, hugePoolMiB, previousState: previous } = host;
  const managementMiB = physicalMiB - domainMiB(physicalMiB);
  const vms = asked.map((v, i) => within(`vms.${i}.reservationMiB`, () => memoryVm(v)));
  const memoryHost: MemoryHost = { physicalMiB, managementMiB, hugePoolMiB, previous, overcommit };
  const settled = within('vms', () => settleMemory(memoryHost, vms));
  const { vms: outcomes, ...figures } = settled;
  const sizesMiB = vms.reduce((sum, v) => sum + v.sizeMiB, 0);
  const { ratioPercent } = overcommitAlarm(sizesMiB, physicalMiB - managementMiB, overcommit.ratioPercent);
  return {
    experiment,
    summary: sayMemory(settled, sizesMiB, ratioPercent),
    physicalMiB,
    managementMiB,
    hugePoolMiB,
    promisedMiB: sizesMiB,
    promisedPercent: ratioPercent,
    ...figures,
    thresholds: MEMORY_STATES.map((state) => ({ state, beginsAtMiB: beginsAtMiB(state, settled.minFreeMiB) })),
    vms: outcomes.map((outcome, i) => vmAnswer(outcome, vms[i] as MemoryVm)),
  };
}

/** Memory that a host has for VMs; its CPU has no part in it. */
const domainMiB = (memoryMiB: number): number =>
  virtualisationDomain({ sockets: 1, coresPerSocket: 1, threadsPerCore: 1, mhz: 0, memoryMiB }).memoryMiB;

function memoryVm(v: z.infer<typeof vm>): MemoryVm {
  const touchedMiB = v.touchedMiB ?? v.sizeMiB;
  return {
    ...v,
    touchedMiB,
    activeMiB: v.activeMiB ?? touchedMiB * ACTIVE_SHARE,
    reservationMiB: roundReservation(v.sizeMiB, v.reservationMiB),
    shares: v.shares ?? memorySharesDefault(v.sizeMiB),
    runs: usualContent({ id: v.id, os: v.os, image: v.image ?? v.os, touchedMiB }),
  };
}

function vmAnswer(outcome: VmMemory, vm: MemoryVm) {
  const { sizeMiB, activeMiB, reservationMiB, shares } = vm;
  const { hitShare, factor } = slowdownOf({ ...outcome, activeMiB: vm.paused ? 0 : activeMiB });
  const slow = factor > 1 ? ` ${figure(hitShare * 100)} % of its accesses wait for the disk.` : '';
  return {
    ...outcome,
    sizeMiB,
    activeMiB,
    reservationMiB,
    shares,
    swapInShare: hitShare,
    slowdown: factor,
    why: `${outcome.why}${slow}`,
  };
}

function sayMemory(s: Settlement, sizesMiB: number, ratioPercent: number): string[] {
  const taken = s.steps.map((step) => `${step.technique} brings ${figure(step.reclaimedMiB)} MiB`);
  return [
    `${count(s.vms.length, 'VM')} see ${figure(sizesMiB)} MiB, ${figure(ratioPercent)} % of what the host has for VMs.`,
    `${figure(s.freeMiB)} MiB are free and ${figure(s.minFreeMiB)} MiB should be: the host is in state ${s.state}.`,
    taken.length > 0
      ? `In this order: ${list(taken)} (OVC-6).`
      : 'Nothing had to be taken back: every VM has all that it has used.',
    ...(s.shortfallMiB > 0
      ? [
          `Guests wait for ${figure(s.shortfallMiB)} MiB: nothing more can be taken back, and nothing is handed out twice.`,
        ]
      : []),
    'Physical memory = management + huge pages + resident + overhead + free (OVC-7).',
  ];
}
