import { BLOCK_BYTES } from '../kernel/units.ts';

/**
 * Every constant of the physics, with its unit, and its source or the word "declared": no public figure was found, or
 * several are possible, and this one was chosen. A figure that is not here follows from others.
 */

// ---- CPU ----

/** Hyper-threads that the management domain of a host takes. CPU-21. */
export const MANAGEMENT_VCPUS = 2;
/** Memory of the management domain as a share of the host's. Declared: CPU-21 gives no figure. */
export const MANAGEMENT_MEMORY_SHARE = 0.02;
/** Least memory of the management domain, MiB. Declared: CPU-21 gives no figure. */
export const MANAGEMENT_MEMORY_FLOOR_MIB = 2_048;
/** Cycles of one instruction on the bare CPU. Declared. */
export const CPU_INSTRUCTION_CYCLES = 1;
/** Cycles to intercept and filter one instruction (full, CISC), averaged over code filtered before. Declared. */
export const CPU_FILTER_CYCLES = 0.25;
/** Cycles to translate one instruction into safe ones (full, CISC). Declared; the order of CPU-12 must hold. */
export const CPU_TRANSLATION_CYCLES = 3_000;
/** Cycles of the exception into the VMM and the return (full, RISC). Declared. */
export const CPU_TRAP_CYCLES = 1_500;
/** Cycles of one call from a modified guest kernel to the VMM and back (para). Declared; the order of CPU-12 must hold. */
export const CPU_HANDOVER_CYCLES = 1_800;
/** Cycles of one VM-exit (hardware). Declared; the order of CPU-12 must hold. */
export const CPU_EXIT_CYCLES = 700;
/** Cycles of one VM-entry (hardware). Declared; the order of CPU-12 must hold. */
export const CPU_ENTRY_CYCLES = 500;
/** Cycles of the VMM to emulate one instruction once it has it, the same in all modes. Declared. */
export const CPU_EMULATION_CYCLES = 400;
/** Cycles to emulate the device behind one I/O instruction, on top of the emulation, the same in all modes. Declared. */
export const CPU_DEVICE_CYCLES = 8_000;
/** Ring in which a kernel runs that the VMM has de-privileged (CPU-6). Declared: rings 1 and 2 are both free for it. */
export const CPU_DEPRIVILEGED_RING = 1;
/** Share of ring-0 instructions among all of a busy guest. Declared: about 20 000/s at 2.5 GHz. */
export const BUSY_GUEST_PRIVILEGED_SHARE = 8e-6;
/** Share of sensitive ring-3 instructions among all of a busy CISC guest. Declared. */
export const BUSY_GUEST_SENSITIVE_SHARE = 2e-6;
/** Share of I/O instructions among all of a busy guest. Declared. */
export const BUSY_GUEST_IO_SHARE = 1e-6;

// ---- Memory: translation and pages ----
/** Smallest page and size of one table page, bytes (MEM-9). */
export const BASE_PAGE_BYTES = BLOCK_BYTES;
/** Bytes of one page-table entry (Intel SDM volume 3, 4-level paging). */
export const TABLE_ENTRY_BYTES = 8;
/** Entries of one table page: 9 address bits a level (Intel SDM volume 3, 4-level paging). */
export const TABLE_ENTRIES = 512;
/** Levels of a page table where nothing else is said: 4 (worked example K1; Intel SDM volume 3). */
export const TABLE_LEVELS = 4;
/** Most levels of a page table: 5 (Intel SDM volume 3, 5-level paging). */
export const TABLE_LEVELS_MOST = 5;
/** End of the machine's address space, bytes: 52 address bits (Intel SDM volume 3). */
export const MACHINE_ADDRESS_END = 2 ** 52;
/** Host virtual address at which the VMM keeps the memory of a VM, bytes; in user space, 1 GiB aligned. Declared. */
export const VM_HVA_BASE = 2 ** 46;
/** Memory at the top of a VM in which its guest OS keeps page tables, bytes. Declared. */
export const GUEST_TABLE_AREA_BYTES = 2 ** 20;
/** Huge page of a VM that asks for huge pages without a size: 2 MiB (MEM-11). */
export const DEFAULT_HUGE_PAGE = '2m';
/** Entries of the TLB: second-level TLB of Skylake (Intel optimisation reference manual), taken for every page size. */
export const TLB_ENTRIES = 1536;
/** Cycles of one memory reference of a page walk, mostly out of a cache. Declared. */
export const WALK_CYCLES_PER_REFERENCE = 30;
/** Cycles of one step of the VMM: VM exit, its work on a table, VM entry. Declared. */
export const VMM_STEP_CYCLES = 2_000;
/** Memory accesses of a busy VM, per second, where no measurement is given. Declared. */
export const MEMORY_ACCESSES_PER_SECOND = 500_000_000;

// ---- Memory: overcommit ----

/** Host memory that the fixed part of minFree stands for, MiB (worked example G1: the first 28 GB). */
export const MIN_FREE_FIRST_MIB = 28 * 1024;
/** The fixed part of minFree, MiB (worked example G1). */
export const MIN_FREE_BASE_MIB = 899;
/** The part of memory beyond the first 28 GB that is added to minFree (worked example G1: 1 %). */
export const MIN_FREE_REST_SHARE = 0.01;
/** Free memory above which a host is in state high, as a share of minFree (worked example G2). */
export const HIGH_ABOVE_SHARE = 4;
/** Free memory below which a host is in state clear, as a share of minFree (worked example G2). */
export const CLEAR_BELOW_SHARE = 1;
/** Free memory below which a host is in state soft, as a share of minFree (worked example G2). */
export const SOFT_BELOW_SHARE = 0.64;
/** Free memory below which a host is in state hard, as a share of minFree (worked example G2). */
export const HARD_BELOW_SHARE = 0.32;
/** Free memory below which a host is in state low, as a share of minFree (worked example G2). */
export const LOW_BELOW_SHARE = 0.16;
/** Tax on idle memory, a share (Waldspurger, Memory Resource Management in VMware ESX Server, OSDI 2002: 75 %). */
export const IDLE_TAX_RATE = 0.75;
/** Bytes that sharing keeps for each page that it has looked at (Waldspurger, OSDI 2002: hash table frames of 16 bytes). */
export const SHARING_RECORD_BYTES = 16;
/** Time to bring one 4 KiB page back from a virtualised local disk, microseconds. Declared. */
export const SWAP_IN_MICROSECONDS = 100;
/** Time of an access that finds its page in memory, microseconds. Declared. */
export const MEMORY_ACCESS_MICROSECONDS = 0.1;
/** Highest ratio of configured to physical memory, percent (OVC-5). */
export const OVERCOMMIT_CEILING_PERCENT = 150;
/** Lowest positive memory reservation of a VM, percent of its size (MEM-15). */
export const RESERVATION_FLOOR_PERCENT = 70;
/** Default memory shares of a VM per MiB of its size (MEM-15: MB x 10). */
export const MEMORY_SHARES_PER_MIB = 10;
/**
 * What stands in the memory that a guest has touched, by OS: pages of zeros and pages read from its image, as shares of
 * the touched memory, and the part of the image that a guest reads at most, MiB. The rest is the guest's own. Declared,
 * so that equal guests save what VMware's resource management guide names: below 5 % to above 30 % of memory.
 */
export const GUEST_CONTENT = {
  linux: { zeroShare: 0.08, imageShare: 0.15, imageMiB: 768 },
  windows: { zeroShare: 0.12, imageShare: 0.18, imageMiB: 1536 },
  other: { zeroShare: 0.05, imageShare: 0.1, imageMiB: 512 },
} as const;

// ---- I/O ----

/** CPU time of a hop for one request, ns at IO_REFERENCE_MHZ. Declared (IO-5): chosen so that K4 comes out. */
export const IO_HOP_NS = {
  application: 300,
  guestOs: 1_000,
  emulatedDriver: 800,
  virtioFrontEnd: 300,
  hardwareDriver: 300,
  trap: 1_500,
  ring: 100,
  qemuEmulated: 6_000,
  qemuVirtio: 1_000,
  hostDriver: 700,
} as const;
/** CPU time of KVM for one virtio notification, ns at IO_REFERENCE_MHZ; requests may share it. Declared. */
export const IO_NOTIFICATION_NS = 2_000;
/** Time of the physical device for one request, ns; no CPU time. Declared: a flash disk and a 10 GbE card. */
export const IO_DEVICE_NS = { disk: 80_000, nic: 5_000 } as const;
/** CPU time to copy one byte once, ns at IO_REFERENCE_MHZ. Declared: 10 GB/s. */
export const IO_COPY_NS_PER_BYTE = 0.1;
/** Clock at which the times of I/O hops hold, MHz. Declared. */
export const IO_REFERENCE_MHZ = 2_800;
/** Each further busy VM with an emulated device lengthens an emulated request by this share. Declared (IO-1). */
export const EMULATED_CONTENTION = 0.02;
/** Descriptors of a shared ring. QEMU's default queue size of virtio-net and virtio-blk. */
export const VIRTIO_RING_SIZE = 256;
/** Most descriptors of a shared ring. Virtual I/O Device (VIRTIO) 1.1, split virtqueues. */
export const VIRTIO_RING_MAX = 32_768;
/** Requests that share a notification under a steady load from a deep queue. Declared. */
export const VIRTIO_REQUESTS_PER_KICK = 32;
/** Most requests of one trace. Declared. */
export const IO_TRACE_MAX_REQUESTS = 1_000_000;
/** Payload that an SR-IOV card reached, Mb/s, and the VMs that shared it. K4: SR-IOV study, HPCA 2010. */
export const SRIOV_LINE_MBPS = 9_480;
export const SRIOV_VMS = 60;
/** Extra CPU per VM at that load, share of one hardware thread. K4: SR-IOV study, HPCA 2010. */
export const SRIOV_EXTRA_CPU_PER_VM = 0.0176;
/** Bytes of a network request without offloads. Ethernet MTU. */
export const ETHERNET_MTU_BYTES = 1_500;
/** Most cards for passthrough in one host. Declared (IO-3: PCI slots are few). */
export const HOST_PCI_SLOTS = 8;
/** Most functions of one card. PCI Express: 8 bits of a routing id name a function of a bus with ARI. */
export const CARD_MAX_FUNCTIONS = 256;

// ---- Network and disk QoS ----

/** Priority of a port when none is given; a lower number goes first. QOS-5, FusionCompute product documentation. */
export const SHAPING_PRIORITY_DEFAULT = 7;
/** Bytes of one KB of a disk's cap. Declared: decimal, as the 50 000 000 B/s of L3 are 50 000 KB/s. */
export const DISK_KB_BYTES = 1_000;

// ---- CPU and memory QoS ----

/** CPU weight of a VM per vCPU when none is given. QOS-1, FusionCompute product documentation. */
export const SHARES_PER_VCPU = 1_000;
/** Shares per vCPU and per MB of memory at the three levels. VMware vSphere 7.0 Resource Management. */
export const SHARE_LEVELS = {
  high: { perVcpu: 2_000, perMiB: 20 },
  normal: { perVcpu: 1_000, perMiB: 10 },
  low: { perVcpu: 500, perMiB: 5 },
} as const;
/** A resource pool's default shares are those of a VM with so many vCPUs and so much memory. VMware vSphere 7.0. */
export const POOL_LIKE_VCPUS = 4;
export const POOL_LIKE_MEMORY_MIB = 16_384;

// ---- NUMA ----
/** Time of an access to memory of another node, as a multiple of an access inside the node (NUMA-1). Declared: no public figure. */
export const REMOTE_ACCESS_FACTOR = 1.5;
/** Distance of a node to itself, ACPI SLIT units; Linux, LOCAL_DISTANCE. */
export const LOCAL_DISTANCE = 10;
/** Distance that each hop between nodes adds, ACPI SLIT units; Linux, REMOTE_DISTANCE 20 for one hop. */
export const HOP_DISTANCE = 10;
/** Most placements of single vnodes that one search tries: vnodes of one split VM, up to 8 on 8 nodes, stay below it. Declared. */
export const VNODE_SEARCH_STEPS = 200_000;

// ---- Migration ----
/** Bandwidth of a live migration when none is given, MiB/s. QEMU, max-bandwidth (128 MiB/s); MIG-3, H2. */
export const MIGRATION_BANDWIDTH_MIBPS = 128;
/** Longest pause at switch-over when none is given, ms. QEMU, downtime-limit; MIG-3, H2. */
export const MIGRATION_DOWNTIME_MS = 300;
/** Copy rounds before a live migration gives up when no number is given. Xen, xc_domain_save: 30 times round the loop. */
export const MIGRATION_MAX_ROUNDS = 30;
/** Most copy rounds that may be asked for: it bounds the work of one plan. Declared. */
export const MIGRATION_ROUNDS_CEILING = 10_000;
/** Auto-converge: the guest is slowed down when it dirties more than this percentage of what a round sent. QEMU, throttle-trigger-threshold. */
export const THROTTLE_TRIGGER_PERCENT = 50;
/** Auto-converge: rounds above the trigger before each step of the throttle, not necessarily in a row. QEMU, dirty_rate_high_cnt. */
export const THROTTLE_TRIGGER_ROUNDS = 2;
/** Auto-converge: first step, % of the guest's CPU time. QEMU, cpu-throttle-initial. */
export const THROTTLE_INITIAL_PERCENT = 20;
/** Auto-converge: each further step, % of the guest's CPU time. QEMU, cpu-throttle-increment. */
export const THROTTLE_INCREMENT_PERCENT = 10;
/** Auto-converge: most that is taken, % of the guest's CPU time. QEMU, max-cpu-throttle. */
export const THROTTLE_MAX_PERCENT = 99;
/** Most disks in one storage migration. FusionCompute API, migratevol; STO-5. */
export const STORAGE_COPY_MAX_DISKS = 11;
/** Least speed of a storage migration, MiB/s. FusionCompute API, migratevol: 20 MB/s; STO-5. Declared: its MB is read as MiB. */
export const STORAGE_COPY_MIN_MIBPS = 20;
/** Speed of a storage migration when none is given, MiB/s. Declared. */
export const STORAGE_COPY_MIBPS = 100;
/** VMs that a host takes at most. vSphere, configuration maximums: 1024 virtual machines per host. */
export const VMS_PER_HOST = 1_024;
/** Budget of a host for migrations, cost units. vSphere, limits on simultaneous migrations; MIG-7. */
export const HOST_MIGRATION_BUDGET = 8;
/** What a migration costs each of its hosts, units. vSphere; MIG-7. */
export const HOST_MIGRATION_COST = { live: 1, storage: 4 } as const;
/** Budget of a network below 10 GbE, cost units. vSphere gives it for 1 GbE; MIG-7. */
export const NETWORK_MIGRATION_BUDGET = 4;
/** Budget of a network of 10 GbE or more, cost units. vSphere; MIG-7. */
export const FAST_NETWORK_MIGRATION_BUDGET = 8;
/** From this bandwidth on a network has the larger budget, Mb/s. vSphere: 10 GbE; MIG-7. */
export const FAST_NETWORK_MBPS = 10_000;
/** What a migration costs its network, units: a storage migration inside a host costs none. vSphere; MIG-7. */
export const NETWORK_MIGRATION_COST = { live: 1, storage: 0 } as const;
/** Budget of a datastore for migrations, cost units. vSphere; MIG-7. */
export const DATASTORE_MIGRATION_BUDGET = 128;
/** What a migration costs each of its datastores, units. vSphere; MIG-7. */
export const DATASTORE_MIGRATION_COST = { live: 1, storage: 16 } as const;

// ---- Load of a guest that says nothing of it ----

/** Share of its vCPUs that an idle guest keeps busy: timers and daemons. Declared. */
export const IDLE_CPU = 0.02;
/** Memory that a guest has touched once it has booted, share of its size. Declared. */
export const BOOTED_TOUCHED_SHARE = 0.25;
/** Of what it has touched, share that it uses all the time. Declared. */
export const ACTIVE_SHARE = 0.5;
/** Size of a disk request, KiB: a page of MEM-9. Declared. */
export const REQUEST_KIB = 4;

// ---- What the VMs of a host get ----

/** Requests that a guest keeps under way at most, requests. A disk's: declared. A NIC's: a full ring of virtio-net. */
export const GUEST_QUEUE_DEPTH = { disk: 32, nic: VIRTIO_RING_SIZE } as const;
