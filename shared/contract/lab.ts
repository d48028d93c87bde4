import * as z from 'zod';
import { INSTRUCTION_CLASSES } from '../hypervisor/cpu/instruction.ts';
import { CPU_MODES } from '../hypervisor/cpu/modes.ts';
import { SCHEMES } from '../hypervisor/lab/address-spec.ts';
import { labSpec } from '../hypervisor/lab/lab.ts';
import { MEMORY_STATES } from '../hypervisor/overcommit/states.ts';
import { guestSpec } from '../model/vm.ts';
import { pages, sharing } from './lab-pages.ts';
import { answer, each, figures, flags, page, refusal, texts } from './lab-shape.ts';

/** The questions to the hypervisor lab; each experiment keeps the shape of its own. */
export const labRequest = labSpec;

const cpuMode = z.enum(CPU_MODES);
const instructionClass = z.enum(INSTRUCTION_CLASSES);
const instructions = answer('instructions', {
  architecture: z.enum(['x86', 'arm']),
  instructionSet: z.enum(['cisc', 'risc']),
  stream: z.array(
    z.object({ name: z.string(), ring: z.int(), class: instructionClass, ...flags('sensitive', 'privileged', 'io') }),
  ),
  modes: z.array(
    z.discriminatedUnion('ran', [
      z.object({
        mode: cpuMode,
        ran: z.literal(true),
        trace: z.array(
          z.object({
            index: z.int(),
            name: z.string(),
            class: instructionClass,
            outcome: z.enum(['done', 'fault']),
            hops: z.array(
              z.object({
                at: z.enum(['guest', 'kernel', 'user', 'device', 'cpu', 'vmm']).describe('kernel is KVM, user is QEMU'),
                ring: z.int().optional(),
                cpuMode: z.enum(['root', 'non-root']).optional(),
                what: z.string(),
              }),
            ),
            cycles: z.number(),
          }),
        ),
        counters: z.object({
          ...figures('instructions', 'plain', 'privileged', 'sensitive', 'io', 'faults', 'intercepted', 'traps'),
          ...figures('translations', 'handedOver', 'exits', 'entries', 'emulated', 'cycles', 'vmmCycles'),
        }),
      }),
      z.object({ mode: cpuMode, ran: z.literal(false), refusals: z.array(refusal) }),
    ]),
  ),
  comparison: z
    .array(
      z.object({
        mode: cpuMode,
        ...texts('detector', 'ring3Path', 'vmmOverhead', 'guestDemand', 'cpuDemand'),
        ...figures('cycles', 'vmmCycles', 'timesBareCpu'),
      }),
    )
    .describe('modes with a VMM that ran, the cheapest first (CPU-12)'),
});

const address = answer('address', {
  memoryMiB: z.number(),
  pageSize: page,
  hostPageSize: page,
  levels: z.int(),
  kind: z.enum(['read', 'write']),
  address: z.string(),
  guestPhysicalAddresses: z.array(z.string()).describe('before and after the remap'),
  sameMachineAddress: z.boolean().describe('whether all schemes led to the same places'),
  schemes: z.array(
    z.object({
      scheme: z.enum(SCHEMES),
      accesses: z.array(
        z.object({
          access: z.int(),
          ...texts('what', 'machineAddress'),
          tlb: z.enum(['hit', 'miss']),
          ...figures('references', 'tablesConsulted', 'eptViolations', 'vmmSteps'),
          steps: z.array(
            z.object({
              ...texts('layer', 'owner', 'table', 'from', 'what'),
              to: z.string().nullable(),
              references: z.number(),
            }),
          ),
        }),
      ),
      remap: z.object({ ...figures('afterAccess', 'entryWrites', 'vmmSteps'), what: z.string() }).optional(),
    }),
  ),
});

const ioMode = z.enum(['emulated', 'virtio', 'passthrough']);
const ioHop = z.object({
  ...texts('name', 'layer', 'what'),
  paidBy: z.enum(['guest', 'host', 'device']),
  ...flags('exit', 'sharedByRequests'),
  ...figures('copies', 'count', 'ns'),
});
const io = answer('io', {
  kind: z.enum(['disk', 'nic']),
  ...figures('requests', 'bytes', 'batch'),
  guest: guestSpec,
  modes: z.array(
    z.object({
      asked: ioMode,
      mode: ioMode.describe('in effect'),
      fallback: z.string().optional(),
      path: z.array(ioHop),
      notification: ioHop.nullable().describe('beside the path'),
      ...figures('exits', 'notifications', 'exitsPerRequest', 'copies', 'latencyNs', 'hostCpuNs', 'guestCpuNs'),
      where: z.string().describe('where the cost arises'),
      loses: z.array(z.object(texts('name', 'grade'))).optional(),
    }),
  ),
  order: z
    .array(
      z.object({
        mode: ioMode,
        ...figures('hostCpuNsPerRequest', 'guestCpuNsPerRequest', 'exitsPerRequest', 'latencyNs'),
      }),
    )
    .describe('the least work for the host first'),
});

const contention = answer('contention', {
  ...figures('capacityMhz', 'clockMhz', 'grantedMhz', 'idleMhz'),
  levelMhzPerShare: z.number().nullable().describe('null when no VM is bound by its shares'),
  vms: z.array(
    z.object({
      id: z.string(),
      ...figures('grantedMhz', 'perVcpuMhz', 'floorMhz', 'ceilingMhz', 'shares', 'readyPercent', 'limitedPercent'),
      vcpusMhz: z.array(z.number()).optional().describe('of each vCPU, where the question says what each wants'),
      boundBy: z.enum(['demand', 'limit', 'reservation', 'shares']),
      why: z.string(),
    }),
  ),
});

const memoryState = z.enum(MEMORY_STATES);
const memory = answer('memory', {
  ...figures('physicalMiB', 'managementMiB', 'hugePoolMiB', 'promisedMiB', 'promisedPercent'),
  state: memoryState,
  ...figures('minFreeMiB', 'freeMiB', 'residentMiB', 'savedBySharingMiB', 'swappedMiB', 'balloonedMiB'),
  ...figures('overheadMiB', 'shortfallMiB'),
  newAllocationsBlocked: z.boolean(),
  steps: z.array(
    z.object({ technique: z.enum(['sharing', 'balloon', 'swap']), reclaimedMiB: z.number(), state: memoryState }),
  ),
  thresholds: z.array(z.object({ state: memoryState, beginsAtMiB: z.number() })),
  vms: z.array(
    z.object({
      id: z.string(),
      ...figures('sizeMiB', 'activeMiB', 'reservationMiB', 'shares', 'residentMiB', 'touchedMiB', 'sharedMiB'),
      ...figures('savedMiB', 'balloonedMiB', 'swappedMiB', 'blockedMiB', 'hugePagesMiB', 'targetMiB'),
      ...figures('swapInShare', 'slowdown'),
      why: z.string(),
    }),
  ),
});

const size = figures('vcpus', 'memoryMiB');
const numa = answer('numa', {
  interconnect: z.enum(['full', 'ring']),
  nodes: z.array(
    z.object({
      id: z.int(),
      ...size,
      ...figures('managementVcpus', 'managementMiB', 'usedVcpus', 'usedMiB'),
      vms: z.array(z.string()),
    }),
  ),
  vms: z.array(
    z.object({
      id: z.string(),
      vnodes: z.array(z.object({ vnode: z.int(), node: z.int(), ...size })).optional(),
      ...each(z.array(z.number()), 'vcpusOn', 'memoryMiBOn'),
      ...figures('localShare', 'remoteShare', 'accessSlowdown'),
      spilled: z.boolean(),
      why: z.string(),
    }),
  ),
});

const shaping = answer('shaping', {
  direction: z.enum(['send', 'receive']),
  ...figures('averageMbps', 'peakMbps', 'burstMbit', 'peakSeconds'),
  burstEndsAtSecond: z.number().nullable().describe('null when the bucket never ran empty'),
  ...figures('offeredMbit', 'passedMbit', 'droppedMbit', 'waitingMbit', 'mostMbit'),
  seconds: z.array(
    z.object(figures('second', 'offeredMbit', 'passedMbit', 'waitingMbit', 'droppedMbit', 'tokensMbit')),
  ),
});

const copyAdvice = z.object({
  ...each(z.number().optional(), 'bandwidthMiBps', 'dirtyMiBps'),
  allowedPauseMs: z.number(),
});
const migration = answer('migration', {
  outcome: z.enum(['completed', 'not-converged']),
  ...figures('dirtyPerBandwidth', 'bandwidthMiBps', 'remainderMiB', 'downtimeMs', 'totalSeconds', 'sentMiB'),
  lostCpuSeconds: z.number(),
  rounds: z.array(z.object({ round: z.int(), ...figures('sentMiB', 'seconds', 'dirtyRateMiBps', 'throttlePercent') })),
  reason: z.string().optional(),
  advice: copyAdvice.optional(),
  wouldHelp: z.array(z.string()),
});

const storageMigration = answer('storage-migration', {
  outcome: z.enum(['completed', 'not-converged']),
  ...figures('writesPerBandwidth', 'bandwidthMiBps', 'remainderMiB', 'pauseMs', 'totalSeconds', 'sentMiB'),
  rounds: z.array(z.object({ round: z.int(), ...figures('sentMiB', 'seconds') })),
  reason: z.string().optional(),
  advice: copyAdvice.optional(),
  wouldHelp: z.array(z.string()),
});

const deviceTotal = {
  ...figures('vms', 'mbps', 'hostMhz', 'backendMhz'),
  hostMhzPerMbps: z.number().nullable().describe('null when nothing passes'),
};
const device = answer('device', {
  ...figures('lineMbps', 'backendMhz'),
  total: z.object(deviceTotal),
  vms: z.array(
    z.object({
      id: z.string(),
      count: z.int().describe('VMs that are alike; the figures are of each'),
      mode: ioMode,
      ...figures('wantedMbps', 'requestBytes', 'mbps', 'requestsPerSecond', 'hostMhz', 'hostThreadShare'),
      boundBy: z.enum(['demand', 'line', 'backend CPU']),
      why: z.string(),
    }),
  ),
  comparison: z.array(z.object({ mode: ioMode, ...deviceTotal })).describe('the same VMs, all in one mode'),
});

export const labAnswer = z.discriminatedUnion('experiment', [
  instructions,
  address,
  io,
  contention,
  memory,
  numa,
  shaping,
  migration,
  pages,
  sharing,
  device,
  storageMigration,
]);
