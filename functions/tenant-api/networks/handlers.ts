import type * as z from 'zod';
import type { createNetwork, patchNetwork } from '../../../shared/contract/shapes.ts';
import { DomainError, invalid, notFound } from '../../../shared/kernel/errors.ts';
import { overlaps, usableRange } from '../../../shared/model/addresses.ts';
import type { Network } from '../../../shared/model/network.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { keys, tenantPart } from '../../../shared/store/keys.ts';
import { chargeVdc, overQuota, refundVdc } from '../../../shared/store/ledger.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { TenantData } from '../../../shared/store/tenant-data.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { nameTaken, versioned } from '../../http/conditions.ts';
import { networkView } from '../../http/views.ts';

export const networkHandlers = {
  async createNetwork(call: Call<z.infer<typeof createNetwork>>) {
    const data = new TenantData(call.deps.store, call.context);
    const vpc = await data.get('vpc', call.param('vpcId'));
    const vdc = await data.get('vdc', vpc.vdcId);
    const cidr = await rangeOf(call);
    if (call.body.type !== 'direct') {
      // Networks of one VPC may be joined by a router, so their ranges must differ; other VPCs may use the same (VDC-4).
      const clash = (await data.all('network', { vpcId: vpc.id })).find(
        (n) => n.type !== 'direct' && overlaps(n.cidr, cidr),
      );
      if (clash)
        throw invalid([
          {
            location: 'body.cidr',
            message: `overlaps ${clash.cidr} of network '${clash.name}' in the same VPC`,
            fix: 'choose a range of its own',
          },
        ]);
    }
    const over = overQuota(vdc, { networks: 1 });
    if (over) throw over;
    const { name, type, externalNetworkId, qos } = call.body;
    const network: Network = {
      id: call.newId('network'),
      tenantId: call.tenantId,
      vdcId: vpc.vdcId,
      vpcId: vpc.id,
      name,
      type,
      cidr,
      ...(externalNetworkId ? { externalNetworkId } : {}),
      ...(qos ? { qos } : {}),
      state: 'active',
      version: 1,
      createdAt: call.now,
    };
    const tx = new Transaction()
      .put(keys.network(call.tenantId, network.id), network)
      .put(
        keys.name(call.tenantId, `NET#${vpc.id}`, name),
        { id: network.id },
        { ifAbsent: nameTaken('network', name) },
      )
      .update(keys.vpc(call.tenantId, vpc.id), {
        add: { networks: 1, version: 1 },
        condition: 'attribute_exists(pk)',
        onFail: () => notFound('VPC', vpc.id),
      });
    chargeVdc(tx, vdc, { networks: 1 });
    if (qos) return applied(call, tx, 201, network);
    return call.commit(tx, resource(201, networkView(network)), {
      event: { type: 'network.created', subject: network.id, data: { name, type, cidr } },
    });
  },

  /** NET-1: a change applies to all ports of the network, of VMs that run as well. */
  async patchNetwork(call: Call<z.infer<typeof patchNetwork>>) {
    const network = await new TenantData(call.deps.store, call.context).get('network', call.param('networkId'));
    call.checkVersion(network);
    const { qos } = call.body;
    const tx = new Transaction().update(keys.network(call.tenantId, network.id), {
      set: { qos },
      add: { version: 1 },
      ...versioned(network),
    });
    return applied(call, tx, 200, { ...network, qos, version: network.version + 1 });
  },

  async listNetworks(call: Call) {
    const data = new TenantData(call.deps.store, call.context);
    const vpc = await data.get('vpc', call.param('vpcId'));
    const paging = call.paging(tenantPart(call.tenantId, 'NET'), { vpcId: vpc.id });
    return paging.answer(await data.list('network', paging.options), networkView);
  },

  async getNetwork(call: Call) {
    return resource(
      200,
      networkView(await new TenantData(call.deps.store, call.context).get('network', call.param('networkId'))),
    );
  },

  /** First closed to new NICs, then checked for old ones, then deleted: a creation that races finds it closed or is seen here. */
  async deleteNetwork(call: Call) {
    const network = await new TenantData(call.deps.store, call.context).get('network', call.param('networkId'));
    call.checkVersion(network);
    const { store } = call.deps;
    const key = keys.network(call.tenantId, network.id);
    await store.update(key, {
      set: { state: 'deleting' },
      condition: 'attribute_exists(pk)',
      onFail: () => notFound('network', network.id),
    });
    const claims = await store.query(claimPart(call.tenantId, network), 'control', {
      consistent: true,
      filter: { expression: 'networkId = :n', values: { ':n': network.id } },
    });
    if (claims.items.length > 0) {
      await store.update(key, { set: { state: 'active' } });
      throw new DomainError('in-use', `Network ${network.name} has NICs on it; delete their VMs first.`, {
        figures: { nics: claims.items.length },
      });
    }
    const tx = new Transaction()
      .delete(key, { condition: 'attribute_exists(pk)', onFail: () => notFound('network', network.id) })
      .delete(keys.name(call.tenantId, `NET#${network.vpcId}`, network.name))
      .update(keys.vpc(call.tenantId, network.vpcId), { add: { networks: -1, version: 1 } });
    refundVdc(tx, { tenantId: call.tenantId, id: network.vdcId }, { networks: 1 });
    return call.commit(tx, { status: 204 }, { event: { type: 'network.deleted', subject: network.id } });
  },
};

/** Answers the network, and begins the operation that tells its sites how it is shaped. */
function applied(call: Call, tx: Transaction, status: number, network: Network): Promise<Answer> {
  const operation = newOperation({
    id: call.newId('operation'),
    kind: 'configure',
    tenantId: call.tenantId,
    target: network.id,
    input: { networkId: network.id },
    createdAt: call.now,
  });
  const answer = resource(status, networkView(network));
  const headers = { ...answer.headers, 'operation-location': `/v1/operations/${operation.id}` };
  return call.commit(tx, { ...answer, headers }, { operation });
}

/** Where the address claims of a network lie: with itself or, for a direct one, with the external network. */
const claimPart = (tenantId: string, network: Network): string =>
  network.externalNetworkId ? `SYS#IP#${network.externalNetworkId}` : tenantPart(tenantId, `IP#${network.id}`);

/** VDC-8: direct means an external network and its range; the other types bring a range of their own. */
async function rangeOf(call: Call<z.infer<typeof createNetwork>>): Promise<string> {
  const { type, cidr, externalNetworkId, routerId } = call.body;
  if (routerId) throw invalid([{ location: 'body.routerId', message: 'there is no such router', fix: 'leave it out' }]);
  if (type === 'direct') {
    if (!externalNetworkId)
      throw invalid([
        { location: 'body.externalNetworkId', message: 'a direct network needs an external network', fix: 'name one' },
      ]);
    if (cidr)
      throw invalid([
        {
          location: 'body.cidr',
          message: 'a direct network has the range of its external network',
          fix: 'leave it out',
        },
      ]);
    return (await new Inventory(call.deps.store, SYSTEM).externalNetwork(externalNetworkId)).cidr;
  }
  if (externalNetworkId)
    throw invalid([
      {
        location: 'body.externalNetworkId',
        message: `an ${type} network has none`,
        fix: 'leave it out, or make the network direct',
      },
    ]);
  if (!cidr) throw invalid([{ location: 'body.cidr', message: 'is missing', fix: 'write it like 10.1.0.0/24' }]);
  usableRange(cidr);
  return cidr;
}
