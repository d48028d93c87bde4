import { DomainError } from '../../../shared/kernel/errors.ts';
import type { SiteClaim, SiteSwitch } from '../../../shared/model/site-switch.ts';

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
