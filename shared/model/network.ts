import type { Shaping } from './qos.ts';

/** VDC-4: an isolated network environment inside a VDC. */
export interface Vpc {
  id: string;
  tenantId: string;
  vdcId: string;
  name: string;
  sharing: 'private' | 'shared';
  networks: number;
  version: number;
  createdAt: number;
}

/** VDC-5 to VDC-8. */
export const NETWORK_TYPES = ['internal', 'direct', 'routed'] as const;
export type NetworkType = (typeof NETWORK_TYPES)[number];

export interface Network {
  id: string;
  tenantId: string;
  vdcId: string;
  vpcId: string;
  name: string;
  type: NetworkType;
  cidr: string;
  externalNetworkId?: string;
  /** How each of its ports is shaped (QOS-5). */
  qos?: Shaping;
  /** `deleting` takes no new NICs. */
  state: 'active' | 'deleting';
  version: number;
  createdAt: number;
}

/** A network outside of the cloud that direct networks join. Its addresses are shared by all tenants on it. */
export interface ExternalNetwork {
  id: string;
  name: string;
  cidr: string;
  sites: string[];
}
