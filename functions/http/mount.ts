import { Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import type { ApiOperation } from '../../shared/contract/operation.ts';
import { iso } from '../../shared/kernel/clock.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Answer } from './answer.ts';
import { Call, type Handler } from './call.ts';
import { type Caller, callerOf, mayCall } from './caller.ts';
import type { FaceDeps } from './deps.ts';
import { answerOf, idempotencyKey, KeyRace, replay } from './idempotency.ts';
import { problemOf } from './problem.ts';
import { parseJson, validateBody, validateQuery } from './validate.ts';

type Bindings = { Bindings: { event: LambdaEvent; lambdaContext: LambdaContext } };

/**
 * Builds a face: every operation of its contract with the handler of the same name. The order is the same for all:
 * authenticate, authorise, read, validate, replay or do, answer.
 */
export function mountFace<C extends Record<string, ApiOperation>>(
  contract: C,
  handlers: { [K in keyof C]: Handler },
  deps: FaceDeps,
): Hono<Bindings> {
  const app = new Hono<Bindings>();
  for (const [operationId, operation] of Object.entries(contract)) {
    const handler = handlers[operationId as keyof C];
    app.on(operation.method.toUpperCase(), operation.path.replace(/\{(\w+)\}/g, ':$1'), async (c) => {
      const requestId = requestIdOf(c.req.header('x-request-id'), deps);
      let call: Call | undefined;
      let answer: Answer;
      try {
        const event = c.env?.event as unknown as Parameters<typeof callerOf>[0];
        const caller = callerOf(event);
        call = blankCall(operationId, operation, caller, requestId, c.req.param(), deps);
        mayCall(caller, operation);
        const raw = operation.method === 'get' ? '' : await c.req.text();
        const body = validateBody(operation, parseJson(raw, c.req.header('content-type')));
        const query = validateQuery(operation, singleValues(c.req.queries()));
        const key =
          operation.method === 'post'
            ? keyOf(c.req.header('idempotency-key'), operationId, caller, {
                path: c.req.path,
                query: JSON.stringify(query),
                body: raw,
              })
            : undefined;
        call = new Call({
          operationId,
          operation,
          caller,
          requestId,
          params: c.req.param(),
          query,
          body,
          deps,
          ifMatch: c.req.header('if-match'),
          key,
        });
        answer = (key && (await replay(deps.store, key, deps.clock.now()))) ?? (await runOnce(call, handler, key));
      } catch (error) {
        const problem = problemOf(error, requestId, c.req.path, deps.log);
        if (call && !operation.readOnly)
          await auditRefusal(call, problem.status, problem.body.code as string, c.req.param());
        answer = problem;
      }
      return respond(answer, requestId);
    });
  }
  app.notFound((c) => {
    const requestId = requestIdOf(c.req.header('x-request-id'), deps);
    return respond(
      problemOf(
        new DomainError('not-found', `There is no operation ${c.req.method} ${c.req.path}.`),
        requestId,
        c.req.path,
        deps.log,
      ),
      requestId,
    );
  });
  return app;
}

/** The Lambda handler of a face. */
export const lambdaOf = (app: Hono<Bindings>) => handle(app);

async function runOnce(call: Call, handler: Handler, key: ReturnType<typeof keyOf>): Promise<Answer> {
  try {
    return await handler(call as Call<never>);
  } catch (error) {
    if (error instanceof KeyRace && key) return answerOf(error.stored, key);
    // The same call at once: what the first one changed is why this one is refused, so it gets the first one's answer.
    const first = key && error instanceof DomainError && (await replay(call.deps.store, key, call.now));
    if (first) return first;
    throw error;
  }
}

const keyOf = (
  header: string | undefined,
  operationId: string,
  caller: Caller,
  request: { path: string; query: string; body: string },
) =>
  header === undefined
    ? undefined
    : idempotencyKey(
        header,
        { operationId, actor: caller.actor, ...(caller.tenantId ? { tenantId: caller.tenantId } : {}) },
        request,
      );

const blankCall = (
  operationId: string,
  operation: ApiOperation,
  caller: Caller,
  requestId: string,
  params: Record<string, string>,
  deps: FaceDeps,
) => new Call<unknown>({ operationId, operation, caller, requestId, params, query: {}, body: undefined, deps });

/** Refused changes are on the trail too. They have no transaction to ride on, so the entry is put by itself. */
async function auditRefusal(call: Call, status: number, code: string, params: Record<string, string>): Promise<void> {
  const entry = call.auditEntry(status, Object.values(params)[0], code);
  try {
    await call.deps.store.put(keys.audit(iso(entry.at).slice(0, 10), entry.id), entry);
  } catch (error) {
    call.deps.log.error('an audit entry was lost', { entry, error: String(error) });
  }
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;
const requestIdOf = (given: string | undefined, deps: FaceDeps): string =>
  given && REQUEST_ID.test(given) ? given : deps.ids.make('request');

/** A parameter that comes twice is a flaw that the schema sees. */
const singleValues = (queries: Record<string, string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(queries).map(([k, v]) => [k, v.length === 1 ? (v[0] as string) : v])) as Record<
    string,
    string
  >;

function respond(answer: Answer, requestId: string): Response {
  const headers = new Headers({ 'x-request-id': requestId, 'cache-control': 'no-store', ...answer.headers });
  if (answer.body === undefined || answer.status === 204) return new Response(null, { status: answer.status, headers });
  if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  return new Response(text, { status: answer.status, headers });
}
