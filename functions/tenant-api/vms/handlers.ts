import type * as z from 'zod';
import type { convertVm, migrateVm, patchVm } from '../../../shared/contract/shapes.ts';
import type { Placeholders } from '../../../shared/model/placeholder.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { type Call, resource } from '../../http/call.ts';
import { acceptMigration } from '../../http/moves.ts';
import { performanceOf } from '../../http/observed.ts';
import { placeholderViews } from '../../http/placeholders.ts';
import { vmView } from '../../http/views.ts';
import type { TenantDeps } from '../deps.ts';
import { deleteVm, startVm, stopVm } from './actions.ts';
import type { VmRequest } from './checks.ts';
import { acceptConversion } from './convert.ts';
import { createVm } from './create.ts';
import { changeVm } from './settings.ts';

export const vmHandlers = (deps: TenantDeps) => ({
  createVm: (call: Call<VmRequest>) => createVm(call, deps),
  startVm: (call: Call) => startVm(call, deps),
  stopVm,
  deleteVm,
  patchVm: (call: Call<z.infer<typeof patchVm>>) => changeVm(call, deps),

  async listVms(call: Call) {
    const data = new TenantData(deps.store, call.context);
    const vdc = await data.get('vdc', call.param('vdcId'));
    const { state, name } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'VM'), { vdcId: vdc.id, state, name });
    return paging.answer(await data.list('vm', paging.options), vmView);
  },

  async getVm(call: Call) {
    const vm = await new TenantData(deps.store, call.context).get('vm', call.param('vmId'));
    if (!vm.protection) return resource(200, vmView(vm));
    const kept = await deps.store.get<Placeholders>(keys.placeholders(vm.tenantId, vm.protection.groupId));
    const view = { ...vmView(vm), placeholders: placeholderViews(vm, kept) };
    return resource(200, view);
  },

  /** Where to, a tenant does not choose: hosts are the operator's. */
  async migrateVm(call: Call<z.infer<typeof migrateVm> | undefined>) {
    const vm = await new TenantData(deps.store, call.context).get('vm', call.param('vmId'));
    call.checkVersion(vm);
    return acceptMigration(call, deps, vm, { options: call.body ?? {}, operationPath: '/v1/operations' });
  },

  async convertVm(call: Call<z.infer<typeof convertVm> | undefined>) {
    const vm = await new TenantData(deps.store, call.context).get('vm', call.param('vmId'));
    call.checkVersion(vm);
    return acceptConversion(call, deps, vm, call.body ?? {});
  },

  /** Of its host it says only what the VM itself feels: neither which it is, nor what else runs there. */
  async getVmPerformance(call: Call) {
    const vm = await new TenantData(deps.store, call.context).get('vm', call.param('vmId'));
    return { status: 200, body: await performanceOf(vm, deps.port, call.now) };
  },
});
