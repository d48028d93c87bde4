import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { RULES, SCHEDULES, TABLES } from '../../infra/topology.ts';
import { OPERATION_KINDS } from '../../shared/model/operation.ts';
import { house, resourcesOf } from './house.ts';

const dev = house('dev');
const prod = house('prod');

describe('tables', () => {
  const tables = resourcesOf(dev.templates.data, 'AWS::DynamoDB::Table');

  it('are on demand, encrypted, and can be brought back to any second', () => {
    expect(tables).toHaveLength(Object.keys(TABLES).length);
    for (const { Properties } of tables) {
      expect(Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        SSESpecification: { SSEEnabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
    }
  });

  it('have a stream where the topology says so, and the indexes of AWS only', () => {
    expect(
      tables
        .filter((t) => t.Properties.StreamSpecification)
        .map((t) => t.Properties.StreamSpecification.StreamViewType),
    ).toEqual(['NEW_IMAGE']);
    const names = tables.flatMap((t) =>
      (t.Properties.GlobalSecondaryIndexes ?? []).map((index: { IndexName: string }) => index.IndexName),
    );
    expect(names).toEqual(Object.values(TABLES).flatMap((spec) => spec.indexes.map((index) => index.name)));
  });

  it('survive their stack on every stage but dev', () => {
    for (const table of resourcesOf(prod.templates.data, 'AWS::DynamoDB::Table')) {
      expect(table.Properties.DeletionProtectionEnabled).toBe(true);
      expect(table.DeletionPolicy).toBe('Retain');
    }
    for (const table of tables) expect(table.DeletionPolicy).toBe('Delete');
    expect(prod.stacks.data.terminationProtection).toBe(true);
    expect(dev.stacks.data.terminationProtection).toBe(false);
  });
});

describe('dispatching', () => {
  const { events } = dev.templates;

  it('reads inserts only, answers for each record, and leaves what cannot be dispatched in a queue', () => {
    events.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 10,
      StartingPosition: 'TRIM_HORIZON',
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'Arn'] } },
      },
    });
  });

  it('takes only encrypted connections to that queue', () => {
    events.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  it('archives our events on the bus', () => {
    const { source, retentionDays } = RULES.archive;
    events.hasResourceProperties('AWS::Events::Archive', {
      RetentionDays: retentionDays,
      EventPattern: { source: [source] },
    });
  });
});

describe('state machines', () => {
  const machines = resourcesOf(dev.templates.workflows, 'AWS::StepFunctions::StateMachine');

  it('exist once per kind, under the name that the dispatcher starts', () => {
    expect(machines.map((m) => m.Properties.StateMachineName).sort()).toEqual(
      OPERATION_KINDS.map((kind) => `strata-dev-${kind}`).sort(),
    );
  });

  it('all log and are traced', () => {
    for (const { Properties } of machines) {
      expect(Properties.TracingConfiguration).toEqual({ Enabled: true });
      expect(Properties.LoggingConfiguration).toMatchObject({ Level: 'ALL', Destinations: [{}] });
      expect(Properties.StateMachineType).toBe('STANDARD');
    }
  });

  it('carry their definition as text, with nothing left to fill in but the function', () => {
    for (const { Properties } of machines) {
      const holes = [...String(Properties.DefinitionString).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
      expect(new Set(holes), Properties.StateMachineName).toEqual(new Set(['StepsFunctionArn']));
      expect(Object.keys(Properties.DefinitionSubstitutions)).toEqual(['StepsFunctionArn']);
    }
  });

  it('may invoke their own steps only', () => {
    for (const { Properties } of resourcesOf(dev.templates.workflows, 'AWS::IAM::Policy')) {
      for (const { Action, Resource } of Properties.PolicyDocument.Statement) {
        if (Action === 'lambda:InvokeFunction') expect(JSON.stringify(Resource)).not.toContain('*');
      }
    }
  });
});

describe('schedules', () => {
  it('fire once a minute', () => {
    dev.templates.site.resourceCountIs('AWS::Events::Rule', Object.keys(SCHEDULES).length);
    dev.templates.site.allResourcesProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
    });
  });
});

describe('watching', () => {
  it('raises an alarm for what is lost, late, failed or silent, and says what it means', () => {
    const alarms = resourcesOf(dev.templates.watch, 'AWS::CloudWatch::Alarm').map((a) => a.Properties);
    const names = alarms.map((alarm) => alarm.AlarmName);
    for (const id of [
      'dead-letters',
      'dispatcher-behind',
      'api-5xx',
      'probe-silent',
      ...OPERATION_KINDS.map((kind) => `${kind}-failed`),
    ]) {
      expect(names).toContain(`strata-dev-${id}`);
    }
    for (const alarm of alarms) {
      expect(alarm.AlarmDescription.length, alarm.AlarmName).toBeGreaterThan(40);
      expect(alarm.AlarmActions, alarm.AlarmName).toHaveLength(1);
    }
    dev.templates.watch.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  it('lets alarms of this account publish, since a policy of its own replaces the default one', () => {
    dev.templates.watch.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: 'sns:Publish',
          }),
        ]),
      },
    });
  });
});

describe('log groups', () => {
  it('all forget', () => {
    const groups = Object.values(dev.templates).flatMap((template) => resourcesOf(template, 'AWS::Logs::LogGroup'));
    expect(groups.length).toBeGreaterThan(OPERATION_KINDS.length * 2);
    for (const group of groups)
      expect(group.Properties.RetentionInDays, group.Properties.LogGroupName).toBeGreaterThan(0);
  });
});
