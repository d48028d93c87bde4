import type * as z from 'zod';
import type { confirmFenced } from '../../shared/contract/availability.ts';
import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import { iso, SECOND } from '../../shared/kernel/clock.ts';
import { busy, DomainError, invalid } from '../../shared/kernel/errors.ts';
import type { Cluster, FenceConfirmed, Host } from '../../shared/model/inventory.ts';
import { lastSign } from '../../shared/model/liveness.ts';
import { decideAnew, Raced } from '../../shared/store/anew.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type Call, resource } from '../http/call.ts';
import { hostView } from '../http/views.ts';

type Body = z.infer<typeof confirmFenced>;

export const fencingHandlers = (port: HypervisorPort) => ({
  /**
   * The last way of fencing (HA-7): a person has made sure that the host runs nothing. Taken only while it is being
   * fenced; before, nothing has been tried, and afterwards it is not needed. The recovery's fence step takes it up.
   */
  confirmFenced: (call: Call<Body>) =>
    decideAnew(async () => {
      const inventory = new Inventory(call.deps.store, SYSTEM);
      const host = await inventory.host(call.param('hostId'));
      call.checkVersion(host);
      mustBeMeant(host, call.body);
      if (host.state !== 'fencing') throw notFencing(host);
      const seenAt = await newestSign(host, port);
      if (host.fenceConfirmed && seenAt < host.fenceConfirmed.at) throw confirmedAlready(host, host.fenceConfirmed);
      mustBeSilent(host, seenAt, await inventory.cluster(host.clusterId), call.now);
      const fenced: FenceConfirmed = { by: call.caller.actor, at: call.now, statement: call.body.statement };
      const tx = new Transaction().update(keys.host(host.clusterId, host.id), {
        set: { fenceConfirmed: fenced, seenAt },
        add: { version: 1 },
        condition: '#state = :fencing AND #version = :version',
        names: { '#state': 'state', '#version': 'version' },
        values: { ':fencing': 'fencing', ':version': host.version },
        onFail: () => new Raced(busy(`Host ${host.name} changes faster than this request can; try again.`)),
      });
      const answer = resource(200, hostView({ ...host, seenAt, fenceConfirmed: fenced, version: host.version + 1 }));
      const data = { by: fenced.by, statement: fenced.statement };
      return call.commit(tx, answer, { event: { type: 'host.fence-confirmed', subject: host.id, data } });
    }),
});

function mustBeMeant(host: Host, { hostName }: Body): void {
  if (hostName === host.name) return;
  throw invalid([
    {
      location: 'body.hostName',
      message: `is not the name of host ${host.id}`,
      fix: `make sure which host is meant; this one is named ${host.name}`,
    },
  ]);
}

const notFencing = (host: Host): DomainError =>
  new DomainError(
    'illegal-transition',
    `Host ${host.name} is ${host.state}; only the fence of a host that is being fenced can be confirmed.`,
    { figures: { state: host.state, event: 'confirmFenced', seenAt: iso(host.seenAt) } },
  );

const confirmedAlready = (host: Host, { by, at, statement }: FenceConfirmed): DomainError =>
  new DomainError('illegal-transition', `${by} has confirmed it for host ${host.name} at ${iso(at)}: ${statement}.`, {
    figures: { state: host.state, event: 'confirmFenced', by, at: iso(at) },
  });

/** @throws `site-unreachable`: a host that nobody can ask about may be alive, and nothing could be started there now. */
async function newestSign(host: Host, port: HypervisorPort): Promise<number> {
  try {
    const beat = (await port.heartbeats(host.siteId)).find((b) => b.hostId === host.id);
    return lastSign(beat, host.seenAt);
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
    throw new DomainError(
      'site-unreachable',
      `Site ${host.siteId} does not answer, so nobody can say whether host ${host.name} gives signs of life.`,
      { figures: { seenAt: iso(host.seenAt) }, cause: error },
    );
  }
}

/** @throws `illegal-transition` with the figures: what gives signs of life is not switched off, whoever says so. */
function mustBeSilent(host: Host, seenAt: number, { ha }: Cluster, now: number): void {
  const silentMs = now - seenAt;
  if (silentMs >= ha.silentSeconds * SECOND) return;
  throw new DomainError(
    'illegal-transition',
    `Host ${host.name} has given a sign of life ${silentMs / SECOND} s ago; it is silent after ${ha.silentSeconds} s.`,
    {
      figures: {
        state: host.state,
        event: 'confirmFenced',
        seenAt: iso(seenAt),
        silentSeconds: silentMs / SECOND,
        neededSeconds: ha.silentSeconds,
      },
    },
  );
}
