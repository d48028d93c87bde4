import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { OPERATION_KINDS, type OperationKind } from '../../shared/model/operation.ts';
import type { StageSettings } from './stage.ts';

/**
 * Physical names that one stack needs of another. They are made from the stage instead of being passed as references:
 * a reference becomes an export, and CloudFormation refuses to change an export while it is used.
 */
export const prefixOf = (stage: StageSettings): string => `strata-${stage.name}-`;

export const functionName = (stage: StageSettings, id: string): string => `${prefixOf(stage)}${id}`;
export const stateMachineName = (stage: StageSettings, kind: OperationKind): string => `${prefixOf(stage)}${kind}`;
export const deadLetterName = (stage: StageSettings): string => `${prefixOf(stage)}dispatcher-dead-letters`;

/** ARN of every state machine of the stage, without its kind. */
export const stateMachinePrefix = (scope: Construct, stage: StageSettings): string =>
  Stack.of(scope).formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: prefixOf(stage),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

export const stateMachineArns = (scope: Construct, stage: StageSettings): string[] =>
  OPERATION_KINDS.map((kind) => `${stateMachinePrefix(scope, stage)}${kind}`);
