import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reply } from '../../infra/local/client.ts';
import { type ApiOperation, READ_ONLY_ROLES, ROLES, type Role } from '../../shared/contract/operation.ts';
import { CONTRACT } from '../../shared/contract/table.ts';
import { FIXTURES, type Fixture } from './fixtures.ts';
import { foreignIds, missing, prepareSetting, type Request, type Setting, send } from './setting.ts';

let s: Setting;
beforeAll(async () => {
  s = await prepareSetting();
});
afterAll(() => s.test.stop());

const of = (id: string): ApiOperation => CONTRACT[id] as ApiOperation;
const ids = (wanted: (operation: ApiOperation, id: string) => boolean): string[] =>
  Object.keys(CONTRACT).filter((id) => wanted(of(id), id));

/** Changes that are refused in a test cloud, so that there is no answer to keep. */
const UNREPLAYED = {
  setClock: 'a test moves the time itself',
  abandonFormer: 'no site is waited for where nothing was switched',
  discardDivergence: 'nothing diverges where nothing was switched',
};

/** Changes of things that have no version, so that there is none to be older than. */
const UNVERSIONED = { endFault: 'it may be ended by anybody at any time' };
/** What is refused uses nothing up, so all refusals of an operation share one valid call. */
const shared = new Map<string, Promise<Fixture>>();
const valid = (id: string): Promise<Fixture> => {
  if (!shared.has(id)) shared.set(id, prepare(id));
  return shared.get(id) as Promise<Fixture>;
};
const prepare = async (id: string): Promise<Fixture> => {
  const make = FIXTURES[id];
  if (!make) throw new Error(`${id} is not walked: give it a line in fixtures.ts`);
  return make(s);
};

let calls = 0;
/** Calls an operation. Every answer names the request, whatever else it says. */
async function call(id: string, request: Request): Promise<Reply & { requestId: string }> {
  const requestId = request.headers?.['x-request-id'] ?? `walk-${++calls}`;
  const reply = await send(s, id, { ...request, headers: { 'x-request-id': requestId, ...request.headers } });
  expect(reply.headers.get('x-request-id')).toBe(requestId);
  return { ...reply, requestId };
}

function expectProblem(reply: Reply, status: number, code: string): void {
  expect([reply.status, reply.body.code], JSON.stringify(reply.body)).toEqual([status, code]);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.body).toMatchObject({ status, type: expect.stringContaining(code), requestId: expect.any(String) });
}

const trail = async (requestId: string) => {
  await s.test.rest();
  const path = `/v1/system/audit-log?requestId=${requestId}`;
  return (await s.test.client.must<{ items: Record<string, unknown>[] }>('GET', path, s.test.operator)).items;
};

it('every operation of the contract is walked, and nothing else', () => {
  expect(Object.keys(FIXTURES).sort()).toEqual(Object.keys(CONTRACT).sort());
});

it.each(ids(() => true))('%s without a token is refused', async (id) => {
  const fixture = await valid(id);
  for (const token of [null, 'x.y.z']) {
    const reply = await call(id, { ...fixture, token });
    expectProblem(reply, 401, 'unauthenticated');
    expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer/);
  }
});

it.each(ids(() => true))('%s is closed to every role but its own', async (id) => {
  const fixture = await valid(id);
  const closed = ROLES.filter((r) => !of(id).roles.includes(r));
  expect(closed).not.toHaveLength(0);
  for (const role of closed) {
    const reply = await call(id, { ...fixture, token: s.tokens[role] });
    expectProblem(reply, 403, 'forbidden');
    if (!of(id).readOnly)
      expect(await trail(reply.requestId)).toMatchObject([{ operationId: id, result: 'refused', code: 'forbidden' }]);
  }
});

describe('what is malformed is refused, and the refusal says where:', () => {
  it.each(ids((o) => o.body !== undefined))('%s with a body that is not JSON', async (id) => {
    const reply = await call(id, { ...(await valid(id)), body: '{"name": ' });
    expectProblem(reply, 400, 'malformed-json');
    expect(reply.body.errors).toMatchObject([{ location: 'body' }]);
  });

  it.each(ids((o) => o.body !== undefined))('%s with a field that it does not know', async (id) => {
    const fixture = await valid(id);
    const reply = await call(id, { ...fixture, body: { ...(fixture.body as object), surprise: 1 } });
    expectProblem(reply, 400, 'invalid-request');
    expect(JSON.stringify(reply.body.errors)).toContain('surprise');
  });

  it.each(ids((o) => o.body === undefined && o.method !== 'get'))(
    '%s with a body that it does not take',
    async (id) => {
      expectProblem(await call(id, { ...(await valid(id)), body: { surprise: 1 } }), 400, 'invalid-request');
    },
  );

  it.each(ids(() => true))('%s with a query parameter that it does not know', async (id) => {
    const fixture = await valid(id);
    const reply = await call(id, { ...fixture, query: { ...fixture.query, surprise: '1' } });
    expectProblem(reply, 400, 'invalid-request');
    expect(reply.body.errors).toMatchObject([{ location: 'query.surprise' }]);
  });
});

const hasIds = (o: ApiOperation): boolean => /\{/.test(o.path);
it.each(ids((o) => o.face === 'tenant' && hasIds(o)))(
  "%s says the same of another tenant's and of nobody's",
  async (id) => {
    const { params = {}, ...rest } = await valid(id);
    const told = async (idOf: (real: string) => string) => {
      const foreign = Object.fromEntries(Object.keys(params).map((p) => [p, idOf(foreignIds(s)[p] as string)]));
      const reply = await call(id, { ...rest, params: foreign, headers: { 'x-request-id': 'the-same' } });
      expectProblem(reply, 404, 'not-found');
      const text = JSON.stringify([reply.body, [...reply.headers]]);
      return Object.values(foreign).reduce((all, value) => all.replaceAll(value, '<id>'), text);
    };
    expect(await told((real) => real)).toBe(await told(missing));
  },
);

it.each([
  ['vpcId', (f: string) => ({ vpcId: f, nics: [] }), () => s.globex.vpcId],
  ['nics.networkId', (f: string) => ({ nics: [{ networkId: f }] }), () => s.globex.networkId],
] as const)('createVm says the same of another tenant’s and of nobody’s %s', async (_, change, real) => {
  const fixture = await valid('createVm');
  const told = async (foreign: string) => {
    const body = { ...(fixture.body as object), vpcId: undefined, ...change(foreign) };
    const reply = await call('createVm', { ...fixture, body, headers: { 'x-request-id': 'the-same' } });
    expectProblem(reply, 404, 'not-found');
    return JSON.stringify(reply.body).replaceAll(foreign, '<id>');
  };
  expect(await told(real())).toBe(await told(missing(real())));
});

it.each(ids((o) => o.readOnly))('%s answers everybody who may read as the contract says', async (id) => {
  const fixture = await valid(id);
  const roles = new Set<Role>([...READ_ONLY_ROLES[of(id).face], ...of(id).roles]);
  for (const role of roles) expectAnswer(id, await call(id, { ...fixture, token: s.tokens[role] }));
});

it.each(ids((o, id) => ['patch', 'delete'].includes(o.method) && !(id in UNVERSIONED)))(
  '%s of an older version is refused',
  async (id) => {
    const reply = await call(id, { ...(await valid(id)), headers: { 'if-match': '"0"' } });
    expectProblem(reply, 412, 'precondition-failed');
  },
);

it.each(ids((o) => o.query?.shape.dryRun !== undefined))('%s as a dry run changes nothing', async (id) => {
  const fixture = await valid(id);
  for (let i = 0; i < 2; i++) {
    const reply = await call(id, { ...fixture, query: { ...fixture.query, dryRun: 'true' } });
    expect([reply.status, reply.body.dryRun], JSON.stringify(reply.body)).toEqual([200, true]);
    expect(await trail(reply.requestId)).toEqual([]);
  }
});

it.each(ids((o) => !o.readOnly))('%s does its work, and the audit trail tells', async (id) => {
  const { refused, noTrail, ...fixture } = await prepare(id);
  const reply = await call(id, fixture);
  if (refused) expect(reply.body.code, JSON.stringify(reply.body)).toBe(refused);
  else expectAnswer(id, reply);
  const entry = { operationId: id, status: reply.status, result: refused ? 'refused' : 'done' };
  expect(await trail(reply.requestId)).toMatchObject(noTrail ? [] : [entry]);
});

it.each(ids((o, id) => o.method === 'post' && !o.readOnly && !(id in UNREPLAYED)))(
  '%s with a key is done once, and the key takes no other request',
  async (id) => {
    const { other, ...fixture } = await prepare(id);
    const headers = { 'idempotency-key': `walk-${id}` };
    const first = await call(id, { ...fixture, headers });
    expectAnswer(id, first);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const again = await call(id, { ...fixture, headers });
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expectProblem(await call(id, { ...fixture, body: other, headers }), 422, 'key-reused');
  },
);

/** As the contract says: the status, every field, and no field beyond. */
function expectAnswer(id: string, reply: Reply): void {
  const { status, schema } = of(id).response;
  expect(reply.status, JSON.stringify(reply.body)).toBe(status);
  if (status === 204) {
    expect(reply.body).toBeUndefined();
    return;
  }
  const parsed = schema.safeParse(reply.body);
  expect(parsed.error?.issues ?? []).toEqual([]);
  expect(reply.body).toEqual(parsed.data);
}
