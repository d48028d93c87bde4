import { lambdaPort } from '../../shared/aws/lambda-port.ts';
import { awsRuntime } from '../../shared/aws/runtime.ts';
import type { StepDeps } from './step-table.ts';

/** What the steps of a workflow are given on AWS. */
export const awsStepDeps = (service: string): StepDeps => ({ ...awsRuntime(service), port: lambdaPort() });
