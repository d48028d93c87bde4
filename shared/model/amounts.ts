/**
 * What a host's ledger counts. vCPUs, reserved MHz, memory and VMs are counted on every host; the rest only where there is
 * something of it: reserved memory (QOS-4), huge pages set aside (MEM-12), functions of SR-IOV cards (IO-3), what
 * migrations cost (MIG-7), and the NUMA nodes of hosts whose cluster shows guests a NUMA (NUMA-4).
 */
export type Dimension =
  | 'vcpus'
  | 'mhz'
  | 'memoryMiB'
  | 'vms'
  | 'reservedMiB'
  | 'pages2m'
  | 'pages1g'
  | 'nicFunctions'
  | 'diskFunctions'
  | 'migrations'
  | `node${number}Vcpus`
  | `node${number}MiB`;
export interface BaseAmounts {
  vcpus: number;
  mhz: number;
  memoryMiB: number;
}
export type Amounts = BaseAmounts & Partial<Record<Dimension, number>>;

export const nodeVcpus = (node: number): Dimension => `node${node}Vcpus`;
export const nodeMiB = (node: number): Dimension => `node${node}MiB`;

export const nothing = (): Amounts => ({ vcpus: 0, mhz: 0, memoryMiB: 0 });
export const dimensionsOf = (amounts: Amounts): Dimension[] => Object.keys(amounts) as Dimension[];

/** a + times x b, in every dimension that either counts. */
export function plus(a: Amounts, b: Amounts, times = 1): Amounts {
  const sum: Amounts = { ...a };
  for (const d of dimensionsOf(b)) sum[d] = (sum[d] ?? 0) + times * (b[d] ?? 0);
  return sum;
}
export const minus = (a: Amounts, b: Amounts): Amounts => plus(a, b, -1);
export const sumOf = (all: readonly Amounts[]): Amounts => all.reduce((sum, a) => plus(sum, a), nothing());

/** The dimensions that are not 0: what an update of a ledger needs to name. */
export const changed = (amounts: Amounts): [Dimension, number][] =>
  dimensionsOf(amounts).flatMap((d) => (amounts[d] ? [[d, amounts[d] as number] as [Dimension, number]] : []));
