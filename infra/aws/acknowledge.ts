import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** The findings that are accepted, each with its reason. A finding that is not named here fails the synthesis. */
const REASONS = {
  'AwsSolutions-IAM5[Resource::*]':
    'Tracing, the delivery of vended logs and the listing of streams know no resources: AWS grants their actions on "*" only. Nothing else is granted on "*"; a test holds the functions to that.',
  'AwsSolutions-COG8': 'The Plus plan is billed for each active user; MFA is required of everybody instead.',
  'AwsSolutions-APIG4':
    'Says what the API is and whether it lives; it holds no data and must be readable before one has a token.',
  'AwsSolutions-SQS3':
    'It is itself the dead-letter queue of the dispatcher; the stream source names it as its failure destination.',
} as const;
export type Finding = keyof typeof REASONS;

export function acknowledge(scope: IConstruct, ...findings: Finding[]): void {
  Validations.of(scope).acknowledge(...findings.map((id) => ({ id, reason: REASONS[id] })));
}
