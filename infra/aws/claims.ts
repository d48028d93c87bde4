import type { PreTokenGenerationV2TriggerEvent } from 'aws-lambda';

/**
 * Runs in the user pool before a token is made. Roles are one text, parted by spaces, because the pool's first form of
 * claims knows texts only; the faces read it like a list.
 */
export async function handler(event: PreTokenGenerationV2TriggerEvent): Promise<PreTokenGenerationV2TriggerEvent> {
  const tenant = event.request.userAttributes['custom:tenant_id'];
  const roles = (event.request.groupConfiguration.groupsToOverride ?? []).join(' ');
  const claims = { claimsToAddOrOverride: { roles, ...(tenant ? { tenant_id: tenant } : {}) } };
  event.response = { claimsAndScopeOverrideDetails: { accessTokenGeneration: claims, idTokenGeneration: claims } };
  return event;
}
