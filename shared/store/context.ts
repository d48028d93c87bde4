import { DomainError } from '../kernel/errors.ts';

/** For whom a repository works. None can be built without one. */
export interface TenantContext {
  readonly kind: 'tenant';
  readonly tenantId: string;
}
export interface SystemContext {
  readonly kind: 'system';
}
export type Context = TenantContext | SystemContext;

export const SYSTEM: SystemContext = { kind: 'system' };
export const asTenant = (tenantId: string): TenantContext => ({ kind: 'tenant', tenantId });

/** @throws a bug, not a refusal: a tenant's request must never reach what belongs to the system. */
export function mustBeSystem(context: Context): void {
  if (context.kind !== 'system') throw new Error('only the system may do this');
}

/** A tenant may name its own things only; anything else is missing to it. */
export function ownTenant(context: Context, tenantId: string): void {
  if (context.kind === 'tenant' && context.tenantId !== tenantId)
    throw new DomainError('not-found', 'There is no such thing.');
}
