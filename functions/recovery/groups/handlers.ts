import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import { tenantPart } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Call } from '../../http/call.ts';
import { groupView } from './views.ts';

const later = async () => {
  throw new DomainError('busy', 'not yet');
};
export const groupHandlers = (_port: HypervisorPort) => ({
  createProtectedGroup: later,
  checkEligibility: later,
  getProtectedGroup: later,
  patchProtectedGroup: later,
  deleteProtectedGroup: later,
  suspendProtectedGroup: later,
  resumeProtectedGroup: later,
  executeProtectedGroup: later,
  getDivergence: later,
  discardDivergence: later,

  async listProtectedGroups(call: Call) {
    const { vdcId, state, name } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'GROUP'), { vdcId, state, name });
    return paging.answer(await new TenantData(call.deps.store, call.context).list('group', paging.options), groupView);
  },
});
