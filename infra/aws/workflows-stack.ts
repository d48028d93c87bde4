import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { OperationKind } from '../../shared/model/operation.ts';
import { WORKFLOWS } from '../topology.ts';
import { acknowledge } from './acknowledge.ts';
import { ROOT } from './bundle.ts';
import type { DataStack } from './data-stack.ts';
import { HouseFunction } from './function.ts';
import { stateMachineName } from './names.ts';
import type { SiteStack } from './site-stack.ts';
import type { StageSettings } from './stage.ts';

/** One state machine and the function of its steps per kind of operation. */
export class WorkflowsStack extends Stack {
  private readonly stage: StageSettings;

  constructor(scope: Construct, id: string, stage: StageSettings, data: DataStack, site: SiteStack) {
    super(scope, id, { description: `Strata (${stage.name}): workflows` });
    this.stage = stage;
    const reach = { tables: data.tables, siteAgent: site.siteAgent };
    for (const [kind, { definition, steps }] of Object.entries(WORKFLOWS) as [
      OperationKind,
      (typeof WORKFLOWS)[OperationKind],
    ][]) {
      const made = new HouseFunction(this, `${kind}-steps`, { stage, id: kind, spec: steps, reach });
      this.machine(kind, definition, made.function);
    }
  }

  private machine(kind: OperationKind, definition: string, steps: IFunction): void {
    const { stage } = this;
    const name = stateMachineName(stage, kind);
    const role = new Role(this, `${kind}-role`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [steps.functionArn] }));
    new StateMachine(this, kind, {
      stateMachineName: name,
      stateMachineType: StateMachineType.STANDARD,
      // The text itself, not an asset: so the definition is seen in the template and in a diff.
      definitionBody: DefinitionBody.fromString(readFileSync(join(ROOT, definition), 'utf8')),
      definitionSubstitutions: { StepsFunctionArn: steps.functionArn },
      role,
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        // Inputs and outputs stay in the execution's history, which expires; they are not copied into the log.
        includeExecutionData: false,
        destination: new LogGroup(this, `${kind}-logs`, {
          // This prefix keeps the account's log resource policy from growing with every state machine.
          logGroupName: `/aws/vendedlogs/states/${name}`,
          retention: stage.logRetention,
          removalPolicy: stage.removalPolicy,
        }),
      },
    });
    acknowledge(role, 'AwsSolutions-IAM5[Resource::*]');
  }
}
