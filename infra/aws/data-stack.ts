import { Stack } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { TABLES, type TableId, type TableSpec } from '../topology.ts';
import type { StageSettings } from './stage.ts';

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** All that is kept. It stands apart from what can be built again, so that nothing else has to be careful. */
export class DataStack extends Stack {
  readonly tables: Record<TableId, Table>;

  constructor(scope: Construct, id: string, stage: StageSettings) {
    super(scope, id, { description: `Strata (${stage.name}): tables`, terminationProtection: stage.stateful });
    const entries = Object.entries(TABLES) as [TableId, TableSpec][];
    this.tables = Object.fromEntries(entries.map(([name, spec]) => [name, this.table(name, spec, stage)])) as Record<
      TableId,
      Table
    >;
  }

  private table(name: TableId, spec: TableSpec, stage: StageSettings): Table {
    const table = new Table(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}Table`, {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.stateful,
      removalPolicy: stage.removalPolicy,
      ...(spec.ttl ? { timeToLiveAttribute: spec.ttl } : {}),
      ...(spec.stream ? { stream: StreamViewType.NEW_IMAGE } : {}),
    });
    for (const index of spec.indexes) {
      table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.hash),
        sortKey: text(index.range),
        projectionType: ProjectionType[index.projection],
      });
    }
    return table;
  }
}
