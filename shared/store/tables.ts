/** Names of the tables that a function was given; the World table only where topology.ts grants it. */
export interface Tables {
  control: string;
  events: string;
  world?: string;
}

export type Item = Record<string, unknown>;
export interface Key {
  pk: string;
  sk: string;
}

/** Index of VMs by the host on which they may run. Only system functions are granted it. */
export const BY_HOST_INDEX = 'by-host';
/** Index of undelivered outbox items; exists in the embedded form only, where the feed drains the outbox itself. */
export const PENDING_INDEX = 'pending';
/** How long events and finished operations are kept, days. */
export const EVENT_RETENTION_DAYS = 90;
/** How long an idempotency key is kept, hours (api.md, conventions). */
export const IDEMPOTENCY_HOURS = 24;
