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
  'vCPUs that are not equally busy': {
    experiment: 'contention',
    host: { cores: 2, mhz: 2800 },
    vms: [
      { id: 'a', vcpus: 2, vcpuDemandsMhz: [2800, 400], limitMhz: 3000 },
      { id: 'b', vcpus: 4 },
    ],
  },
  'pages of every size, some of which the host lacks': {
    experiment: 'pages',
    host: { memoryMiB: 8192, hugePages: { '2m': 512, '1g': 2 }, freeRanges: [{ first: 1, pages: 1_000_000 }] },
    sizeMiB: 2048,
    pageSizes: ['4k', '2m', '1g', 'thp'],
  },
  'huge pages under a guest of small ones': {
    experiment: 'pages',
    host: { memoryMiB: 8192, hugePages: { '2m': 512 } },
    sizeMiB: 1024,
    activeMiB: 1000,
    pageSizes: ['2m'],
    guestPageSize: '4k',
    scheme: 'shadow',
    tlbEntries: 0,
  },
  'pages that two tenants have': {
    experiment: 'sharing',
    vms: [
      { id: 'a', tenantId: 'red', pages: ['kernel', 'libc', 'own'] },
      { id: 'b', tenantId: 'red', pages: ['kernel', 'libc'] },
      { id: 'c', tenantId: 'blue', pages: ['kernel'] },
    ],
    steps: [
      { do: 'scan' },
      { do: 'write', vm: 'b', page: 0, text: 'patched' },
      { do: 'write', vm: 'b', page: 0, text: 'patched twice' },
      { do: 'write', vm: 'c', page: 3, text: '' },
      { do: 'scan' },
    ],
  },
  'pages that all tenants share': {
    experiment: 'sharing',
    scope: 'host',
    vms: [
      { id: 'a', tenantId: 'red', pages: ['kernel'] },
      { id: 'b', tenantId: 'blue', pages: ['kernel'] },
      { id: 'c', tenantId: 'blue', pages: ['kernel'], pinned: true },
    ],
  },
  'a card that all modes use': {
    experiment: 'device',
    vms: [
      { id: 'old', mode: 'emulated', count: 3 },
      { id: 'modest', mode: 'virtio', wantedMbps: 100, requestBytes: 65_536 },
      { id: 'direct', mode: 'passthrough' },
    ],
  },
  'a card without a line': { experiment: 'device', lineMbps: 0, backendMhz: 0, vms: [{ id: 'a', mode: 'virtio' }] },
  'a storage migration': {
    experiment: 'storage-migration',
    disks: [
      { name: 'root', sizeGiB: 40, usedGiB: 15 },
      { name: 'data', sizeGiB: 5 },
    ],
    writeMiBps: 10,
  },
  'a storage migration that never ends': {
    experiment: 'storage-migration',
    disks: [{ name: 'root', sizeGiB: 20 }],
    writeMiBps: 200,
  },
};
