import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { type IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { OPERATION_KINDS } from '../../shared/model/operation.ts';
import type { ApiStack } from './api-stack.ts';
import { deadLetterName, functionName, stateMachineName } from './names.ts';
import type { StageSettings } from './stage.ts';

const FIVE_MINUTES = { period: Duration.minutes(5), statistic: 'Sum' } as const;

/** What is watched, found by name: watching must never hold up a change of what is watched. */
export interface Watched {
  machines: IStateMachine[];
  dispatcher: IFunction;
  siteAgent: IFunction;
  probe: IFunction;
  deadLetters: IMetric;
  iteratorAge: IMetric;
  serverErrors: IMetric;
}

export function watched(scope: Construct, stage: StageSettings, api: ApiStack): Watched {
  const named = (id: string) => LambdaFunction.fromFunctionName(scope, `${id}-watched`, functionName(stage, id));
  const queueArn = Stack.of(scope).formatArn({ service: 'sqs', resource: deadLetterName(stage) });
  const dispatcher = named('dispatcher');
  return {
    machines: OPERATION_KINDS.map((kind) =>
      StateMachine.fromStateMachineName(scope, `${kind}-watched`, stateMachineName(stage, kind)),
    ),
    dispatcher,
    siteAgent: named('site-agent'),
    probe: named('probe'),
    deadLetters: Queue.fromQueueArn(scope, 'dead-letters-watched', queueArn).metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(1),
      statistic: 'Maximum',
    }),
    iteratorAge: dispatcher.metric('IteratorAge', { period: Duration.minutes(1), statistic: 'Maximum' }),
    serverErrors: api.stage.metricServerError(FIVE_MINUTES),
  };
}

interface Watch {
  id: string;
  metric: IMetric;
  threshold: number;
  /** How many periods in a row. */
  periods?: number;
  below?: boolean;
  meaning: string;
}

/** Every alarm says in its description what it means and where to look. */
export function alarms(scope: Construct, stage: StageSettings, topic: ITopic, on: Watched): Alarm[] {
  const watches: Watch[] = [
    {
      id: 'dead-letters',
      metric: on.deadLetters,
      threshold: 1,
      meaning:
        'Outbox items could not be dispatched: their operations were acknowledged and are not running. Read the queue, then hand the records over again.',
    },
    {
      id: 'dispatcher-behind',
      metric: on.iteratorAge,
      threshold: 60_000,
      periods: 3,
      meaning: 'The dispatcher is more than a minute behind the outbox.',
    },
    {
      id: 'api-5xx',
      metric: on.serverErrors,
      threshold: 5,
      meaning:
        'The API answers with server errors, each of which is a bug or an outage. The access log has the request ids.',
    },
    {
      id: 'site-agent-errors',
      metric: on.siteAgent.metricErrors(FIVE_MINUTES),
      threshold: 5,
      meaning: 'The site agent fails, so that the control plane is losing sight of the sites.',
    },
    {
      id: 'probe-errors',
      metric: on.probe.metricErrors(FIVE_MINUTES),
      threshold: 2,
      meaning: 'The probe fails: host failures are found late.',
    },
    {
      id: 'probe-silent',
      metric: on.probe.metricInvocations(FIVE_MINUTES),
      threshold: 3,
      below: true,
      meaning: 'The probe hardly runs: nobody is looking for failed hosts.',
    },
    ...on.machines.map(
      (machine, at): Watch => ({
        id: `${OPERATION_KINDS[at]}-failed`,
        metric: new MathExpression({
          label: 'failed or timed out',
          // A metric without a value would make the whole sum one without a value.
          expression: 'FILL(failed, 0) + FILL(late, 0)',
          usingMetrics: { failed: machine.metricFailed(FIVE_MINUTES), late: machine.metricTimedOut(FIVE_MINUTES) },
          period: FIVE_MINUTES.period,
        }),
        threshold: 1,
        meaning: `An execution of ${OPERATION_KINDS[at]} ended without success. The operation of the same name says at which step, and why.`,
      }),
    ),
  ];
  return watches.map(({ id, metric, threshold, periods = 1, below = false, meaning }) => {
    const alarm = new Alarm(scope, `${id}-alarm`, {
      alarmName: functionName(stage, id),
      alarmDescription: meaning,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: below ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
    return alarm;
  });
}
