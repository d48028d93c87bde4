/** What can break in the simulated world (design of the simulation face). */
export const FAULT_KINDS = [
  'host-power-loss',
  'host-hang',
  'management-partition',
  'storage-partition',
  'bmc-unreachable',
  'agent-lost',
  'datastore-loss',
  'disk-error',
  'nic-down',
  'guest-crash',
  'guest-hang',
  'slow-disk',
  'link-cut',
  'link-degraded',
  'site-loss',
  'call-timeout',
  'answer-lost',
  'duplicate-call',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
