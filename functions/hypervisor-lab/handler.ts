import { awsRuntime } from '../../shared/aws/runtime.ts';
import { lambdaOf } from '../http/mount.ts';
import { hypervisorLab } from './app.ts';

export const handler = lambdaOf(hypervisorLab(awsRuntime('hypervisor-lab')));
