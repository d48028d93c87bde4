import { SECOND } from '../kernel/clock.ts';

/** How the simulated data centres behave. Each figure has its source, or is declared. */

/** Period of a host's heartbeats, ms. Declared. */
export const HEARTBEAT_MS = 2 * SECOND;
/** Power-on to serving, ms. Declared: a server's self-test and boot take minutes; shortened for drills. */
export const HOST_BOOT_MS = 60 * SECOND;
/** A host that has lost both channels, or hangs, resets itself after so long, ms. HA-7: watchdog 60 s (Proxmox VE). */
export const WATCHDOG_MS = 60 * SECOND;
/** A host that sees nobody on the management network holds itself for isolated after so long, ms. Declared: 30 s. */
export const ISOLATION_MS = 30 * SECOND;
/** An isolated host gives its guests so long to shut down, ms. Declared. */
export const GUEST_SHUTDOWN_MS = 30 * SECOND;
/** Start order to a serving guest, ms. HA-22: OS load 30 s. */
export const GUEST_BOOT_MS = 30 * SECOND;
/**
 * A guest whose driver was silent for so long is reported as hung, ms. Declared; vSphere's monitoring of VMs waits as long
 * at its highest sensitivity. A shorter stall does nothing.
 */
export const GUEST_SILENT_MS = 30 * SECOND;
/** Guests differ by up to so much, ms. Declared. */
export const GUEST_BOOT_SPREAD_MS = 5 * SECOND;
