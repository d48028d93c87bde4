import { Duration, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as Target } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { FUNCTIONS, SCHEDULES } from '../topology.ts';
import type { DataStack } from './data-stack.ts';
import { HouseFunction } from './function.ts';
import { functionName } from './names.ts';
import type { StageSettings } from './stage.ts';

/** The far end of the hypervisor port, and what looks after the sites by the clock. */
export class SiteStack extends Stack {
  readonly siteAgent: IFunction;

  constructor(scope: Construct, id: string, stage: StageSettings, data: DataStack) {
    super(scope, id, { description: `Strata (${stage.name}): site agent and schedules` });
    const { tables } = data;
    const agent = new HouseFunction(this, 'site-agent', {
      stage,
      id: 'site-agent',
      spec: FUNCTIONS['site-agent'],
      reach: { tables },
    });
    this.siteAgent = agent.function;
    for (const [name, schedule] of Object.entries(SCHEDULES)) {
      const spec = FUNCTIONS[schedule.function];
      const made = new HouseFunction(this, schedule.function, {
        stage,
        id: schedule.function,
        spec,
        reach: { tables, siteAgent: this.siteAgent },
      });
      new Rule(this, `${name}-schedule`, {
        ruleName: `${functionName(stage, name)}-schedule`,
        description: `Each minute; the function then works every ${schedule.everySeconds} s by itself`,
        schedule: Schedule.rate(Duration.minutes(1)),
        // A round that failed is not made up for: the next one comes within the minute and sees all that it would have seen.
        targets: [new Target(made.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
      });
    }
  }
}
