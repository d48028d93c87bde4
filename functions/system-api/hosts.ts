import type { HypervisorPort } from '../../shared/hypervisor/port.ts';
import { iso } from '../../shared/kernel/clock.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { newOperation } from '../../shared/store/outbox.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import type { Call } from '../http/call.ts';
import { observed, rounded } from '../http/observed.ts';
import { operationView } from '../http/views.ts';
import { changeSwap } from './swap.ts';

export const hostHandlers = (port: HypervisorPort) => ({
  async getHostPerformance(call: Call) {
    const host = await new Inventory(call.deps.store, SYSTEM).host(call.param('hostId'));
    const observation = await observed(port, { siteId: host.siteId, hostId: host.id });
    return { status: 200, body: { at: iso(call.now), hostId: host.id, ...rounded(observation) } };
  },

  patchHost: changeSwap,

  /** Only a fenced host is switched on by hand: any other is on, or somebody is about to switch it off. */
  async powerOnHost(call: Call) {
    const host = await new Inventory(call.deps.store, SYSTEM).host(call.param('hostId'));
    call.checkVersion(host);
    if (host.state !== 'fenced' && host.state !== 'maintenance') {
      throw new DomainError(
        'illegal-transition',
        `Host ${host.name} is ${host.state}; only a fenced host is powered on.`,
        { figures: { state: host.state, event: 'powerOn' } },
      );
    }
    if (host.claim) throw held(host.claim);
    const operation = newOperation({
      id: call.newId('operation', undefined),
      kind: 'power-on-host',
      target: host.id,
      input: { hostId: host.id },
      createdAt: call.now,
    });
    const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
      set: { claim: operation.id },
      add: { version: 1 },
      condition: '#state = :was AND attribute_not_exists(#claim)',
      names: { '#state': 'state' },
      values: { ':was': host.state },
      onFail: (found) => held(String(found?.claim ?? 'another one')),
    });
    const headers = { 'operation-location': `/v1/system/operations/${operation.id}`, 'retry-after': '1' };
    return call.commit(tx, { status: 202, body: operationView(operation), headers }, { operation });
  },
});

const held = (operationId: string) =>
  new DomainError('operation-in-progress', `The host is held by operation ${operationId}.`, {
    figures: { operationId },
  });
