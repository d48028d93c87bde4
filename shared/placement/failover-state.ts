import type { Admission, RecoveryMethod } from '../model/ha.ts';
import type { Cluster, Host } from '../model/inventory.ts';
import type { Vm } from '../model/vm.ts';
import { faultsCovered } from './failover.ts';
import { ClusterPromise } from './promise.ts';
import { type Homeless, rehearse } from './rehearsal.ts';

/** Failures in a row that are looked at, hosts: what a cluster bears beyond it is told as "at least". Declared. */
const LOOKED_FAILURES = 64;

/** How a cluster stands to what it has promised to keep for failures (HA-13). */
export interface FailoverState {
  policy: Admission;
  recovery: RecoveryMethod;
  failoverHosts: readonly string[];
  /** In sum, as power-ons are judged; a cluster without a policy promises nothing. */
  kept: boolean;
  reasons: string[];
  figures: Record<string, number | string>;
  /** Hosts whose failure it has promised to bear. */
  promisedFailures: number;
  /** Hosts that can fail now, one after the other, with a place for each of their VMs. */
  toleratedFailures: number;
  atLeast: boolean;
  /** Kept in sum is not yet placeable: what is free may lie scattered over hosts. */
  fragmentation: { keptInSum: boolean; placeable: boolean; example?: Homeless };
}

/** Of a cluster, its hosts and all VMs that hold something of them or wait for a host. Pure. */
export function failoverState(
  cluster: Cluster,
  hosts: readonly Host[],
  vms: readonly Vm[],
  { look = LOOKED_FAILURES }: { look?: number } = {},
): FailoverState {
  const promise = new ClusterPromise(cluster, [...hosts]);
  const { broken, figures } = promise.now();
  const promisedFailures = failuresPromised(cluster, promise.hostsInUse);
  const { failures, atLeast, homeless } = rehearse(cluster, hosts, vms, Math.max(look, promisedFailures));
  const kept = broken.length === 0;
  return {
    policy: cluster.ha.admission,
    recovery: cluster.ha.recovery,
    failoverHosts: cluster.ha.failoverHosts,
    kept,
    reasons: broken.map((b) => `${b.reason} (${b.rule})`),
    figures,
    promisedFailures,
    toleratedFailures: failures,
    atLeast,
    fragmentation: {
      keptInSum: kept,
      placeable: failures >= promisedFailures,
      ...(homeless ? { example: homeless } : {}),
    },
  };
}

/** Whether it is kept in sum, yet VMs would find no host. */
export const isFragmented = ({ fragmentation: { keptInSum, placeable } }: FailoverState): boolean =>
  keptInSum && !placeable;

function failuresPromised({ ha: { admission, failoverHosts } }: Cluster, hostsInUse: number): number {
  switch (admission.kind) {
    case 'none':
      return 0;
    case 'slots':
      return admission.toleratedFaults;
    case 'percentage':
      return faultsCovered(Math.min(admission.cpuPercent, admission.memoryPercent), hostsInUse);
    case 'dedicated':
      return failoverHosts.length;
  }
}
