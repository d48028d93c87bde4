import { DomainError } from '../../../shared/kernel/errors.ts';
import type { SiteClaim, SiteSwitch } from '../../../shared/model/site-switch.ts';
import { type Capacity, capacityFigures, capacityWords } from '../../../shared/recovery/capacity.ts';

/** One switch of a site at a time. */
export const held = ({ siteId, switchId }: SiteClaim): DomainError =>
  new DomainError('operation-in-progress', `Site ${siteId} is being switched by operation ${switchId}.`, {
    figures: { siteId, operationId: switchId },
  });

export const nothingThere = ({ siteId, warnings = [] }: SiteSwitch): DomainError =>
  new DomainError(
    'not-ready',
    [`No recovery plan has its VMs at site ${siteId}: there is nothing to switch.`, ...warnings].join(' '),
    { figures: { siteId, plans: 0 } },
  );

/**
 * All plans together need more than there is, though each may find room alone: found before anything moves, where it is to
 * stop at the first error. A disaster does not wait for it.
 */
export function noRoom(
  { siteId, action, onError }: SiteSwitch,
  capacities: readonly Capacity[],
): DomainError | undefined {
  const short = capacities.filter((c) => c.homeless.length > 0);
  if (action !== 'migrate' || onError === 'goOn' || short.length === 0) return undefined;
  const words = short.flatMap((c) => capacityWords(c) ?? []).join('; ');
  const help = [...new Set(short.flatMap((c) => c.homeless.flatMap((h) => h.help)))];
  return new DomainError('no-capacity', `Site ${siteId} cannot be emptied: ${words}.`, {
    flaws: [
      {
        location: 'path.siteId',
        message: words,
        fix: `${help[0] ?? 'add room there'} Or send onError: goOn, for as many plans as find room.`,
      },
    ],
    figures: { capacity: short.map(capacityFigures) },
  });
}
