import { awsRuntime } from '../../shared/aws/runtime.ts';
import { siteAgent } from './agent.ts';

export const handler = siteAgent(awsRuntime('site-agent'));
