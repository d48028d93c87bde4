/**
 * Every constant of the physics, with its unit, and its source or the word "declared": no public figure was found, or
 * several are possible, and this one was chosen. A figure that is not here follows from others.
 */

// ---- CPU ----

// ---- Memory: translation and pages ----

// ---- Memory: overcommit ----

// ---- I/O ----

// ---- Network and disk QoS ----

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

// ---- Migration ----
