import * as z from 'zod';
import { figure } from '../performance/words.ts';
import { type CpuGrant, divideAmongVcpus, divideCpu } from '../qos/cpu.ts';
import { LAB_CAPACITY_MHZ, LAB_CLOCK_MHZ, LAB_CORES, LAB_SHARES, LAB_VCPUS, LAB_VMS } from './limits.ts';
import { vmId, vmsOf } from './spec.ts';
import { RefusedAt } from './within.ts';
import { count } from './words.ts';

const mhz = z.number().min(0).max(LAB_CAPACITY_MHZ);
const vm = z
  .strictObject({
    id: vmId,
    vcpus: z.int().min(1).max(LAB_VCPUS),
    shares: z.int().min(1).max(LAB_SHARES).optional().describe('without a figure 1000 for each vCPU (QOS-1)'),
    reservationMhz: mhz.default(0).describe('of the whole VM; 0: none'),
    limitMhz: mhz.default(0).describe('of the whole VM; 0: none'),
    demandMhz: mhz.optional().describe('without a figure all that its vCPUs can take'),
    vcpuDemandsMhz: z.array(mhz).min(1).max(LAB_VCPUS).optional().describe('of each vCPU, in place of demandMhz'),
  })
  .refine((v) => !v.vcpuDemandsMhz || (v.demandMhz === undefined && v.vcpuDemandsMhz.length === v.vcpus), {
    path: ['vcpuDemandsMhz'],
    message: 'must have a figure for each vCPU, and none stands beside them as demandMhz',
  });

/** Who gets how much of a CPU that several VMs want, and each vCPU of it (QOS-1 to QOS-3, CPU-19). */
export const contentionSpec = z
  .strictObject({
    experiment: z.literal('contention'),
    capacityMhz: z.number().positive().max(LAB_CAPACITY_MHZ).optional().describe('a vCPU may take all of it'),
    host: z
      .strictObject({ cores: z.int().min(1).max(LAB_CORES), mhz: z.int().min(1).max(LAB_CLOCK_MHZ) })
      .optional()
      .describe('in place of capacityMhz; a vCPU takes one core at most'),
    vms: vmsOf(vm, LAB_VMS),
  })
  .refine((q) => (q.capacityMhz === undefined) !== (q.host === undefined), 'needs either capacityMhz or host');
type Question = z.infer<typeof contentionSpec>;
type Wanted = z.infer<typeof vm>;

/** @throws RefusedAt QOS-2 for reservations above the capacity, QOS-3 for a limit below the reservation */
export function contentionLab({ experiment, capacityMhz, host, vms: asked }: Question) {
  const clockMhz = host?.mhz ?? (capacityMhz as number);
  const capacity = host ? host.cores * host.mhz : (capacityMhz as number);
  const vms = asked.map((v) => ({ ...v, demandMhz: demandOf(v, clockMhz) }));
  checkPromises(capacity, clockMhz, vms);
  const grants = divideCpu(capacity, clockMhz, vms);
  const shareBound = grants.find((g) => g.boundBy === 'shares');
  const level = shareBound ? shareBound.grantedMhz / shareBound.shares : null;
  const grantedMhz = grants.reduce((sum, g) => sum + g.grantedMhz, 0);
  const idleMhz = Math.max(0, capacity - grantedMhz);
  return {
    experiment,
    summary: [
      `${count(vms.length, 'VM')} on ${figure(capacity)} MHz: ${figure(grantedMhz)} MHz are given, ${figure(idleMhz)} MHz stay idle.`,
      level === null
        ? 'No VM is bound by its shares: each one has what it wants, or stands at a bound of its own.'
        : `Shares decide: the water stands at ${figure(level)} MHz a share. Floors rise above it, ceilings cut below it.`,
    ],
    capacityMhz: capacity,
    clockMhz,
    grantedMhz,
    idleMhz,
    levelMhzPerShare: level,
    vms: grants.map((grant, i) => {
      const { vcpus, vcpuDemandsMhz } = vms[i] as Wanted;
      const vcpusMhz = vcpuDemandsMhz && divideAmongVcpus(grant.grantedMhz, clockMhz, vcpuDemandsMhz);
      return {
        ...grant,
        perVcpuMhz: grant.grantedMhz / vcpus,
        ...(vcpusMhz && { vcpusMhz }),
        why: `${why(grant, asked[i] as Wanted, level)}${sayVcpus(grant, vcpus, vcpusMhz)}`,
      };
    }),
  };
}

/** What its vCPUs want together; none of them can take more than the clock. */
const demandOf = ({ vcpus, demandMhz, vcpuDemandsMhz }: Wanted, clockMhz: number): number =>
  vcpuDemandsMhz?.reduce((sum, demand) => sum + Math.min(demand, clockMhz), 0) ?? demandMhz ?? vcpus * clockMhz;

function sayVcpus({ grantedMhz }: CpuGrant, vcpus: number, vcpusMhz: readonly number[] | undefined): string {
  const [least, most] = vcpusMhz ? [Math.min(...vcpusMhz), Math.max(...vcpusMhz)] : [0, 0];
  if (least < most) return ` Its vCPUs get ${figure(least)} to ${figure(most)} MHz, by what each wants.`;
  return vcpus > 1
    ? ` Each of its ${vcpus} vCPUs gets ${figure(grantedMhz / vcpus)} MHz when all are equally busy.`
    : '';
}

function checkPromises(capacityMhz: number, clockMhz: number, vms: readonly Wanted[]): void {
  for (const [i, { id, vcpus, reservationMhz, limitMhz }] of vms.entries()) {
    const mostMhz = vcpus * clockMhz;
    if (reservationMhz > mostMhz)
      throw new RefusedAt(
        {
          rule: 'QOS-2',
          reason: `VM ${id} reserves ${reservationMhz} MHz, and its vCPUs can take ${mostMhz} MHz`,
          fix: 'reserve less, or give it more vCPUs',
          figures: { reservationMhz, mostMhz },
        },
        `vms.${i}.reservationMhz`,
      );
    if (limitMhz > 0 && limitMhz < reservationMhz)
      throw new RefusedAt(
        {
          rule: 'QOS-3',
          reason: `VM ${id} has a limit of ${limitMhz} MHz below its reservation of ${reservationMhz} MHz`,
          fix: 'raise the limit, or reserve less',
          figures: { reservationMhz, limitMhz },
        },
        `vms.${i}.limitMhz`,
      );
  }
  const reservedMhz = vms.reduce((sum, v) => sum + v.reservationMhz, 0);
  if (reservedMhz > capacityMhz)
    throw new RefusedAt(
      {
        rule: 'QOS-2',
        reason: `reservations of ${reservedMhz} MHz exceed the capacity of ${capacityMhz} MHz`,
        fix: 'reserve less, or take a VM away',
        figures: { reservedMhz, capacityMhz },
      },
      'vms',
    );
}

function why(grant: CpuGrant, wanted: Wanted, level: number | null): string {
  const gets = `It gets ${figure(grant.grantedMhz)} MHz`;
  const byShares =
    level === null ? '' : ` ${figure(grant.shares)} shares alone would give it ${figure(level * grant.shares)} MHz.`;
  const ready =
    grant.readyPercent > 0
      ? ` Each vCPU is ready but waits for a CPU ${figure(grant.readyPercent)} % of the time.`
      : '';
  switch (grant.boundBy) {
    case 'demand':
      return `${gets}, all that it wants.`;
    case 'limit':
      return `${gets}: its limit holds it down.${wanted.demandMhz === undefined ? '' : ` It wants ${figure(wanted.demandMhz)} MHz.`}`;
    case 'reservation':
      return `${gets}: its reservation holds it up.${byShares}${ready}`;
    case 'shares':
      return `${gets}: its ${figure(grant.shares)} shares at ${figure(level as number)} MHz each.${ready}`;
  }
}
