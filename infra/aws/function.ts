import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionSpec } from '../topology.ts';
import { acknowledge } from './acknowledge.ts';
import { codeOf } from './bundle.ts';
import { functionName } from './names.ts';
import { grantsOf, type Reach } from './permissions.ts';
import type { StageSettings } from './stage.ts';

export interface HouseFunctionProps {
  stage: StageSettings;
  /** Its name in the topology, or the kind of its workflow. */
  id: string;
  spec: FunctionSpec;
  reach: Reach;
}

/** The one setting that does not come from the topology: stack traces name the source, not the bundle. */
export const FIXED_ENVIRONMENT = { NODE_OPTIONS: '--enable-source-maps' } as const;

/**
 * A function of the topology with a role, a log group and settings of its own. The role starts empty instead of with the
 * managed policy, which would let each function write to every log group of the account.
 */
export class HouseFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, construct: string, props: HouseFunctionProps) {
    super(scope, construct);
    const { stage, id, spec } = props;
    const name = functionName(stage, id);
    const { environment, statements } = grantsOf(this, stage, id, spec, props.reach);
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${name}`,
      retention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    for (const statement of statements) role.addToPolicy(statement);
    this.function = new LambdaFunction(this, 'Function', {
      functionName: name,
      description: `Strata (${stage.name}): ${spec.entry}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: codeOf(spec.entry),
      timeout: Duration.seconds(spec.timeoutSeconds),
      memorySize: spec.memoryMiB,
      tracing: Tracing.ACTIVE,
      environment: { ...environment, ...FIXED_ENVIRONMENT },
      logGroup,
      role,
    });
    acknowledge(role, 'AwsSolutions-IAM5[Resource::*]');
  }
}
