import type { Refusal } from '../../../shared/hypervisor/refusal.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import type { ProtectedGroup } from '../../../shared/model/protection.ts';
import type { Eligibility } from '../../../shared/replication/eligibility.ts';
import { flawAt } from '../../http/refusals.ts';

/** What there is no room for now; everything else would not go with room either. */
const ROOM = ['DR-17', 'DR-21', 'DR-22'];

/** All reasons in one refusal, or nothing. `field`: where the request names the VMs. */
export function refusalOf(
  { group, vms }: Pick<Eligibility, 'group' | 'vms'>,
  names: ReadonlyMap<string, string>,
  field: string,
): DomainError | undefined {
  const ids = [...vms.keys()];
  const each = ids.flatMap((id) => (vms.get(id) ?? []).map((r) => ({ vmId: id, ...r })));
  const all: Refusal[] = [...group, ...each];
  if (all.length === 0) return undefined;
  const words = [
    ...group.map((r) => `${r.reason} (${r.rule})`),
    ...each.map((r) => `VM ${names.get(r.vmId) ?? r.vmId}: ${r.reason} (${r.rule})`),
  ];
  const code = all.every((r) => ROOM.includes(r.rule)) ? 'no-capacity' : 'feature-unavailable';
  return new DomainError(code, `These VMs cannot be protected so: ${words.join('; ')}.`, {
    figures: {
      rule: all[0]?.rule,
      rules: [...new Set(all.map((r) => r.rule))],
      group: group.map(({ rule, figures }) => ({ rule, ...figures })),
      vms: each.map(({ vmId, rule, figures }) => ({ vmId, rule, ...figures })),
    },
    flaws: [
      ...group.map(flawAt('body.replication')),
      ...ids.flatMap((id, i) => (vms.get(id) ?? []).map(flawAt(`body.${field}.${i}`))),
    ],
  });
}

/** An operation or an execution has the group. */
export const groupHeld = (group: ProtectedGroup): DomainError =>
  new DomainError(
    'operation-in-progress',
    `Protected group ${group.name} is ${group.state} and held by operation ${group.claim ?? group.operationId}${group.usedBy ? `, for recovery plan ${group.usedBy}` : ''}; wait for it to end.`,
    {
      figures: {
        state: group.state,
        operationId: group.claim ?? group.operationId,
        ...(group.usedBy ? { planId: group.usedBy } : {}),
      },
    },
  );
