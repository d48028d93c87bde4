import * as z from 'zod';
import { ROLES } from '../../../shared/contract/operation.ts';
import type { FunctionId } from '../../topology.ts';
import type { Issuer } from './issuer.ts';
import { functionAt } from './routes.ts';

/** A Lambda handler of the HTTP API, payload format 2.0. */
export type HttpHandler = (event: never, context: never) => Promise<unknown>;
interface LambdaAnswer {
  statusCode: number;
  headers?: Record<string, string>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

/** Lambda takes no larger request. The faces refuse far earlier (MAX_BODY_BYTES). */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;

const tokenRequest = z.strictObject({
  roles: z.array(z.enum(ROLES)).min(1),
  tenant: z.string().min(1).optional(),
  subject: z.string().min(1).optional(),
});

/**
 * Plays API Gateway: routes by the topology, verifies tokens as its authoriser does, and hands the functions events in
 * its format, through a JSON round trip, so that nothing passes that would not pass on AWS.
 */
export class Gateway {
  private readonly handlers: Partial<Record<FunctionId, HttpHandler>>;
  private readonly issuer: Issuer;
  private readonly tenantIdOf: (nameOrId: string) => Promise<string | undefined>;
  /** Said by /healthz until everything is up. */
  ready = false;

  constructor(
    handlers: Partial<Record<FunctionId, HttpHandler>>,
    issuer: Issuer,
    tenantIdOf: (nameOrId: string) => Promise<string | undefined>,
  ) {
    this.handlers = handlers;
    this.issuer = issuer;
    this.tenantIdOf = tenantIdOf;
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    if (url.pathname === '/local/token' && request.method === 'POST') return this.token(request);
    if (url.pathname === '/healthz' && !this.ready) return problem(503, 'busy', 'Not everything is up yet.');
    const id = functionAt(url.pathname);
    const handler = id && this.handlers[id];
    if (!handler) return problem(404, 'not-found', `There is nothing at ${url.pathname}.`);
    const body = await readBody(request);
    if (body === undefined) return problem(413, 'body-too-large', `The body has more than ${MAX_EVENT_BYTES} bytes.`);
    const claims = await this.issuer.verify(request.headers.get('authorization'));
    const event = eventOf(request, url, body, claims);
    const answer = JSON.parse(
      JSON.stringify(await handler(JSON.parse(JSON.stringify(event)) as never, {} as never)),
    ) as LambdaAnswer;
    const payload =
      answer.body === undefined || answer.body === ''
        ? null
        : answer.isBase64Encoded
          ? Buffer.from(answer.body, 'base64')
          : answer.body;
    return new Response(answer.statusCode === 204 ? null : payload, {
      status: answer.statusCode,
      headers: answer.headers ?? {},
    });
  };

  /** `POST /local/token {"tenant": name or id, "roles": [...]}`: stands in for signing in, on this machine only. */
  private async token(request: Request): Promise<Response> {
    const parsed = tokenRequest.safeParse(await request.json().catch(() => undefined));
    if (!parsed.success) {
      const errors = parsed.error.issues.map((i) => ({ location: ['body', ...i.path].join('.'), message: i.message }));
      return problem(
        400,
        'invalid-request',
        'Send {"roles": ["tenant-admin"], "tenant": "name or id"} or {"roles": ["system-admin"]}.',
        { errors },
      );
    }
    const { roles, tenant, subject } = parsed.data;
    const tenantId = tenant === undefined ? undefined : await this.tenantIdOf(tenant);
    if (tenant !== undefined && tenantId === undefined)
      return problem(404, 'not-found', `There is no tenant '${tenant}'.`);
    const sub = subject ?? `${tenantId ?? 'operator'}/${roles[0]}`;
    return Response.json({
      token: await this.issuer.sign({ sub, roles, ...(tenantId ? { tenant_id: tenantId } : {}) }),
    });
  }
}

function eventOf(request: Request, url: URL, body: string, claims: Record<string, unknown> | undefined) {
  const headers = Object.fromEntries([...request.headers].map(([k, v]) => [k.toLowerCase(), v]));
  const at = Date.now();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    requestContext: {
      accountId: 'local',
      apiId: 'local',
      domainName: url.hostname,
      domainPrefix: 'local',
      requestId: headers['x-request-id'] ?? '',
      routeKey: '$default',
      stage: '$default',
      time: new Date(at).toISOString(),
      timeEpoch: at,
      http: {
        method: request.method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: headers['x-forwarded-for'] ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      ...(claims ? { authorizer: { jwt: { claims, scopes: null }, principalId: '', integrationLatency: 0 } } : {}),
    },
    ...(body === '' ? {} : { body }),
    isBase64Encoded: false,
  };
}

/** The body as text, or undefined when it is larger than an event may be; the rest is then not read. */
async function readBody(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_EVENT_BYTES) return undefined;
  if (!request.body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > MAX_EVENT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const problem = (status: number, code: string, detail: string, more: object = {}): Response =>
  new Response(
    JSON.stringify({
      type: `https://strata.dev/problems/${code}`,
      title: detail,
      status,
      detail,
      code,
      requestId: 'gateway',
      ...more,
    }),
    {
      status,
      headers: { 'content-type': 'application/problem+json' },
    },
  );
