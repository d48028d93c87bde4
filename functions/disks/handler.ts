import { awsRuntime } from '../../shared/aws/runtime.ts';
import { lambdaOf } from '../http/mount.ts';
import { disksFace } from './app.ts';

export const handler = lambdaOf(disksFace(awsRuntime('disks')));
