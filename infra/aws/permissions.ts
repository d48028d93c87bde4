import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { type Access, type FunctionSpec, SETTINGS, TABLES, type TableId } from '../topology.ts';
import { stateMachineArns, stateMachinePrefix } from './names.ts';
import type { StageSettings } from './stage.ts';

/** What functions may be told of. Each stack fills in what its functions use. */
export interface Reach {
  tables: Record<TableId, ITable>;
  siteAgent?: IFunction;
  bus?: IEventBus;
}
export interface Granted {
  environment: Record<string, string>;
  statements: PolicyStatement[];
}

/** Speaks for tenants only: it reaches things by their key, which names the tenant, and never across tenants. */
const TENANT_FACES: ReadonlySet<string> = new Set(['tenant-api']);

const READS = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const WRITES = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];
/** The audit holds all that is believed against the invariants, so it reads whole tables. Nobody else does. */
export const AUDITORS: ReadonlySet<string> = new Set(['system-api']);
const SCANS = ['dynamodb:Scan'];

function tableStatements(
  id: string,
  spec: FunctionSpec,
  table: TableId,
  access: Access,
  arn: string,
): PolicyStatement[] {
  const system = !TENANT_FACES.has(id);
  const patterns = spec.leadingKeys?.[table];
  const conditions = patterns && { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': patterns } };
  const actions = [...READS, ...(AUDITORS.has(id) ? SCANS : []), ...(access === 'readWrite' ? WRITES : [])];
  const indexes = system ? TABLES[table].indexes.map((index) => `${arn}/index/${index.name}`) : [];
  return [
    new PolicyStatement({ actions, resources: [arn], ...(conditions ? { conditions } : {}) }),
    ...(indexes.length > 0 ? [new PolicyStatement({ actions: ['dynamodb:Query'], resources: indexes })] : []),
  ];
}

function must<T>(value: T | undefined, id: string, what: string): T {
  if (value === undefined) throw new Error(`The topology lets ${id} use ${what}, which its stack does not have.`);
  return value;
}

/**
 * Turns a function's line of the topology into its settings and permissions. Both come from the same loop, so that a
 * function can reach what it is told of, and nothing else.
 */
export function grantsOf(
  scope: Construct,
  stage: StageSettings,
  id: string,
  spec: FunctionSpec,
  reach: Reach,
): Granted {
  const environment: Record<string, string> = {};
  const statements: PolicyStatement[] = [];
  for (const [name, access] of Object.entries(spec.tables) as [TableId, Access][]) {
    const table = reach.tables[name];
    environment[SETTINGS[name]] = table.tableName;
    statements.push(...tableStatements(id, spec, name, access, table.tableArn));
  }
  if (spec.port) {
    const agent = must(reach.siteAgent, id, 'the site agent');
    environment[SETTINGS.siteAgent] = agent.functionName;
    statements.push(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [agent.functionArn] }));
  }
  if (spec.starts) {
    const bus = must(reach.bus, id, 'the event bus');
    environment[SETTINGS.eventBus] = bus.eventBusName;
    environment[SETTINGS.stateMachines] = stateMachinePrefix(scope, stage);
    statements.push(
      new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }),
      new PolicyStatement({ actions: ['states:StartExecution'], resources: stateMachineArns(scope, stage) }),
    );
  }
  return { environment, statements };
}
