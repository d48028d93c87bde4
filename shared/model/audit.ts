/** Who did what: one entry for each call that changes something, refused ones included. */
export interface AuditEntry {
  id: string;
  at: number;
  actor: string;
  roles: string[];
  tenantId?: string;
  operationId: string;
  target?: string;
  requestId: string;
  source?: string;
  status: number;
  result: 'done' | 'refused';
  code?: string;
}
