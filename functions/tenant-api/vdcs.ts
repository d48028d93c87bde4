import { usageOf } from '../../shared/model/vdc.ts';
import { storageGiBOf } from '../../shared/model/vm.ts';
import { tenantPart } from '../../shared/store/keys.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { type Call, resource } from '../http/call.ts';
import { vdcView } from '../http/views.ts';

export const vdcHandlers = {
  async listVdcs(call: Call) {
    const paging = call.paging(tenantPart(call.tenantId, 'VDC'));
    return paging.answer(await new TenantData(call.deps.store, call.context).list('vdc', paging.options), vdcView);
  },

  async getVdc(call: Call) {
    return resource(200, vdcView(await new TenantData(call.deps.store, call.context).get('vdc', call.param('vdcId'))));
  },

  /** VDC-1: the accounting of a VDC is the sum over its sites. */
  async getVdcUtilization(call: Call) {
    const data = new TenantData(call.deps.store, call.context);
    const vdc = await data.get('vdc', call.param('vdcId'));
    const vms = await data.all('vm', { vdcId: vdc.id });
    const sites = vdc.sites.map((siteId) => {
      const here = vms.filter((vm) => vm.siteId === siteId);
      const sum = (of: (vm: (typeof here)[number]) => number) => here.reduce((n, vm) => n + of(vm), 0);
      return {
        siteId,
        vms: here.length,
        running: here.filter((vm) => vm.state === 'running').length,
        vcpus: sum((vm) => vm.cpu.vcpus),
        memoryMiB: sum((vm) => vm.memory.sizeMiB),
        storageGiB: sum(storageGiBOf),
      };
    });
    return { status: 200, body: { quota: vdc.quota, usage: usageOf(vdc), sites } };
  },
};
