import type { EmbeddedCloud } from './cloud.ts';

export interface Reply<T = Record<string, unknown>> {
  status: number;
  body: T;
  headers: Headers;
}

/** Calls the API of an embedded cloud without a network in between: what the start, the demo and the tests use. */
export class LocalClient {
  private readonly cloud: EmbeddedCloud;

  constructor(cloud: EmbeddedCloud) {
    this.cloud = cloud;
  }

  operator(roles: string[] = ['system-admin']): Promise<string> {
    return this.cloud.issuer.sign({ sub: `operator/${roles[0]}`, roles });
  }

  tenant(tenantId: string, roles: string[] = ['tenant-admin']): Promise<string> {
    return this.cloud.issuer.sign({ sub: `${tenantId}/${roles[0]}`, roles, tenant_id: tenantId });
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Reply<T>> {
    const { token, body, headers } = options;
    const response = await this.cloud.gateway.fetch(
      new Request(`http://embedded${path}`, {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === ''
        ? undefined
        : /json/.test(response.headers.get('content-type') ?? '')
          ? JSON.parse(text)
          : text) as T,
    };
  }

  /** Like `call`, but a refusal is an error that says what was refused. */
  async must<T = Record<string, unknown>>(method: string, path: string, token: string, body?: unknown): Promise<T> {
    const reply = await this.call<T>(method, path, { token, body });
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
}
