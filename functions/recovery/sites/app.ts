import type { Runtime } from '../../../shared/aws/runtime.ts';
import { siteSwitchContract } from '../../../shared/contract/site-switch.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import type { Call } from '../../http/call.ts';
import { mountFace } from '../../http/mount.ts';
import { acceptSite } from './begin.ts';
import { siteReportHandlers } from './reports.ts';

/** All recovery plans of a site at once, on the operator's face. A function of its own: it alone begins plans of all tenants. */
export const siteSwitches = (runtime: Runtime, port: HypervisorPort) =>
  mountFace(
    siteSwitchContract,
    {
      ...siteReportHandlers,
      failoverSite: (call: Call<never>) => acceptSite(call, port, 'failover'),
      migrateSite: (call: Call<never>) => acceptSite(call, port, 'migrate'),
    },
    runtime,
  );
