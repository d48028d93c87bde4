import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS, type FunctionSpec } from '../../infra/topology.ts';
import { house, resourcesOf } from './house.ts';

describe('the API', () => {
  const { api } = house('dev').templates;
  const routes = resourcesOf(api, 'AWS::ApiGatewayV2::Route').map((r) => r.Properties);

  it.each(Object.entries(FUNCTIONS as Record<string, FunctionSpec>).filter(([, spec]) => spec.routes))(
    'routes to %s, with a token unless it is open',
    (_name, spec) => {
      for (const path of spec.routes ?? []) {
        const mine = routes.filter((route) => String(route.RouteKey).endsWith(` ${path}`));
        expect(mine.map((route) => route.AuthorizationType)).toEqual(spec.open ? ['NONE', 'NONE'] : ['JWT']);
        if (spec.open)
          expect(mine.map((route) => String(route.RouteKey).split(' ')[0]).sort()).toEqual(['GET', 'HEAD']);
      }
    },
  );

  it('serves without a prefix, throttled and logged', () => {
    api.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
      AccessLogSettings: { DestinationArn: Match.anyValue(), Format: Match.stringLikeRegexp('requestId') },
    });
  });

  it('makes users where there is no issuer: nobody signs up, and no user changes their tenant', () => {
    api.hasResourceProperties('AWS::Cognito::UserPool', {
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      MfaConfiguration: 'ON',
      Schema: Match.arrayWith([Match.objectLike({ Name: 'tenant_id', Mutable: false })]),
      LambdaConfig: { PreTokenGenerationConfig: { LambdaVersion: 'V2_0' } },
    });
    for (const { Properties } of resourcesOf(api, 'AWS::Cognito::UserPoolClient'))
      expect(Properties.WriteAttributes).toEqual(['email']);
  });

  it('trusts the issuer that it is given, and makes no users then', () => {
    const foreign = house('dev', { issuer: 'https://id.example.com', audience: 'strata, strata-cli' }).templates.api;
    foreign.resourceCountIs('AWS::Cognito::UserPool', 0);
    foreign.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      JwtConfiguration: { Issuer: 'https://id.example.com', Audience: ['strata', 'strata-cli'] },
    });
  });
});
