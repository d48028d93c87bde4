import type * as z from 'zod';
import type { labSpec } from '../../../shared/hypervisor/lab/lab.ts';

/** As a client sends it, defaults left out. */
export type Question = z.input<typeof labSpec>;

const STREAM = ['add', 'mov-cr3', 'popf', 'out', { name: 'own', ring: 3, sensitive: true }];
const EVERY_SCHEME: Extract<Question, { experiment: 'address' }>['schemes'] = [
  'native',
  'three-tables',
  'shadow',
  'nested',
];
const busy = (id: string) => ({ id, sizeMiB: 8192, activeMiB: 6000 });

/** Possible questions, by what they are about. */
export const POSSIBLE: Record<string, Question> = {
  'x86 in every mode': {
    experiment: 'instructions',
    architecture: 'x86',
    modes: ['none', 'full', 'para', 'hardware'],
    stream: STREAM,
  },
  'a closed kernel on a CPU without VT-x': {
    experiment: 'instructions',
    architecture: 'x86',
    modes: ['full', 'para', 'hardware'],
    guest: { os: 'windows' },
    host: { hardwareVirtualisation: false },
    stream: STREAM,
  },
  'ARM in every mode': {
    experiment: 'instructions',
    architecture: 'arm',
    modes: ['none', 'full', 'para', 'hardware'],
    stream: ['ldr', 'msr', 'str-mmio'],
  },
  'an address with a remap': {
    experiment: 'address',
    schemes: EVERY_SCHEME,
    memoryMiB: 64,
    address: '0x1234',
    accesses: 3,
    remap: true,
    kind: 'write',
  },
  'an address in huge pages': {
    experiment: 'address',
    schemes: EVERY_SCHEME,
    memoryMiB: 4096,
    address: 3_000_000_000,
    pageSize: '1g',
    hostPageSize: '2m',
    tlbEntries: 0,
  },
  'disk requests': {
    experiment: 'io',
    modes: ['virtio', 'emulated', 'passthrough'],
    requests: 100,
    bytes: 4096,
    batch: 8,
  },
  'a guest without PV driver': {
    experiment: 'io',
    modes: ['virtio'],
    kind: 'nic',
    requests: 5,
    bytes: 1500,
    guest: { os: 'windows', pvDriver: false },
  },
  'a contended core': {
    experiment: 'contention',
    host: { cores: 1, mhz: 2800 },
    vms: [
      { id: 'a', vcpus: 1, shares: 1000, reservationMhz: 700 },
      { id: 'b', vcpus: 1, shares: 2000 },
      { id: 'c', vcpus: 1, shares: 4000, limitMhz: 500, demandMhz: 1000 },
      { id: 'd', vcpus: 1, demandMhz: 10 },
    ],
  },
  'a host under pressure': {
    experiment: 'memory',
    host: { memoryMiB: 65_536 },
    overcommit: { swapMiB: 16_384 },
    vms: Array.from({ length: 11 }, (_, i) => busy(`vm-${i}`)),
  },
  'a host without overcommit': {
    experiment: 'memory',
    host: { memoryMiB: 16_384, hugePoolMiB: 4096 },
    overcommit: { enabled: false },
    vms: [
      { id: 'a', sizeMiB: 4096, hugePagesMiB: 4096 },
      { id: 'b', sizeMiB: 4096, paused: true },
    ],
  },
  'vnodes and a wide VM': {
    experiment: 'numa',
    host: { sockets: 2, coresPerSocket: 8, memoryMiB: 65_536 },
    interconnect: 'ring',
    vms: [
      { id: 'wide', vcpus: 20, memoryMiB: 30_000 },
      { id: 'split', vcpus: 8, coresPerSocket: 4, memoryMiB: 16_384, vnodes: 2 },
    ],
  },
  'a burst that waits': {
    experiment: 'shaping',
    averageMbps: 100,
    peakMbps: 200,
    burstMbit: 100,
    load: [
      { seconds: 2, mbps: 400 },
      { seconds: 3, mbps: 0 },
    ],
  },
  'a load below the average': {
    experiment: 'shaping',
    direction: 'receive',
    averageMbps: 100,
    load: [{ seconds: 2, mbps: 50 }],
    excess: 'drop',
  },
  'a migration': { experiment: 'migration', memoryMiB: 8192, dirtyMiBps: 20 },
  'a migration that never ends': { experiment: 'migration', memoryMiB: 8192, dirtyMiBps: 200 },
  'a migration that slows the guest down': {
    experiment: 'migration',
    memoryMiB: 8192,
    dirtyMiBps: 200,
    autoConverge: true,
  },
};

const x86 = (stream: (string | { name: string; ring: number; sensitive?: boolean })[]): Question => ({
  experiment: 'instructions',
  architecture: 'x86',
  modes: ['full'],
  stream,
});
const onlyMode = (mode: 'para' | 'hardware', more: object): Question => ({
  experiment: 'instructions',
  architecture: 'x86',
  modes: [mode],
  stream: ['add'],
  ...more,
});
const address = (more: object): Question => ({
  experiment: 'address',
  schemes: ['nested'],
  memoryMiB: 64,
  address: 0,
  ...more,
});
const contention = (...vms: Extract<Question, { experiment: 'contention' }>['vms']): Question => ({
  experiment: 'contention',
  capacityMhz: 1000,
  vms,
});
const memory = (vm: object, host: object = {}, overcommit: object = {}): Question => ({
  experiment: 'memory',
  host: { memoryMiB: 16_384, ...host },
  overcommit,
  vms: [{ id: 'a', sizeMiB: 1000, ...vm }],
});
const numa = (vm: object, host: object = {}): Question => ({
  experiment: 'numa',
  host: { sockets: 2, coresPerSocket: 8, memoryMiB: 65_536, ...host },
  vms: [{ id: 'a', vcpus: 6, memoryMiB: 1000, ...vm }],
});
const shaping = (values: object): Question => ({
  experiment: 'shaping',
  averageMbps: 100,
  load: [{ seconds: 1, mbps: 1 }],
  ...values,
});
const migration = (more: object): Question => ({ experiment: 'migration', memoryMiB: 1024, dirtyMiBps: 10, ...more });

/** Impossible questions: the rule that forbids them, and the part of the question at fault ('' = as a whole). */
export const IMPOSSIBLE: [what: string, rule: string, at: string, Question][] = [
  ['a ring that no CPU has', 'CPU-1', 'stream.1', x86(['add', { name: 'x', ring: 4 }])],
  ['a ring below 0', 'CPU-1', 'stream.0', x86([{ name: 'x', ring: -1 }])],
  ['an instruction that nobody knows', 'CPU-2', 'stream.0', x86(['frobnicate'])],
  [
    'a sensitive RISC instruction outside of ring 0',
    'CPU-4',
    'stream.0',
    { ...x86([{ name: 'x', ring: 3, sensitive: true }]), architecture: 'arm' } as Question,
  ],
  ['para for a closed kernel', 'CPU-9', 'modes.0', onlyMode('para', { guest: { os: 'windows' } })],
  [
    'para for a kernel that is not modified',
    'CPU-9',
    'modes.0',
    onlyMode('para', { guest: { os: 'linux', paravirtual: false } }),
  ],
  ['hardware without VT-x', 'CPU-10', 'modes.0', onlyMode('hardware', { host: { hardwareVirtualisation: false } })],
  ['an address outside of the VM', 'MEM-3', 'address', address({ address: '0x4000000' })],
  ['an address below 0', 'MEM-3', 'address', address({ address: -1 })],
  ['no level of a table', 'MEM-3', 'levels', address({ levels: 0 })],
  ['six levels of a table', 'MEM-3', 'levels', address({ levels: 6 })],
  ['more memory than the levels reach', 'MEM-3', 'memoryMiB', address({ levels: 1 })],
  ['a remap in a VM of one page', 'MEM-3', 'remap', address({ memoryMiB: 2, pageSize: '2m', remap: true })],
  ['memory that is no whole number of host pages', 'MEM-11', 'memoryMiB', address({ hostPageSize: '1g' })],
  ['memory that is no whole number of guest pages', 'MEM-11', 'pageSize', address({ memoryMiB: 65, pageSize: '2m' })],
  [
    'reservations over capacity',
    'QOS-2',
    'vms',
    contention({ id: 'a', vcpus: 1, reservationMhz: 600 }, { id: 'b', vcpus: 1, reservationMhz: 600 }),
  ],
  [
    'a reservation that the vCPUs cannot take',
    'QOS-2',
    'vms.0.reservationMhz',
    contention({ id: 'a', vcpus: 1, reservationMhz: 1001 }),
  ],
  [
    'a limit below the reservation',
    'QOS-3',
    'vms.0.limitMhz',
    contention({ id: 'a', vcpus: 1, reservationMhz: 600, limitMhz: 500 }),
  ],
  ['a memory reservation above the size', 'MEM-15', 'vms.0.reservationMiB', memory({ reservationMiB: 1001 })],
  ['more in use than touched', 'OVC-1', 'vms', memory({ touchedMiB: 10, activeMiB: 11 })],
  ['more touched than the VM has', 'OVC-1', 'vms', memory({ touchedMiB: 1001 })],
  ['a ratio above the ceiling', 'OVC-5', 'vms', memory({}, {}, { ratioPercent: 151 })],
  ['VMs above the ratio', 'OVC-5', 'vms', memory({ sizeMiB: 30_000 })],
  ['VMs above the memory without overcommit', 'OVC-5', 'vms', memory({ sizeMiB: 16_000 }, {}, { enabled: false })],
  ['reservations above the memory', 'QOS-4', 'vms', memory({ sizeMiB: 16_000, reservationMiB: 16_000 })],
  ['a pool that the host has not', 'OVC-7', 'vms', memory({}, { hugePoolMiB: 20_000 })],
  ['huge pages out of no pool', 'MEM-12', 'vms', memory({ hugePagesMiB: 1000 })],
  ['cores that the nodes do not divide', 'NUMA-1', 'host', numa({}, { numaNodes: 3 })],
  ['vCPUs that the vnodes do not divide', 'NUMA-3', 'vms.0', numa({ vnodes: 4 })],
  ['cores per socket that do not divide the vCPUs', 'ELA-1', 'vms.0', numa({ coresPerSocket: 4 })],
  ['more vCPUs than a VM may have', 'ELA-1', 'vms.0', numa({ vcpus: 65 })],
  ['a vnode without memory', 'NUMA-3', 'vms.0', numa({ memoryMiB: 1, vnodes: 2 })],
  ['vnodes that are larger than the nodes', 'NUMA-4', 'vms.0', numa({ memoryMiB: 64_000, vnodes: 2 })],
  ['VMs that the host has no room for', 'NUMA-4', 'vms', numa({ memoryMiB: 65_536 })],
  ['a peak below the average', 'QOS-5', '', shaping({ peakMbps: 50 })],
  ['an average of nothing', 'QOS-5', '', shaping({ averageMbps: 0 })],
  ['a burst beyond the range', 'QOS-5', '', shaping({ burstMbit: 10_001 })],
  ['a VM without memory', 'MIG-3', '', migration({ memoryMiB: 0 })],
  ['a link that carries nothing', 'MIG-3', '', migration({ bandwidthMiBps: 0 })],
  ['a guest that writes less than nothing', 'MIG-3', '', migration({ dirtyMiBps: -1 })],
  ['no round at all', 'MIG-3', '', migration({ maxRounds: 0 })],
  ['more zeros than memory', 'MIG-3', '', migration({ zeroPagesMiB: 2000 })],
];
