import { awsStepDeps } from '../engine/aws.ts';
import { stepHandler } from '../engine/step-table.ts';
import { STEPS } from './steps.ts';

export const handler = stepHandler(STEPS, awsStepDeps('grow-disk'));
