/** Limits of a question to the lab. All declared: they bound the time and the length of an answer. */

/** Most instructions of a stream. */
export const LAB_INSTRUCTIONS = 64;
/** Most accesses to one address. */
export const LAB_ACCESSES = 8;
/** Most entries of a TLB. */
export const LAB_TLB_ENTRIES = 65_536;
/** Largest memory of a host or a VM, MiB: 64 TiB, which a host's table reaches beside its own addresses. */
export const LAB_MEMORY_MIB = 67_108_864;
/** Most I/O requests, and most that share a notification. */
export const LAB_REQUESTS = 1_000;
/** Largest I/O request, bytes. */
export const LAB_REQUEST_BYTES = 16_777_216;
/** Most VMs of a host. */
export const LAB_VMS = 256;
/** Most sockets, cores of a socket, and NUMA nodes of a host. */
export const LAB_SOCKETS = 8;
export const LAB_CORES = 256;
export const LAB_NODES = 8;
/** Most vCPUs of a VM that the question may name; what a VM may have is the rules' affair. */
export const LAB_VCPUS = 4_096;
/** Largest clock, MHz, and largest capacity of a host, MHz. */
export const LAB_CLOCK_MHZ = 10_000;
export const LAB_CAPACITY_MHZ = 100_000_000;
/** Most shares of a VM. */
export const LAB_SHARES = 100_000_000;
/** Most stretches of an offered load, and seconds of all of them. */
export const LAB_STRETCHES = 64;
export const LAB_SECONDS = 600;
/** Largest rate of a load, Mbit/s. */
export const LAB_MBPS = 1_000_000;
/** Largest rate of a copy, MiB/s, and longest pause of a guest, ms. */
export const LAB_MIBPS = 1_000_000;
export const LAB_PAUSE_MS = 3_600_000;
/** Most rounds of a copy. */
export const LAB_ROUNDS = 1_000;
/** Most free ranges of a host. */
export const LAB_FREE_RANGES = 64;
/** Most VMs whose pages are looked at byte by byte, pages of each, and steps. */
export const LAB_SHARING_VMS = 32;
export const LAB_SHARING_PAGES = 8;
export const LAB_SHARING_STEPS = 32;
/** Longest text for a page, characters: longer than a page, so that a page's own limit is met first (MEM-9). */
export const LAB_PAGE_CHARACTERS = 8_192;
/** Most disks that a question may name, and the largest, GiB; what a migration may move is the rule's affair. */
export const LAB_DISKS = 64;
export const LAB_DISK_GIB = 65_536;
