import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import {
  AccountRecovery,
  CfnUserPoolGroup,
  ClientAttributes,
  FeaturePlan,
  LambdaVersion,
  Mfa,
  StringAttribute,
  UserPool,
  UserPoolOperation,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { SYSTEM_ROLES, TENANT_ROLES } from '../../shared/contract/operation.ts';
import type { FunctionSpec } from '../topology.ts';
import { acknowledge } from './acknowledge.ts';
import { HouseFunction } from './function.ts';
import type { Reach } from './permissions.ts';
import type { Issuer, StageSettings } from './stage.ts';

/** Belongs to the user pool, not to the house: only this stack knows it. */
const CLAIMS: FunctionSpec = {
  entry: 'infra/aws/claims.ts',
  tables: {},
  port: false,
  timeoutSeconds: 5,
  memoryMiB: 128,
};

/**
 * The issuer of a deployment that has none of its own. Its access tokens carry the two claims that the API reads:
 * `tenant_id`, from the attribute `custom:tenant_id` that is set when the user is made and can never be changed, and
 * `roles`, from the groups that the user is in. Another issuer has to send the same two claims.
 */
export class Auth extends Construct {
  readonly issuer: Issuer;

  constructor(scope: Construct, id: string, stage: StageSettings, reach: Reach) {
    super(scope, id);
    const pool = new UserPool(this, 'Users', {
      userPoolName: `strata-${stage.name}`,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      standardAttributes: { email: { required: true, mutable: true } },
      customAttributes: { tenant_id: new StringAttribute({ minLen: 1, maxLen: 64, mutable: false }) },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { sms: false, otp: true },
      passwordPolicy: {
        minLength: 14,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
      },
      featurePlan: FeaturePlan.ESSENTIALS,
      deletionProtection: stage.stateful,
      removalPolicy: stage.removalPolicy,
    });
    acknowledge(pool, 'AwsSolutions-COG8');
    const claims = new HouseFunction(this, 'Claims', { stage, id: 'claims', spec: CLAIMS, reach });
    // The second version of the trigger is the first that can shape access tokens.
    pool.addTrigger(UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG, claims.function, LambdaVersion.V2_0);
    for (const role of [...TENANT_ROLES, ...SYSTEM_ROLES]) {
      new CfnUserPoolGroup(this, role, { userPoolId: pool.userPoolId, groupName: role });
    }
    const client = pool.addClient('Client', {
      authFlows: { userSrp: true },
      disableOAuth: true,
      preventUserExistenceErrors: true,
      accessTokenValidity: Duration.hours(1),
      readAttributes: new ClientAttributes().withStandardAttributes({ email: true }).withCustomAttributes('tenant_id'),
      writeAttributes: new ClientAttributes().withStandardAttributes({ email: true }),
    });
    this.issuer = { url: pool.userPoolProviderUrl, audience: [client.userPoolClientId] };
    new CfnOutput(Stack.of(this), 'UserPoolId', { value: pool.userPoolId });
    new CfnOutput(Stack.of(this), 'UserPoolClientId', { value: client.userPoolClientId });
  }
}
