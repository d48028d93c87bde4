import { beforeEach, expect, it } from 'vitest';
import { dynamo } from '../store/edge.ts';
import listWithoutToken from './fixtures/list-vdcs-without-token.json' with { type: 'json' };
import { container, creation, stand, vdc } from './house.ts';

beforeEach(() => stand());

/** The list event, with these claims as the gateway's authoriser passes them on. */
const withClaims = (claims: object) => {
  const event = structuredClone(listWithoutToken);
  return { ...event, requestContext: { ...event.requestContext, authorizer: { jwt: { claims, scopes: null } } } };
};
const own = JSON.parse(JSON.stringify(creation().requestContext.authorizer.jwt.claims));

it('a request that the gateway lets through without a token is refused, and nothing is read', async () => {
  const answer = await container()(listWithoutToken);
  expect(answer).toMatchObject({ statusCode: 401, headers: { 'www-authenticate': 'Bearer' } });
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'unauthenticated', requestId: expect.stringMatching(/^req_/) });
  expect(dynamo.calls()).toHaveLength(0);
});

it.each([
  ['flattened by the gateway', '[tenant-admin tenant-operator]', 200],
  ['a single one', 'tenant-auditor', 200],
  ['flattened, with one', '[tenant-auditor]', 200],
  ['a list', ['tenant-auditor'], 200],
  ['separated by commas', '[tenant-auditor,other]', 200],
  ['none', '[]', 403],
  ['missing', undefined, 403],
  ['unknown', '[root]', 403],
  ['those of the other side', '[system-admin]', 403],
  ['nearly right', 'tenant-administrator', 403],
])('roles that are %s are read as they are meant', async (_how, roles, status) => {
  expect((await container()(withClaims({ ...own, roles }))).statusCode).toBe(status);
});

it.each([
  ['names no tenant', { tenant_id: undefined }, 403],
  ['names an empty tenant', { tenant_id: '' }, 403],
  ['names nobody', { sub: undefined }, 401],
])('a token that %s is refused', async (_what, claims, status) => {
  expect((await container()(withClaims({ ...own, ...claims }))).statusCode).toBe(status);
  expect(dynamo.calls()).toHaveLength(0);
});

it('a tenant is shown what is its own', async () => {
  const answer = await container()(withClaims(own));
  expect(JSON.parse(answer.body).items).toMatchObject([{ id: vdc.id, usage: { vcpus: 0 } }]);
});

it('whoever may only read cannot create', async () => {
  const event = creation();
  event.requestContext.authorizer.jwt.claims.roles = '[tenant-auditor]';
  expect(await container()(event)).toMatchObject({ statusCode: 403 });
});
