import type { Question } from './questions.ts';

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
const storage = (more: object): Question => ({
  experiment: 'storage-migration',
  disks: [{ name: 'root', sizeGiB: 10 }],
  ...more,
});
const pages = (more: object, host: object = {}): Question => ({
  experiment: 'pages',
  host: { memoryMiB: 8192, ...host },
  sizeMiB: 1024,
  pageSizes: ['2m'],
  ...more,
});
const sharing = (content: string, ...steps: NonNullable<Extract<Question, { experiment: 'sharing' }>['steps']>) =>
  ({ experiment: 'sharing', vms: [{ id: 'a', pages: ['kernel', content] }], steps }) satisfies Question;
const device = (mode: 'emulated' | 'virtio' | 'passthrough', vm: object, host: object = {}): Question => ({
  experiment: 'device',
  ...host,
  vms: [{ id: 'a', mode, ...vm }],
});

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
  [
    'twelve disks at once',
    'STO-5',
    '',
    storage({ disks: Array.from({ length: 12 }, (_, i) => ({ name: `d${i}`, sizeGiB: 1 })) }),
  ],
  ['no disk', 'STO-5', '', storage({ disks: [] })],
  ['less than 20 MiB/s', 'STO-5', '', storage({ bandwidthMiBps: 19 })],
  ['more used than a disk has', 'STO-5', '', storage({ disks: [{ name: 'root', sizeGiB: 1, usedGiB: 2 }] })],
  ['huge pages that nobody set aside', 'MEM-12', 'pageSizes.0', pages({})],
  ['more huge pages than are set aside', 'MEM-12', 'pageSizes.0', pages({}, { hugePages: { '2m': 511 } })],
  ['huge pages of the other size', 'MEM-12', 'pageSizes.0', pages({}, { hugePages: { '1g': 4 } })],
  ['a pool that does not fit', 'MEM-12', 'host.hugePages', pages({}, { hugePages: { '1g': 9 } })],
  ['a pool of less than nothing', 'MEM-12', 'host.hugePages', pages({}, { hugePages: { '2m': -1 } })],
  ['a VM that is no whole number of huge pages', 'MEM-11', 'pageSizes.0', pages({ sizeMiB: 1025 })],
  ['a VM without a page', 'MEM-11', 'sizeMiB', pages({ sizeMiB: 0 })],
  ['guest pages that are larger than the VM', 'MEM-11', 'guestPageSize', pages({ sizeMiB: 512, guestPageSize: '1g' })],
  ['more in use than the VM has', 'OVC-1', 'activeMiB', pages({ activeMiB: 1025 })],
  [
    'free memory named twice',
    'MEM-13',
    'host.freeRanges',
    pages(
      {},
      {
        freeRanges: [
          { first: 0, pages: 10 },
          { first: 9, pages: 10 },
        ],
      },
    ),
  ],
  [
    'more free memory than the host has',
    'MEM-13',
    'host.freeRanges',
    pages({}, { hugePages: { '2m': 512 }, freeRanges: [{ first: 0, pages: 7168 * 256 + 1 }] }),
  ],
  ['transparent huge pages of no memory', 'OVC-5', 'pageSizes.0', pages({ sizeMiB: 9000, pageSizes: ['thp'] })],
  ['a text that is longer than a page', 'MEM-9', 'vms.0.pages.1', sharing('x'.repeat(4097))],
  [
    'a text that is longer than a page in bytes alone',
    'MEM-9',
    'steps.0',
    sharing('', { do: 'write', vm: 'a', page: 0, text: 'é'.repeat(2049) }),
  ],
  [
    'a write of a VM that is not there',
    'OVC-4',
    'steps.1',
    sharing('', { do: 'scan' }, { do: 'write', vm: 'b', page: 0, text: '' }),
  ],
  ['a line below 0', 'IO-2', '', device('virtio', {}, { lineMbps: -1 })],
  ['a backend below 0', 'IO-1', '', device('emulated', {}, { backendMhz: -1 })],
  ['a VM that wants less than nothing', 'IO-3', '', device('passthrough', { wantedMbps: -1 })],
  ['requests without bytes', 'IO-2', '', device('virtio', { requestBytes: 0 })],
];
