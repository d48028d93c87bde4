import { lambdaPort } from '../../shared/aws/lambda-port.ts';
import { awsRuntime } from '../../shared/aws/runtime.ts';
import { lambdaOf } from '../http/mount.ts';
import { recovery } from './app.ts';

export const handler = lambdaOf(recovery(awsRuntime('recovery'), lambdaPort()));
