import { lambdaPort } from '../../../shared/aws/lambda-port.ts';
import { awsRuntime } from '../../../shared/aws/runtime.ts';
import { lambdaOf } from '../../http/mount.ts';
import { siteSwitches } from './app.ts';

export const handler = lambdaOf(siteSwitches(awsRuntime('site-switches'), lambdaPort()));
