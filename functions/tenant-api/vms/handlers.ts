import type * as z from 'zod';
import type { patchVm } from '../../../shared/contract/shapes.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import { hasPassthrough } from '../../../shared/model/vm.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import { type Call, resource } from '../../http/call.ts';
import { versioned } from '../../http/conditions.ts';
import { vmView } from '../../http/views.ts';
import type { TenantDeps } from '../deps.ts';
import { deleteVm, startVm, stopVm } from './actions.ts';
import type { VmRequest } from './checks.ts';
import { createVm } from './create.ts';

export const vmHandlers = (deps: TenantDeps) => ({
  createVm: (call: Call<VmRequest>) => createVm(call, deps),
  startVm: (call: Call) => startVm(call, deps),
  stopVm,
  deleteVm,

  async listVms(call: Call) {
    const data = new TenantData(deps.store, call.context);
    const vdc = await data.get('vdc', call.param('vdcId'));
    const { state, name } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'VM'), { vdcId: vdc.id, state, name });
    return paging.answer(await data.list('vm', paging.options), vmView);
  },

  async getVm(call: Call) {
    return resource(200, vmView(await new TenantData(deps.store, call.context).get('vm', call.param('vmId'))));
  },

  async patchVm(call: Call<z.infer<typeof patchVm>>) {
    const vm = await new TenantData(deps.store, call.context).get('vm', call.param('vmId'));
    call.checkVersion(vm);
    const { name = vm.name, ha = vm.ha } = call.body;
    if (ha.enabled && hasPassthrough(vm)) {
      throw new DomainError('feature-unavailable', 'A VM with a passthrough device cannot have HA.', {
        figures: { property: 'passthrough', rule: 'IO-4' },
      });
    }
    const tx = new Transaction().update(keys.vm(vm.tenantId, vm.id), {
      set: { name, ha },
      add: { version: 1 },
      ...versioned(vm),
    });
    const changed = { ...vm, name, ha, version: vm.version + 1 };
    return call.commit(tx, resource(200, vmView(changed)), {
      event: { type: 'vm.changed', subject: vm.id, data: { name, ha } },
    });
  },
});
