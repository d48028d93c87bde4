import type { APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda';
import { type ApiOperation, type Role, SYSTEM_ROLES, TENANT_ROLES } from '../../shared/contract/operation.ts';
import { DomainError } from '../../shared/kernel/errors.ts';

/** Who calls, as the gateway's authoriser has verified it. */
export interface Caller {
  actor: string;
  roles: Role[];
  tenantId?: string;
  source?: string;
}

const KNOWN: readonly string[] = [...TENANT_ROLES, ...SYSTEM_ROLES];

/**
 * Reads the claims that the JWT authoriser of API Gateway passes on. Functions never verify tokens themselves.
 * @throws `unauthenticated` when there are none.
 */
export function callerOf(event: Partial<APIGatewayProxyEventV2WithJWTAuthorizer> | undefined): Caller {
  const claims = event?.requestContext?.authorizer?.jwt?.claims;
  if (!claims || typeof claims.sub !== 'string')
    throw new DomainError('unauthenticated', 'Send a valid token: Authorization: Bearer <token>.');
  const tenantId = claims.tenant_id;
  const source = event?.requestContext?.http?.sourceIp;
  return {
    actor: claims.sub,
    roles: rolesIn(claims.roles),
    ...(typeof tenantId === 'string' && tenantId !== '' ? { tenantId } : {}),
    ...(source ? { source } : {}),
  };
}

/** API Gateway flattens a list claim to `[a b]`. */
function rolesIn(claim: unknown): Role[] {
  const list = Array.isArray(claim)
    ? claim
    : String(claim ?? '')
        .replace(/^\[|\]$/g, '')
        .split(/[\s,]+/);
  return list.filter((r): r is Role => KNOWN.includes(r));
}

/** @throws `forbidden` when none of the caller's roles is among the operation's, naming those that are. */
export function mayCall(caller: Caller, operation: ApiOperation): void {
  const role = caller.roles.find((r) => operation.roles.includes(r));
  if (!role)
    throw new DomainError('forbidden', `This needs one of the roles ${operation.roles.join(', ')}.`, {
      figures: { roles: operation.roles },
    });
  if (operation.face === 'tenant' && !caller.tenantId) throw new DomainError('forbidden', 'The token names no tenant.');
}
