import type { APIGatewayProxyEventV2WithJWTAuthorizer, PreTokenGenerationV2TriggerEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { callerOf } from '../../functions/http/caller.ts';
import { handler } from '../../infra/aws/claims.ts';

const event = (userAttributes: Record<string, string>, groups?: string[]) =>
  ({
    request: { userAttributes, groupConfiguration: { groupsToOverride: groups } },
    response: {},
  }) as unknown as PreTokenGenerationV2TriggerEvent;
const claimsOf = async (attributes: Record<string, string>, groups?: string[]) =>
  (await handler(event(attributes, groups))).response.claimsAndScopeOverrideDetails?.accessTokenGeneration
    ?.claimsToAddOrOverride;

describe('the claims of a token', () => {
  it('are read by the faces as the tenant and the roles of the user', async () => {
    const claims = {
      sub: 'user-1',
      ...(await claimsOf({ 'custom:tenant_id': 'ten_1' }, ['tenant-admin', 'tenant-auditor'])),
    };
    const request = {
      requestContext: { authorizer: { jwt: { claims } } },
    } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer;
    expect(callerOf(request)).toEqual({
      actor: 'user-1',
      tenantId: 'ten_1',
      roles: ['tenant-admin', 'tenant-auditor'],
    });
  });

  it('name no tenant and no role that the user does not have', async () => {
    expect(await claimsOf({ email: 'op@example.com' })).toEqual({ roles: '' });
  });
});
