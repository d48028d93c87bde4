import type * as z from 'zod';
import type { createVpc, patchVpc } from '../../../shared/contract/shapes.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import type { Vpc } from '../../../shared/model/network.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { chargeVdc, overQuota, refundVdc } from '../../../shared/store/ledger.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import { type Call, resource } from '../../http/call.ts';
import { nameTaken, versioned } from '../../http/conditions.ts';
import { vpcView } from '../../http/views.ts';

export const vpcHandlers = {
  async createVpc(call: Call<z.infer<typeof createVpc>>) {
    const vdc = await new TenantData(call.deps.store, call.context).get('vdc', call.param('vdcId'));
    const over = overQuota(vdc, { vpcs: 1 });
    if (over) throw over;
    const vpc: Vpc = {
      id: call.newId('vpc'),
      tenantId: call.tenantId,
      vdcId: vdc.id,
      name: call.body.name,
      sharing: call.body.sharing,
      networks: 0,
      version: 1,
      createdAt: call.now,
    };
    const tx = new Transaction()
      .put(keys.vpc(call.tenantId, vpc.id), vpc)
      .put(
        keys.name(call.tenantId, `VPC#${vdc.id}`, vpc.name),
        { id: vpc.id },
        { ifAbsent: nameTaken('VPC', vpc.name) },
      );
    chargeVdc(tx, vdc, { vpcs: 1 });
    return call.commit(tx, resource(201, vpcView(vpc)), {
      event: { type: 'vpc.created', subject: vpc.id, data: { name: vpc.name } },
    });
  },

  async listVpcs(call: Call) {
    const data = new TenantData(call.deps.store, call.context);
    const vdc = await data.get('vdc', call.param('vdcId'));
    const paging = call.paging(tenantPart(call.tenantId, 'VPC'), { vdcId: vdc.id });
    return paging.answer(await data.list('vpc', paging.options), vpcView);
  },

  async getVpc(call: Call) {
    return resource(200, vpcView(await new TenantData(call.deps.store, call.context).get('vpc', call.param('vpcId'))));
  },

  async patchVpc(call: Call<z.infer<typeof patchVpc>>) {
    const vpc = await new TenantData(call.deps.store, call.context).get('vpc', call.param('vpcId'));
    call.checkVersion(vpc);
    const { name } = call.body;
    const renamed = { ...vpc, name, version: vpc.version + 1 };
    if (name === vpc.name) return resource(200, vpcView(vpc));
    const scope = `VPC#${vpc.vdcId}`;
    const tx = new Transaction()
      .update(keys.vpc(call.tenantId, vpc.id), { set: { name }, add: { version: 1 }, ...versioned(vpc) })
      .put(keys.name(call.tenantId, scope, name), { id: vpc.id }, { ifAbsent: nameTaken('VPC', name) })
      .delete(keys.name(call.tenantId, scope, vpc.name));
    return call.commit(tx, resource(200, vpcView(renamed)), {
      event: { type: 'vpc.changed', subject: vpc.id, data: { name } },
    });
  },

  async deleteVpc(call: Call) {
    const vpc = await new TenantData(call.deps.store, call.context).get('vpc', call.param('vpcId'));
    call.checkVersion(vpc);
    const tx = new Transaction()
      .delete(keys.vpc(call.tenantId, vpc.id), {
        condition: 'networks = :none AND version = :version',
        values: { ':none': 0, ':version': vpc.version },
        onFail: (found) =>
          new DomainError(
            'in-use',
            `VPC ${vpc.name} has networks, or has changed meanwhile; delete its networks first.`,
            { figures: { networks: found?.networks } },
          ),
      })
      .delete(keys.name(call.tenantId, `VPC#${vpc.vdcId}`, vpc.name));
    refundVdc(tx, { tenantId: call.tenantId, id: vpc.vdcId }, { vpcs: 1 });
    return call.commit(tx, { status: 204 }, { event: { type: 'vpc.deleted', subject: vpc.id } });
  },
};
