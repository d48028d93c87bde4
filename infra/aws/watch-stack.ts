import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AlarmStatusWidget, Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { alarms, watched } from './alarms.ts';
import type { ApiStack } from './api-stack.ts';
import type { StageSettings } from './stage.ts';

const FIVE_MINUTES = Duration.minutes(5);
const graph = (title: string, left: IMetric[], right: IMetric[] = []): GraphWidget =>
  new GraphWidget({ title, left, right, width: 12, height: 6, period: FIVE_MINUTES });

/** Alarms on one topic, and one page that follows a request through the house. */
export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, stage: StageSettings, api: ApiStack) {
    super(scope, id, { description: `Strata (${stage.name}): alarms and dashboard` });
    const topic = new Topic(this, 'Alarms', { displayName: `Strata (${stage.name}) alarms`, enforceSSL: true });
    // A policy of its own, here the one that demands TLS, replaces the default one that lets alarms publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    const on = watched(this, stage, api);
    const raised = alarms(this, stage, topic, on);
    const face = api.stage;
    new Dashboard(this, 'Dashboard', {
      dashboardName: `strata-${stage.name}`,
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: raised, width: 24, height: 4 })],
        [
          graph(
            'Requests and errors',
            [face.metricCount({ statistic: 'Sum' })],
            [face.metricClientError({ statistic: 'Sum' }), on.serverErrors],
          ),
          graph(
            'Latency',
            ['p50', 'p95', 'p99'].map((statistic) => face.metricLatency({ statistic, label: statistic })),
          ),
        ],
        [
          graph('Outbox to workflows', [on.dispatcher.metricInvocations()], [on.iteratorAge, on.deadLetters]),
          graph(
            'Sites',
            [on.siteAgent.metricInvocations(), on.probe.metricInvocations()],
            [on.siteAgent.metricErrors(), on.probe.metricErrors()],
          ),
        ],
        [
          graph(
            'Workflows started',
            on.machines.map((machine) => machine.metricStarted({ statistic: 'Sum' })),
          ),
          graph(
            'Workflows failed',
            on.machines.map((machine) => machine.metricFailed({ statistic: 'Sum' })),
          ),
        ],
      ],
    });
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn });
  }
}
