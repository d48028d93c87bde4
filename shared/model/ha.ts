import * as z from 'zod';
import { SECOND } from '../kernel/clock.ts';

/** Settings of high availability: what a cluster promises, and what a VM asks for (HA-1 to HA-22). */

/** What is done when the guest of a VM crashes or hangs (HA-1; "VM fault process" of the product). */
export const FAULT_PROCESSES = ['notProcess', 'reboot', 'ha'] as const;

/** Where VMs of a failed host are started: on hosts that serve, on hosts kept free for it, or one after the other. */
export const RECOVERY_METHODS = ['automatic', 'reserved', 'automaticThenReserved', 'reservedThenAutomatic'] as const;
export type RecoveryMethod = (typeof RECOVERY_METHODS)[number];

/** Order in which VMs are attempted (HA-15). */
export const RESTART_PRIORITIES = ['high', 'medium', 'low'] as const;
export type RestartPriority = (typeof RESTART_PRIORITIES)[number];

export const vmHaSpec = z.strictObject({
  enabled: z.boolean().default(true).describe('whether it is started elsewhere when its host fails'),
  restartPriority: z.enum(RESTART_PRIORITIES).default('medium'),
  dependsOn: z
    .array(z.string().max(128))
    .max(16)
    .optional()
    .describe('ids of VMs that serve before it is started, where both are recovered'),
  faultProcess: z
    .enum(FAULT_PROCESSES)
    .default('notProcess')
    .describe('when its guest crashes or hangs: nothing but an alarm, a restart in place, or on any host'),
  failBack: z.boolean().default(false).describe('whether it moves back to its host when that serves again'),
});
export type VmHa = z.infer<typeof vmHaSpec>;

/** Lower ends of a slot, MHz and MiB: no slot is smaller, and no cap may be. HA-13. */
export const SLOT_MIN = { mhz: 32, memoryMiB: 128 } as const;
/** Upper ends of a slot cap: 64 x 2400 MHz (HA-13), and 1 TiB in MiB (HA-13 says "about 1 TB"). */
export const SLOT_CAP_MAX = { mhz: 153_600, memoryMiB: 1_048_576 } as const;
/** Largest reserve of the percentage policy, per cent of all hosts. HA-13. */
export const RESERVE_MAX_PERCENT = 50;
/** Faults that the slot policy tolerates when nothing is said, hosts. HA-13. */
export const TOLERATED_FAULTS_DEFAULT = 1;

/** HA-13. Slots and percentages are counted over the hosts that take VMs in normal operation. */
export const admissionSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('percentage'),
    cpuPercent: z.number().min(0).max(RESERVE_MAX_PERCENT).describe('CPU of the cluster that is kept free, %'),
    memoryPercent: z.number().min(0).max(RESERVE_MAX_PERCENT).describe('memory of the cluster that is kept free, %'),
  }),
  z.strictObject({
    kind: z.literal('slots'),
    toleratedFaults: z.int().min(1).max(10_000).default(TOLERATED_FAULTS_DEFAULT).describe('hosts that may fail'),
    slotCap: z
      .strictObject({
        mhz: z.int().min(SLOT_MIN.mhz).max(SLOT_CAP_MAX.mhz).optional(),
        memoryMiB: z.int().min(SLOT_MIN.memoryMiB).max(SLOT_CAP_MAX.memoryMiB).optional(),
      })
      .optional()
      .describe('a slot is never larger; a VM that needs more takes several'),
  }),
  z.strictObject({ kind: z.literal('dedicated') }),
]);
export type Admission = z.infer<typeof admissionSpec>;

/** The longest lease that there is: what was promised longer ago has run out in any case. */
export const MAX_LEASE_SECONDS = 3_600;

const clusterHa = {
  enabled: z.boolean(),
  recovery: z.enum(RECOVERY_METHODS).describe('where VMs of a failed host are started; automatic'),
  failoverHosts: z.array(z.string().max(128)).max(1_000).describe('hosts that take VMs of failed hosts only'),
  admission: admissionSpec.describe('what a power-on must leave free; none'),
  silentSeconds: z
    .int()
    .min(4)
    .max(59)
    .describe('a channel that is silent for so long has missed its heartbeats; below the watchdog of hosts, 60 s; 6'),
  leaseSeconds: z
    .int()
    .min(61)
    .max(MAX_LEASE_SECONDS)
    .describe('after so long without a sign of life a host has surely stopped itself; its watchdog takes 60 s; 120'),
  isolationResponse: z
    .enum(['leaveOn', 'powerOff', 'shutDown'])
    .describe('what a host does with its VMs when only its storage heartbeat gets through; leaveOn'),
  storageLoss: z
    .enum(['alarm', 'recover'])
    .describe('when a host loses its storage and can be asked: an alarm, or its VMs start elsewhere; recover'),
  localRestarts: z.int().min(0).max(10).describe('further starts on the same host when a start failed; 1'),
  relocations: z.int().min(0).max(16).describe('further hosts that are tried then, before it is given up; 3'),
  guestRestarts: z.int().min(1).max(100).describe('restarts of a crashed guest within the window at most; 3'),
  guestWindowMinutes: z.int().min(1).max(10_080).describe('60'),
};
/** A change of it: what is left out stays as it is. */
export const clusterHaChange = z.strictObject(clusterHa).partial();
export const clusterHaSpec = z.strictObject({
  enabled: clusterHa.enabled.default(true),
  recovery: clusterHa.recovery.default('automatic'),
  failoverHosts: clusterHa.failoverHosts.default([]),
  admission: clusterHa.admission.default({ kind: 'none' }),
  silentSeconds: clusterHa.silentSeconds.default(6),
  leaseSeconds: clusterHa.leaseSeconds.default(120),
  isolationResponse: clusterHa.isolationResponse.default('leaveOn'),
  storageLoss: clusterHa.storageLoss.default('recover'),
  localRestarts: clusterHa.localRestarts.default(1),
  relocations: clusterHa.relocations.default(3),
  guestRestarts: clusterHa.guestRestarts.default(3),
  guestWindowMinutes: clusterHa.guestWindowMinutes.default(60),
});
export type ClusterHa = z.infer<typeof clusterHaSpec>;
export const DEFAULT_HA: ClusterHa = clusterHaSpec.parse({});

/** A lease that was shortened: hosts that were heard last before `until`, ms, were promised it. */
export interface FormerLease {
  seconds: number;
  until: number;
}
/** What is to be remembered of former leases when a cluster's lease changes now, ms. */
export const formerLeasesAfter = (
  { ha, formerLeases = [] }: { ha: ClusterHa; formerLeases?: readonly FormerLease[] },
  leaseSeconds: number,
  now: number,
): FormerLease[] =>
  [...formerLeases, { seconds: ha.leaseSeconds, until: now }].filter(
    (f, i, all) =>
      f.seconds > leaseSeconds &&
      now - f.until < MAX_LEASE_SECONDS * SECOND &&
      all.slice(i + 1).every((later) => later.seconds < f.seconds),
  );

/** HA of a cluster is put out of force for planned work: hosts are watched, but nothing is fenced or restarted. */
export interface Disarmed {
  since: number;
  /** Arms itself again then, ms; until it is armed by hand without it. */
  until?: number;
  reason: string;
  /** Who did it. */
  by: string;
}

/** Whether recoveries may begin in a cluster now. */
export const armed = (cluster: { disarmed?: Disarmed }, now: number): boolean =>
  cluster.disarmed === undefined || (cluster.disarmed.until !== undefined && now >= cluster.disarmed.until);
