import { awsRuntime } from '../../shared/aws/runtime.ts';
import { lambdaOf } from '../http/mount.ts';
import { simApi } from './app.ts';

export const handler = lambdaOf(simApi(awsRuntime('sim-api')));
