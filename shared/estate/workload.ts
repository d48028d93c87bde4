import type * as z from 'zod';
import type { vmHaSpec } from '../model/ha.ts';
import type { cpuSpec, diskSpec, guestSpec, memorySpec, nicSpec, placementSpec } from '../model/vm.ts';

/**
 * Recorded workloads in the format of OpenDC: a tasks file with the VMs and, beside it, a fragments file with their
 * load over time.
 */

/** A VM of a recorded or generated workload. */
export interface Task {
  /** The key into the fragments. */
  id: string;
  name: string;
  cpuCount: number;
  /** MHz of all its CPUs together. */
  cpuMhz: number;
  memoryMiB: number;
  /** ms since 1970 in a recorded workload, ms since its start in a generated one. */
  submittedAt: number;
  durationMs: number;
}

/** A stretch of time with an even load. */
export interface Fragment {
  durationMs: number;
  /** MHz used over all CPUs together. */
  cpuMhz: number;
}

type Row = Record<string, unknown>;

/** @throws Error naming the file when it cannot be read or a column is missing */
async function readRows(file: string, columns: string[]): Promise<Row[]> {
  // Loaded on use: a start without a workload should not pay for the reader.
  const [{ asyncBufferFromFile, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  try {
    return (await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors, columns })) as Row[];
  } catch (cause) {
    throw new Error(`The workload file ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** Parquet gives 64-bit integers as bigint; all values here are far below 2^53. */
const numberOf = (row: Row, column: string): number => {
  const value = Number(row[column] ?? Number.NaN);
  if (!Number.isFinite(value)) throw new Error(`A row of the workload has no number in ${column}.`);
  return value;
};

/**
 * The VMs of a tasks file, earliest first.
 *
 * `mem_capacity` is in KiB: VMs of 1, 2 and 8 CPUs have values such as 4194304, 8388608 and 33554432, which are 4, 8
 * and 32 GiB; as MiB they would be terabytes, and as bytes too little to boot from.
 */
export async function readWorkload(tasksFile: string): Promise<Task[]> {
  const columns = ['id', 'submission_time', 'duration', 'cpu_count', 'cpu_capacity', 'mem_capacity'];
  const rows = await readRows(tasksFile, columns);
  return rows
    .map((row) => ({
      id: String(row.id),
      name: `vm-${row.id}`,
      cpuCount: numberOf(row, 'cpu_count'),
      cpuMhz: Math.round(numberOf(row, 'cpu_capacity')),
      memoryMiB: Math.ceil(numberOf(row, 'mem_capacity') / 1_024),
      submittedAt: numberOf(row, 'submission_time'),
      durationMs: numberOf(row, 'duration'),
    }))
    .sort((a, b) => a.submittedAt - b.submittedAt || a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** `x-tasks.parquet` has its load in `x-fragments.parquet`. @throws RangeError when the name does not end so */
export function fragmentsFileOf(tasksFile: string): string {
  const fragments = tasksFile.replace(/tasks\.parquet$/, 'fragments.parquet');
  if (fragments === tasksFile)
    throw new RangeError(`The name of a workload file ends in tasks.parquet; ${tasksFile} does not.`);
  return fragments;
}

/** The load of every VM by its id, in the order of time. */
export async function readFragments(fragmentsFile: string): Promise<Map<string, Fragment[]>> {
  const fragments = new Map<string, Fragment[]>();
  for (const row of await readRows(fragmentsFile, ['id', 'duration', 'cpu_usage'])) {
    const id = String(row.id);
    const list = fragments.get(id) ?? [];
    if (list.length === 0) fragments.set(id, list);
    list.push({ durationMs: numberOf(row, 'duration'), cpuMhz: numberOf(row, 'cpu_usage') });
  }
  return fragments;
}

/** The load in MHz at a time after the VM's start, ms; 0 before the first fragment and after the last one. */
export function loadAt(fragments: readonly Fragment[], atMs: number): number {
  if (atMs < 0) return 0;
  let end = 0;
  for (const fragment of fragments) {
    end += fragment.durationMs;
    if (atMs < end) return fragment.cpuMhz;
  }
  return 0;
}

/** What a task does not say about its VM. */
export interface VmDefaults {
  os?: z.input<typeof guestSpec>['os'];
  diskGiB?: number;
  vpcId?: string;
  networkId?: string;
  placement?: z.input<typeof placementSpec>;
  ha?: z.input<typeof vmHaSpec>;
  start?: boolean;
}

/** The body that creates a VM in a VDC. */
export interface VmRequest {
  name: string;
  vpcId?: string;
  placement?: z.input<typeof placementSpec>;
  cpu: z.input<typeof cpuSpec>;
  memory: z.input<typeof memorySpec>;
  guest: z.input<typeof guestSpec>;
  disks: z.input<typeof diskSpec>[];
  nics: z.input<typeof nicSpec>[];
  ha?: z.input<typeof vmHaSpec>;
  start: boolean;
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, Math.ceil(value)));

/** A task as the request of a tenant, brought within what a VM may have: 1 to 64 vCPUs, 128 to 1,024,000 MiB. */
export function toVmRequest(task: Task, defaults: VmDefaults = {}): VmRequest {
  const { os = 'linux', diskGiB = 20, vpcId, networkId, placement, ha, start = true } = defaults;
  return {
    name: task.name,
    ...(vpcId === undefined ? {} : { vpcId }),
    ...(placement === undefined ? {} : { placement }),
    cpu: { vcpus: clamp(task.cpuCount, 1, 64) },
    memory: { sizeMiB: clamp(task.memoryMiB, 128, 1_024_000) },
    guest: { os },
    disks: [{ name: 'root', sizeGiB: diskGiB, boot: true }],
    nics: networkId === undefined ? [] : [{ networkId }],
    ...(ha === undefined ? {} : { ha }),
    start,
  };
}
