import type * as z from 'zod';
import type {
  abandonFormer,
  checkEligibility,
  createGroup,
  discardDivergence,
  patchGroup,
} from '../../../shared/contract/protection.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { tenantPart } from '../../../shared/store/keys.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import type { Call } from '../../http/call.ts';
import { abandon } from './abandon.ts';
import { change, execute } from './change.ts';
import { create, eligibility } from './create.ts';
import { discard, divergence } from './divergence.ts';
import { read } from './live.ts';
import { end, resume, suspend } from './states.ts';
import { groupView } from './views.ts';

export const groupHandlers = (port: HypervisorPort) => ({
  createProtectedGroup: (call: Call<z.infer<typeof createGroup>>) => create(call, port),
  checkEligibility: (call: Call<z.infer<typeof checkEligibility>>) => eligibility(call, port),
  getProtectedGroup: (call: Call) => read(call, port),
  patchProtectedGroup: (call: Call<z.infer<typeof patchGroup>>) => change(call, port),
  deleteProtectedGroup: end,
  suspendProtectedGroup: suspend,
  resumeProtectedGroup: resume,
  executeProtectedGroup: execute,
  abandonFormer: (call: Call<z.infer<typeof abandonFormer>>) => abandon(call),
  getDivergence: (call: Call) => divergence(call, port),
  discardDivergence: (call: Call<z.infer<typeof discardDivergence>>) => discard(call, port),

  async listProtectedGroups(call: Call) {
    const { vdcId, state, name } = call.query;
    const paging = call.paging(tenantPart(call.tenantId, 'GROUP'), { vdcId, state, name });
    return paging.answer(await new TenantData(call.deps.store, call.context).list('group', paging.options), groupView);
  },
});
