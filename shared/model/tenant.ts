/** A tenant (租户): who owns VDCs and what is in them. */
export interface Tenant {
  id: string;
  name: string;
  state: 'active';
  version: number;
  createdAt: number;
}
