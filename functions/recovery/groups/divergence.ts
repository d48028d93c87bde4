import type * as z from 'zod';
import type { discardDivergence } from '../../../shared/contract/protection.ts';
import { type HypervisorPort, PortTimeout } from '../../../shared/hypervisor/port.ts';
import { iso } from '../../../shared/kernel/clock.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import type { FormerPrimary, ProtectedGroup } from '../../../shared/model/protection.ts';
import { decideAnew } from '../../../shared/store/anew.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import { type Call, resource } from '../../http/call.ts';
import { decodeToken, encodeToken, pageLimit } from '../../http/paging.ts';
import { changeGroup, mustBeFree, readGroup } from './begin.ts';
import { groupView, writesView } from './views.ts';

/** Writes of a page at most, beyond what is asked for: each may have 4 KiB, and an answer 6 MB on AWS. */
const WRITES_MAX = 500;

/** What only the former primary has, oldest first (DR-14), read from its site. */
export async function divergence(call: Call, port: HypervisorPort): Promise<Answer> {
  const group = await readGroup(call);
  if (!group.former) return { status: 200, body: { total: { count: 0, bytes: 0 }, items: [] } };
  const former = mustHaveDemoted(group);
  const list = `${call.operationId}|${group.id}|${former.epoch}`;
  const after = Number(decodeToken(call.query.pageToken, list, '')?.sk ?? 0);
  const limit = Math.min(pageLimit(call.query.limit), WRITES_MAX);
  const page = await asked(former, () =>
    port.divergentWrites(former.siteId, { groupId: group.id, after: Number.isSafeInteger(after) ? after : 0, limit }),
  );
  const last = page.writes.at(-1);
  const token = page.more && last ? encodeToken({ pk: '', sk: String(last.groupSequence) }, list) : undefined;
  return {
    status: 200,
    body: {
      total: writesView(page.total),
      items: page.writes.map((w) => ({
        sequence: w.groupSequence,
        vmId: w.vmId,
        disk: w.disk,
        index: w.index,
        data: w.data,
        at: iso(w.at),
      })),
      ...(token ? { nextPageToken: token } : {}),
    },
  };
}

/** An operator's word that these writes are not wanted. Only after it may the former primary be overwritten. */
export const discard = (call: Call<z.infer<typeof discardDivergence>>, port: HypervisorPort): Promise<Answer> =>
  decideAnew(async () => {
    const group = await readGroup(call);
    mustBeFree(group);
    const former = mustHaveDemoted(group);
    const { divergent } = former;
    if (!divergent || divergent.count === 0 || divergent.discarded)
      throw new DomainError(
        'illegal-transition',
        divergent?.discarded
          ? `The writes that only site ${former.siteId} has were discarded before.`
          : `Site ${former.siteId} has no writes that the primary of today does not have.`,
        { figures: { siteId: former.siteId, ...divergent } },
      );
    const order = { groupId: group.id, epoch: group.epoch };
    const [result] = await asked(former, () => port.discardDivergence(former.siteId, [order]));
    if (result?.outcome === 'refused')
      throw new DomainError('illegal-transition', result.reason ?? `Site ${former.siteId} refuses to discard them.`);
    const set = { former: { ...former, divergent: { ...divergent, discarded: true } } };
    const tx = new Transaction();
    changeGroup(tx, group, { set });
    const { count, bytes } = divergent;
    return call.commit(tx, resource(200, groupView({ ...group, ...set, version: group.version + 1 })), {
      event: {
        type: 'group.divergence-discarded',
        subject: group.id,
        data: { siteId: former.siteId, count, bytes, reason: call.body.reason },
      },
    });
  });

function mustHaveDemoted({ name, state, former }: ProtectedGroup): FormerPrimary {
  if (former?.demoted) return former;
  throw new DomainError(
    'illegal-transition',
    former
      ? `Site ${former.siteId} has not been heard since group ${name} was switched; what it has alone is known when it is back.`
      : `Group ${name} has no former primary.`,
    { figures: { state, event: 'look at divergent writes', allowed: [] } },
  );
}

/** @throws `site-unreachable` while the former primary does not answer */
async function asked<T>(former: FormerPrimary, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PortTimeout)) throw error;
    throw new DomainError('site-unreachable', `Site ${former.siteId} does not answer; ask again later.`, {
      cause: error,
      figures: { retryAfterSeconds: 5 },
    });
  }
}
