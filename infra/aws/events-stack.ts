import { Duration, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { FUNCTIONS, RULES } from '../topology.ts';
import { acknowledge } from './acknowledge.ts';
import type { DataStack } from './data-stack.ts';
import { HouseFunction } from './function.ts';
import { deadLetterName, functionName } from './names.ts';
import type { StageSettings } from './stage.ts';

/** From the outbox to the bus and the workflows. */
export class EventsStack extends Stack {
  constructor(scope: Construct, id: string, stage: StageSettings, data: DataStack) {
    super(scope, id, { description: `Strata (${stage.name}): event bus and dispatcher` });
    const bus = new EventBus(this, 'Bus', { eventBusName: functionName(stage, 'events') });
    bus.archive('Archive', {
      archiveName: functionName(stage, 'archive'),
      description: 'Domain events, for consumers that are added later',
      eventPattern: { source: [RULES.archive.source] },
      retention: Duration.days(RULES.archive.retentionDays),
    });
    const deadLetters = new Queue(this, 'DeadLetters', {
      queueName: deadLetterName(stage),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(deadLetters, 'AwsSolutions-SQS3');

    const spec = FUNCTIONS.dispatcher;
    const dispatcher = new HouseFunction(this, 'dispatcher', {
      stage,
      id: 'dispatcher',
      spec,
      reach: { tables: data.tables, bus },
    });
    dispatcher.function.addEventSource(
      new DynamoEventSource(data.tables.events, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        // The outbox is written once per event; progress on an operation and its expiry are no news.
        filters: [FilterCriteria.filter({ eventName: FilterRule.isEqual('INSERT') })],
        batchSize: 100,
        parallelizationFactor: 4,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 10,
        maxRecordAge: Duration.hours(12),
        onFailure: new SqsDlq(deadLetters),
      }),
    );
  }
}
