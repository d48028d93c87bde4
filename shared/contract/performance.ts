import * as z from 'zod';

/** Shapes of the performance view. MHz and MiB are of the whole VM; shares run from 0 to 1. */
const n = z.number();
const rates = z.object({ read: n, write: n });
const device = z.object({
  name: z.string(),
  io: z.string().describe('the mode in effect'),
  fallback: z.string().optional().describe('why it is not the one asked for'),
  wanted: rates.extend({ unit: z.string() }),
  granted: rates,
  boundBy: z.string(),
  path: z.array(z.string()).describe('hop by hop'),
  exitsPerSecond: n,
  hostMhz: n,
  guestMhz: n,
  latencyMicroseconds: n,
  where: z.string().describe('where the cost arises'),
});
const vm = z.object({
  vmId: z.string(),
  summary: z.array(z.string()),
  cpu: z.object({
    mode: z.string(),
    vcpus: n,
    wantedMhz: n,
    grantedMhz: n,
    usefulMhz: n,
    overheadMhz: n,
    floorMhz: n,
    ceilingMhz: n,
    shares: n,
    boundBy: z.enum(['demand', 'limit', 'reservation', 'shares']),
    readyPercent: n,
    limitedPercent: n,
    exitsPerSecond: n,
    trapsPerSecond: n,
    translationsPerSecond: n,
    handedOverPerSecond: n,
  }),
  memory: z.object({
    sizeMiB: n,
    residentMiB: n,
    sharedMiB: n,
    balloonedMiB: n,
    swappedMiB: n,
    hostState: z.string(),
    pageSize: z.string(),
    scheme: z.string(),
    walk: z.object({ referencesPerMiss: n, missRatio: n, referencesPerAccess: n, tlbReachMiB: n }),
    slowdown: n,
  }),
  numa: z.object({
    nodes: z.array(z.object({ node: n, vcpus: n, memoryMiB: n })),
    localShare: n,
    remoteShare: n,
    spilled: z.boolean(),
    why: z.string(),
  }),
  disks: z.array(device),
  nics: z.array(device),
});

export const vmPerformance = vm.extend({ at: z.iso.datetime() });
export const hostPerformance = z.object({
  at: z.iso.datetime(),
  hostId: z.string(),
  cpu: z.record(z.string(), n),
  memory: z.record(z.string(), z.unknown()),
  numa: z.array(z.record(z.string(), n)),
  vms: z.array(vm),
});
