import * as z from 'zod';
import { PROBLEMS, type ProblemCode } from '../../kernel/errors.ts';
import type { ApiOperation } from '../operation.ts';
import { operation as followed, time } from '../shapes.ts';

/** OpenAPI 3.1 from the contract table. Zod's JSON Schema is draft 2020-12, which is OpenAPI 3.1's own. */
export function openapiDocument(contract: Record<string, ApiOperation>): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, operation] of Object.entries(contract)) {
    paths[operation.path] ??= {};
    (paths[operation.path] as Record<string, unknown>)[operation.method] = describe(operationId, operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Strata', version: '1', description: 'The control plane of a multi-tenant private cloud.' },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: problemSchema, Operation: inline(followed, 'output'), Time: TIME },
    },
  };
}

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string', enum: Object.keys(PROBLEMS) },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['location', 'message'],
        properties: { location: { type: 'string' }, message: { type: 'string' }, fix: { type: 'string' } },
      },
    },
  },
};

function describe(operationId: string, o: ApiOperation): Record<string, unknown> {
  const pathNames = [...o.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] as string);
  const parameters = [
    ...pathNames.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...Object.entries(o.query?.shape ?? {}).map(([name, schema]) => ({
      name,
      in: 'query',
      required: false,
      schema: jsonSchema(schema as z.ZodType, 'input'),
    })),
    ...(o.method === 'post'
      ? [header('Idempotency-Key', 'repeats are answered with the first answer, for 24 hours')]
      : []),
    ...(o.method === 'patch' || o.method === 'delete'
      ? [header('If-Match', 'the ETag that the thing must still have')]
      : []),
  ];
  const content =
    o.response.status === 204
      ? {}
      : {
          content: {
            'application/json': { schema: jsonSchema(o.response.schema, 'output') },
            ...(o.response.text ? { 'text/plain': { schema: { type: 'string' } } } : {}),
          },
        };
  return {
    operationId,
    summary: o.summary,
    tags: [o.tag],
    'x-roles': o.roles,
    'x-long-running': o.longRunning,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(o.body
      ? {
          requestBody: {
            required: !o.body.safeParse(undefined).success,
            content: {
              'application/json': { schema: jsonSchema(o.body, 'input'), ...(o.example ? { example: o.example } : {}) },
            },
          },
        }
      : {}),
    responses: { [o.response.status]: { description: o.response.description, ...content }, ...problemResponses(o) },
  };
}

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});

/** Problems of the operation and those that every one of its shape can answer, by status. */
function problemResponses(o: ApiOperation): Record<string, unknown> {
  const codes: ProblemCode[] = ['invalid-request', 'unauthenticated', 'forbidden', ...o.problems];
  if (/\{/.test(o.path)) codes.push('not-found');
  if (o.body) codes.push('malformed-json', 'body-too-large', 'unsupported-media-type');
  if (o.method === 'post') codes.push('key-reused', 'busy');
  if (o.method === 'patch' || o.method === 'delete') codes.push('precondition-failed');
  const byStatus = Map.groupBy([...new Set(codes)], (c) => PROBLEMS[c].status);
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.map((c) => `${c}: ${PROBLEMS[c].title}`).join('; '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

/** What every action answers is said once. */
const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): unknown =>
  schema === followed ? { $ref: '#/components/schemas/Operation' } : inline(schema, io);

const inline = (schema: z.ZodType, io: 'input' | 'output'): unknown => withTime(plain(schema, io));

function plain(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>;
  return rest;
}

/** The pattern of an instant is longer than most of what has one: it stands in one place, and what is said of it stays. */
const TIME = plain(time, 'output');
function withTime(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withTime);
  if (node === null || typeof node !== 'object') return node;
  const { description, ...rest } = node as Record<string, unknown>;
  if (rest.format === TIME.format && rest.pattern === TIME.pattern && Object.keys(rest).length === 3)
    return { $ref: '#/components/schemas/Time', ...(description === TIME.description ? {} : { description }) };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withTime(value)]));
}
