import { lambdaPort } from '../../../shared/aws/lambda-port.ts';
import { awsRuntime } from '../../../shared/aws/runtime.ts';
import { lambdaOf } from '../../http/mount.ts';
import { recoveryPlans } from './app.ts';

export const handler = lambdaOf(recoveryPlans(awsRuntime('recovery-plans'), lambdaPort()));
