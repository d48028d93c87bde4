import { OPERATION_KINDS, type OperationKind } from '../shared/model/operation.ts';

/**
 * The house in one place: which tables, functions, state machines, schedules and rules exist, and who may touch what.
 * infra/aws turns it into CDK stacks, infra/local into one process. Nothing is named a second time.
 */
export type TableId = 'control' | 'events' | 'world';
export interface IndexSpec {
  name: string;
  hash: string;
  range: string;
  projection: 'KEYS_ONLY' | 'ALL';
}
export interface TableSpec {
  stream: boolean;
  ttl?: string;
  indexes: IndexSpec[];
  /** Indexes that only the embedded form has. */
  embeddedIndexes: IndexSpec[];
}
export type Access = 'read' | 'readWrite';
export interface FunctionSpec {
  /** Module with `handler` (for AWS) beside the factory that the embedded form uses. */
  entry: string;
  tables: Partial<Record<TableId, Access>>;
  /**
   * Patterns of the leading keys that it may name, where not all (`*` stands for any text). IAM enforces them on AWS, the
   * store of the embedded form does locally. Which tenant's partition it is, is decided by the request's TenantContext.
   */
  leadingKeys?: Partial<Record<TableId, readonly string[]>>;
  /** May call the site agent. */
  port: boolean;
  /** HTTP paths that it serves. One that fits a whole path goes before `{proxy+}`, then the longer one. */
  routes?: string[];
  /** Routes that need no token. */
  open?: boolean;
  timeoutSeconds: number;
  memoryMiB: number;
  /** May start executions and publish events. */
  starts?: boolean;
}

export const TABLES: Record<TableId, TableSpec> = {
  control: {
    stream: false,
    ttl: 'expiresAt',
    indexes: [{ name: 'by-host', hash: 'runsOn', range: 'sk', projection: 'KEYS_ONLY' }],
    embeddedIndexes: [],
  },
  events: {
    stream: true,
    ttl: 'expiresAt',
    indexes: [],
    embeddedIndexes: [{ name: 'pending', hash: 'pending', range: 'sk', projection: 'ALL' }],
  },
  world: {
    stream: false,
    indexes: [{ name: 'by-kind', hash: 'kind', range: 'pk', projection: 'ALL' }],
    embeddedIndexes: [],
  },
};

const workflowFunction = (kind: OperationKind): FunctionSpec => ({
  entry: `workflows/${kind}/handler.ts`,
  tables: { control: 'readWrite', events: 'readWrite' },
  port: true,
  timeoutSeconds: 60,
  memoryMiB: 512,
});

export const FUNCTIONS = {
  'tenant-api': {
    entry: 'functions/tenant-api/handler.ts',
    // Tenants' own partitions, and of the system's only those that a placement or an address claim needs.
    leadingKeys: {
      control: [
        'T#*',
        'SYS#SITE',
        'SYS#CLUSTER',
        'SYS#HOST#*',
        'SYS#DATASTORE#*',
        'SYS#EXTNET',
        'SYS#IP#*',
        'SYS#AUDIT#*',
      ],
      events: ['T#*'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: ['/v1/{proxy+}'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  'system-api': {
    entry: 'functions/system-api/handler.ts',
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: ['/v1/system/{proxy+}'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  estates: {
    entry: 'functions/estates/handler.ts',
    leadingKeys: {
      control: [
        'SYS#SITE',
        'SYS#CLUSTER',
        'SYS#HOST#*',
        'SYS#HOSTREF',
        'SYS#DATASTORE#*',
        'SYS#LINK',
        'SYS#EXTNET',
        'SYS#IDEM',
        'SYS#AUDIT#*',
      ],
      events: ['SYS#EV'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: ['/v1/system/estates'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  availability: {
    entry: 'functions/availability/handler.ts',
    // Of tenants only what a recovery does with their VMs.
    leadingKeys: {
      control: [
        'T#*#VM',
        'T#*#RECOVERY',
        'SYS#INCIDENT',
        'SYS#OPEN',
        'SYS#CLUSTER',
        'SYS#HOST#*',
        'SYS#HOSTREF',
        'SYS#IDEM',
        'SYS#AUDIT#*',
      ],
      events: ['T#*#EV', 'SYS#EV'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: [
      '/v1/system/incidents',
      '/v1/system/incidents/{proxy+}',
      '/v1/system/clusters/{clusterId}/ha-disarm',
      '/v1/system/clusters/{clusterId}/ha-arm',
      '/v1/system/hosts/{hostId}/confirm-fenced',
      '/v1/system/vms/{vmId}/recover',
    ],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  failover: {
    entry: 'functions/failover/handler.ts',
    // Reads the VMs of a cluster, whosever they are, and changes nothing.
    tables: { control: 'read' },
    port: false,
    routes: ['/v1/system/clusters/{clusterId}/failover-capacity'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  disks: {
    entry: 'functions/disks/handler.ts',
    // A disk with what protects it, what it is charged to and where it stands.
    leadingKeys: {
      control: ['T#*#VM', 'T#*#VDC', 'T#*#GROUP', 'T#*#RECOVERY', 'T#*#IDEM', 'SYS#DATASTORE#*', 'SYS#AUDIT#*'],
      events: ['T#*'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: false,
    routes: ['/v1/vms/{vmId}/disks/{disk}/grow'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  recovery: {
    entry: 'functions/recovery/handler.ts',
    // Of tenants what is protected and how it is switched; of the operator's what an eligibility and a rehearsal ask.
    leadingKeys: {
      control: [
        'T#*#GROUP',
        'T#*#PLAN',
        'T#*#EXEC*',
        'T#*#VM',
        'T#*#VDC',
        'T#*#VPC',
        'T#*#NET',
        'T#*#IP#*',
        'T#*#RECOVERY',
        'T#*#SEATS',
        'T#*#IDEM',
        'SYS#SITE',
        'SYS#CLUSTER',
        'SYS#HOST#*',
        'SYS#DATASTORE#*',
        'SYS#LINK',
        'SYS#EXTNET',
        'SYS#IP#*',
        'SYS#PROTECTED',
        'SYS#DRLEASE',
        'SYS#AUDIT#*',
      ],
      events: ['T#*'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: ['/v1/protected-groups', '/v1/protected-groups/{proxy+}'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  'recovery-plans': {
    entry: 'functions/recovery/plans/handler.ts',
    // Of tenants plans, what they switch and where that hangs in the network; of the operator's what a rehearsal asks.
    leadingKeys: {
      control: [
        'T#*#GROUP',
        'T#*#PLAN',
        'T#*#EXEC#*',
        'T#*#EXECPART#*',
        'T#*#VM',
        'T#*#NET',
        'T#*#IP#*',
        'T#*#NAME#*',
        'T#*#RECOVERY',
        'T#*#SEATS',
        'T#*#IDEM',
        'SYS#TENANT',
        'SYS#PLANNED',
        'SYS#CLUSTER',
        'SYS#HOST#*',
        'SYS#DATASTORE#*',
        'SYS#EXTNET',
        'SYS#IP#*',
        'SYS#AUTOMATIC',
        'SYS#RESERVED',
        'SYS#AUDIT#*',
      ],
      events: ['T#*'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: ['/v1/recovery-plans', '/v1/recovery-plans/{proxy+}', '/v1/system/reports/dr'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  'site-switches': {
    entry: 'functions/recovery/sites/handler.ts',
    // Of tenants it only reads: their plans are begun by the workflow.
    leadingKeys: {
      control: [
        'T#*#GROUP',
        'T#*#PLAN',
        'T#*#EXEC#*',
        'T#*#EXECPART#*',
        'T#*#VM',
        'T#*#NET',
        'T#*#IP#*',
        'T#*#RECOVERY',
        'T#*#SEATS',
        'SYS#PLANNED',
        'SYS#PROTECTED',
        'SYS#SWITCH',
        'SYS#SWITCHPART#*',
        'SYS#SWITCHING',
        'SYS#SITE',
        'SYS#CLUSTER',
        'SYS#HOST#*',
        'SYS#DATASTORE#*',
        'SYS#EXTNET',
        'SYS#IP#*',
        'SYS#IDEM',
        'SYS#AUDIT#*',
      ],
      events: ['SYS#OP', 'SYS#EV'],
    },
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    routes: [
      '/v1/system/site-switches',
      '/v1/system/site-switches/{proxy+}',
      '/v1/system/sites/{siteId}/failover',
      '/v1/system/sites/{siteId}/migrate',
    ],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  'hypervisor-lab': {
    entry: 'functions/hypervisor-lab/handler.ts',
    // Idempotency keys are looked up, though nothing is ever changed.
    tables: { control: 'read' },
    leadingKeys: { control: ['SYS#IDEM'] },
    port: false,
    routes: ['/v1/system/hypervisor/{proxy+}'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  'sim-api': {
    entry: 'functions/sim-api/handler.ts',
    tables: { control: 'readWrite', events: 'readWrite', world: 'readWrite' },
    port: false,
    routes: ['/v1/sim/{proxy+}'],
    timeoutSeconds: 29,
    memoryMiB: 1024,
  },
  docs: {
    entry: 'functions/docs/handler.ts',
    tables: {},
    port: false,
    routes: ['/openapi.json', '/docs', '/healthz'],
    open: true,
    timeoutSeconds: 10,
    memoryMiB: 256,
  },
  'site-agent': {
    entry: 'functions/site-agent/handler.ts',
    tables: { world: 'readWrite' },
    port: false,
    timeoutSeconds: 30,
    memoryMiB: 1024,
  },
  dispatcher: {
    entry: 'functions/dispatcher/handler.ts',
    tables: { control: 'readWrite' },
    port: false,
    timeoutSeconds: 60,
    memoryMiB: 256,
    starts: true,
  },
  probe: {
    entry: 'functions/probe/handler.ts',
    tables: { control: 'readWrite', events: 'readWrite' },
    port: true,
    timeoutSeconds: 60,
    memoryMiB: 256,
  },
} as const satisfies Record<string, FunctionSpec>;
export type FunctionId = keyof typeof FUNCTIONS;

/** One state machine and one function for its steps per kind of operation. */
export const WORKFLOWS: Record<OperationKind, { definition: string; steps: FunctionSpec }> = Object.fromEntries(
  OPERATION_KINDS.map((kind) => [
    kind,
    { definition: `workflows/${kind}/definition.asl.json`, steps: workflowFunction(kind) },
  ]),
) as Record<OperationKind, { definition: string; steps: FunctionSpec }>;

export const SCHEDULES = {
  /** On AWS a schedule fires once a minute at most: the function then polls by itself at this period until the minute is over. */
  probe: { function: 'probe', everySeconds: 5 },
} as const;

/** Rules of the event bus: what is told to whom beyond the workflows. */
export const RULES = {
  /** Keeps every domain event on the bus for a time, so that a consumer that is added later can catch up. */
  archive: { source: 'strata', retentionDays: 30 },
} as const;

/** The stage-independent settings of a function: what infra sets and what the handler reads. */
export const SETTINGS = {
  control: 'CONTROL_TABLE',
  events: 'EVENTS_TABLE',
  world: 'WORLD_TABLE',
  siteAgent: 'SITE_AGENT_FUNCTION',
  eventBus: 'EVENT_BUS',
  /** Prefix of the state machines' ARNs; the kind follows. */
  stateMachines: 'STATE_MACHINE_PREFIX',
} as const;
