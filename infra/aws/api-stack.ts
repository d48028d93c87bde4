import { CfnOutput, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { FUNCTIONS, type FunctionSpec } from '../topology.ts';
import { acknowledge } from './acknowledge.ts';
import { Auth } from './auth.ts';
import type { DataStack } from './data-stack.ts';
import { HouseFunction } from './function.ts';
import { prefixOf } from './names.ts';
import type { SiteStack } from './site-stack.ts';
import type { StageSettings } from './stage.ts';

/** Guards the account's concurrency against one loud caller; the limits per tenant are the application's. */
const THROTTLE = { rateLimit: 500, burstLimit: 1000 };

const LOGGED = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  status: '$context.status',
  milliseconds: '$context.responseLatency',
  bytes: '$context.responseLength',
  subject: '$context.authorizer.claims.sub',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

/** The faces: one HTTP API, one function per face, and a token for every route that is not open. */
export class ApiStack extends Stack {
  readonly stage: HttpStage;

  constructor(scope: Construct, id: string, stage: StageSettings, data: DataStack, site: SiteStack) {
    super(scope, id, { description: `Strata (${stage.name}): HTTP API` });
    const reach = { tables: data.tables, siteAgent: site.siteAgent };
    const issuer = stage.issuer ?? new Auth(this, 'Auth', stage, reach).issuer;
    const authorizer = new HttpJwtAuthorizer('Tokens', issuer.url, { jwtAudience: issuer.audience });
    const api = new HttpApi(this, 'Api', { apiName: `strata-${stage.name}`, createDefaultStage: false });

    for (const [name, spec] of Object.entries(FUNCTIONS) as [string, FunctionSpec][]) {
      if (!spec.routes) continue;
      const face = new HouseFunction(this, name, { stage, id: name, spec, reach });
      const integration = new HttpLambdaIntegration(`${name}-integration`, face.function);
      for (const path of spec.routes) {
        const routes = spec.open
          ? api.addRoutes({ path, methods: [HttpMethod.GET, HttpMethod.HEAD], integration })
          : api.addRoutes({ path, methods: [HttpMethod.ANY], integration, authorizer });
        if (spec.open) for (const route of routes) acknowledge(route, 'AwsSolutions-APIG4');
      }
    }

    const logs = new LogGroup(this, 'AccessLogs', {
      logGroupName: `/aws/vendedlogs/apis/${prefixOf(stage)}access`,
      retention: stage.logRetention,
      removalPolicy: stage.removalPolicy,
    });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      // The default stage: paths are as the contract says, without a prefix.
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      detailedMetricsEnabled: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(logs),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    new CfnOutput(this, 'ApiUrl', { value: this.stage.url });
    new CfnOutput(this, 'Issuer', { value: issuer.url });
  }
}
