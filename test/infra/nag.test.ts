import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { house } from './house.ts';

const built = house('prod');

describe('the AWS Solutions rules', () => {
  it('find nothing that is not acknowledged with a reason', () => {
    const { violations } = new AwsSolutionsChecks(built.app).validateScope(built.app);
    expect(
      violations.map((v) => `${v.ruleName}: ${v.violatingResources.map((r) => r.constructPath).join(', ')}`),
    ).toEqual([]);
  });

  it('still find all that is acknowledged, so that no acknowledgement outlives its cause', () => {
    // The pack offers no other way to look behind an acknowledgement.
    const unforgiving = Object.defineProperty(new AwsSolutionsChecks(built.app), 'isAcknowledged', {
      value: () => false,
    });
    const { violations } = unforgiving.validateScope(built.app);
    expect(violations.map((v) => v.ruleName).sort()).toEqual([
      'AwsSolutions-APIG4',
      'AwsSolutions-COG8',
      'AwsSolutions-IAM5[Resource::*]',
      'AwsSolutions-SQS3',
    ]);
  });
});
