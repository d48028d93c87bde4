import { awsRuntime } from '../../shared/aws/runtime.ts';
import { lambdaOf } from '../http/mount.ts';
import { failoverFace } from './app.ts';

export const handler = lambdaOf(failoverFace(awsRuntime('failover')));
