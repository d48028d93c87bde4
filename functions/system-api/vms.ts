import type * as z from 'zod';
import type { Runtime } from '../../shared/aws/runtime.ts';
import type { explainPlacement, migrateSystemVm } from '../../shared/contract/shapes.ts';
import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { invalid } from '../../shared/kernel/errors.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { explain, place } from '../../shared/placement/placement.ts';
import { needOf } from '../../shared/placement/snapshot.ts';
import { CapacityReader } from '../../shared/store/capacity.ts';
import { asTenant, SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { tenantPart } from '../../shared/store/keys.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { type Call, resource } from '../http/call.ts';
import { acceptMigration } from '../http/moves.ts';
import { performanceOf } from '../http/observed.ts';
import { slicePage } from '../http/paging.ts';
import { systemVmView } from '../http/views.ts';
import { moveDisks } from './disks.ts';

export const vmHandlers = (runtime: Runtime, port: HypervisorPort) => ({
  /** By tenant or by host: over all tenants at once nobody pages. */
  async listSystemVms(call: Call) {
    const { tenantId, hostId } = call.query as { tenantId?: string; hostId?: string };
    if (hostId) {
      const { list, options } = call.paging('', { hostId, tenantId });
      const vms = (await new TenantData(call.deps.store, SYSTEM).vmsOnHost(hostId)).filter(
        (vm) => !tenantId || vm.tenantId === tenantId,
      );
      const page = slicePage(vms, options.limit, call.query.pageToken, list);
      return { status: 200, body: { ...page, items: page.items.map(systemVmView) } };
    }
    if (!tenantId) throw invalid([{ location: 'query', message: 'needs tenantId or hostId', fix: 'name one of them' }]);
    const tenant = await new Inventory(call.deps.store, SYSTEM).tenant(tenantId);
    const paging = call.paging(tenantPart(tenant.id, 'VM'));
    return paging.answer(
      await new TenantData(call.deps.store, asTenant(tenant.id)).list('vm', paging.options),
      systemVmView,
    );
  },

  async getSystemVm(call: Call) {
    return resource(200, systemVmView(await new TenantData(call.deps.store, SYSTEM).get('vm', call.param('vmId'))));
  },

  async getSystemVmPerformance(call: Call) {
    const vm = await new TenantData(call.deps.store, SYSTEM).get('vm', call.param('vmId'));
    return { status: 200, body: await performanceOf(vm, port, call.now) };
  },

  async migrateSystemVm(call: Call<z.infer<typeof migrateSystemVm> | undefined>) {
    const vm = await new TenantData(call.deps.store, SYSTEM).get('vm', call.param('vmId'));
    call.checkVersion(vm);
    const { hostId, ...options } = call.body ?? {};
    if (hostId) await new Inventory(call.deps.store, SYSTEM).host(hostId);
    const capacity = new CapacityReader(call.deps.store, call.deps.clock);
    return acceptMigration(call, { ...runtime, capacity }, vm, {
      hostId,
      options,
      operationPath: '/v1/system/operations',
    });
  },

  migrateSystemVmDisks: moveDisks,

  /** SCH-1: per host, that it may be taken or why not. */
  async explainPlacement(call: Call<z.infer<typeof explainPlacement>>) {
    const { body } = call;
    const vdc = await new TenantData(call.deps.store, SYSTEM).get('vdc', body.vdcId);
    const sites = body.placement?.siteId ? vdc.sites.filter((s) => s === body.placement?.siteId) : vdc.sites;
    const need = needOf(body, { sites, clusterId: body.placement?.clusterId, powersOn: true });
    const snapshot = await new CapacityReader(call.deps.store, call.deps.clock).retake();
    // The same seed as every explanation: two equal questions get the same answer.
    const decision = place(need, snapshot, seededRandom(1));
    return {
      status: 200,
      body: { chosen: decision.ok ? decision.candidate.host.id : null, hosts: explain(need, snapshot.all()) },
    };
  },
});
