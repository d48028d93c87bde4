import type * as z from 'zod';
import type { createVm } from '../../../shared/contract/shapes.ts';
import { cpuModeRefusals, topologyRefusals } from '../../../shared/hypervisor/cpu/admission.ts';
import { passthroughRefusal } from '../../../shared/hypervisor/io/passthrough.ts';
import { hugePagesOf } from '../../../shared/hypervisor/memory/pages.ts';
import { splitVm } from '../../../shared/hypervisor/numa/vnodes.ts';
import { roundReservation } from '../../../shared/hypervisor/overcommit/admission.ts';
import { type Flaw, invalid } from '../../../shared/kernel/errors.ts';
import type { CpuSpec, MemorySpec, Vm } from '../../../shared/model/vm.ts';
import { flawAt, refusalsOf, unavailable } from '../../http/refusals.ts';

export type VmRequest = z.infer<typeof createVm>;

/** A name has 63 characters at most, and `-30` must fit behind it. */
const LONGEST_BATCH_NAME = 60;

/** Rules between the fields of a request, which its schema cannot say. @throws `invalid-request`, `feature-unavailable`. */
export function checkRequest(vm: VmRequest): void {
  const flaws = [...shapeFlaws(vm), ...qosFlaws(vm), ...diskFlaws(vm), ...batchFlaws(vm)];
  if (flaws.length > 0) throw invalid(flaws);
  checkFeatures(vm);
}

/** Sizes that no host could give: sockets (ELA-1), NUMA nodes (NUMA-3), huge pages (MEM-11). */
function shapeFlaws({ cpu, memory, numa }: VmRequest): Flaw[] {
  const { vcpus, coresPerSocket } = cpu;
  const sockets = coresPerSocket === undefined ? [] : topologyRefusals({ vcpus, coresPerSocket });
  const nodes = numa ? refusalsOf(() => splitVm({ vcpus, memoryMiB: memory.sizeMiB, nodes: numa.nodes })) : [];
  const { pageSize, sizeMiB } = memory;
  const pages = pageSize === '2m' || pageSize === '1g' ? refusalsOf(() => hugePagesOf(sizeMiB, pageSize)) : [];
  return [
    ...sockets.map(flawAt('body.cpu.coresPerSocket')),
    ...nodes.map(flawAt('body.numa.nodes')),
    ...pages.map(flawAt('body.memory.sizeMiB')),
  ];
}

/** QOS-2, QOS-3, MEM-15: a limit below its reservation, or a reservation above the size. */
export function qosFlaws({ cpu, memory }: { cpu: CpuSpec; memory: MemorySpec }): Flaw[] {
  const flaws: Flaw[] = [];
  if (cpu.limitMhz && cpu.reservationMhz && cpu.limitMhz < cpu.reservationMhz)
    flaws.push({
      location: 'body.cpu.limitMhz',
      message: 'is below the reservation (QOS-3)',
      fix: 'raise it, or lower reservationMhz',
    });
  if (memory.limitMiB && memory.limitMiB !== memory.sizeMiB)
    flaws.push({
      location: 'body.memory.limitMiB',
      message: `the limit of memory is its size, ${memory.sizeMiB} MiB (MEM-15)`,
      fix: 'leave it out',
    });
  return [
    ...flaws,
    ...refusalsOf(() => roundReservation(memory.sizeMiB, memory.reservationMiB ?? 0)).map(
      flawAt('body.memory.reservationMiB'),
    ),
  ];
}

/** The memory as it is stored: a positive reservation is at least 70 % of the size (MEM-15). */
export const storedMemory = <M extends Pick<Vm['memory'], 'sizeMiB' | 'reservationMiB'>>(memory: M): M =>
  memory.reservationMiB === undefined
    ? memory
    : { ...memory, reservationMiB: roundReservation(memory.sizeMiB, memory.reservationMiB) };

function diskFlaws(vm: VmRequest): Flaw[] {
  const flaws: Flaw[] = [];
  const names = vm.disks.map((d) => d.name);
  const twice = names.find((n, i) => names.indexOf(n) !== i);
  if (twice)
    flaws.push({ location: 'body.disks', message: `two disks are named '${twice}'`, fix: 'give each its own name' });
  if (vm.disks.filter((d) => d.boot).length > 1)
    flaws.push({ location: 'body.disks', message: 'more than one boots', fix: 'mark one' });
  return flaws;
}

function batchFlaws(vm: VmRequest): Flaw[] {
  const flaws: Flaw[] = [];
  if ((vm.count ?? 1) > 1 && vm.nics.some((n) => n.ip))
    flaws.push({
      location: 'body.nics',
      message: 'an address can be wished for a single VM only',
      fix: 'leave ip out, or count',
    });
  if ((vm.count ?? 1) > 1 && vm.name.length > LONGEST_BATCH_NAME)
    flaws.push({
      location: 'body.name',
      message: `has more than ${LONGEST_BATCH_NAME} characters, and each VM gets a number behind it`,
      fix: 'shorten it',
    });
  return flaws;
}

/** What the guest or its devices forbid wherever it is placed: CPU-9, IO-4. Hosts are asked by the placement. */
function checkFeatures({ cpu, guest, ha, disks, nics }: VmRequest): void {
  const anyHost = { arch: 'x86' as const, hardwareVirtualisation: true, nestedPaging: true };
  const [mode] = cpuModeRefusals({ mode: cpu.mode, guest, host: anyHost });
  if (mode) throw unavailable('cpu.mode', mode);
  const withoutHa = ha.enabled ? passthroughRefusal('ha', { disks, nics }) : undefined;
  if (withoutHa)
    throw unavailable('passthrough', { ...withoutHa, fix: `${withoutHa.fix}, or set ha.enabled to false` });
}
