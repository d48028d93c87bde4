import type { Belief } from '../../../../shared/invariants/facts.ts';
import type { Names } from '../names.ts';

/** Groups and plans as they are believed, by what they are called. */
export function recoveryPicture(belief: Belief, names: Names): Map<string, string> {
  for (const vm of belief.vms) if (vm.testOf) names.call(vm.id, `the test copy of ${names.of(vm.testOf.vmId)}`);
  return new Map([
    ...belief.groups.map((g): [string, string] => {
      const former = g.former
        ? `, ${names.of(g.former.siteId)} ${g.former.demoted ? 'demoted' : 'not heard'}${g.former.divergent ? ` with ${g.former.divergent.count} writes of its own${g.former.divergent.discarded ? ', discarded' : ''}` : ''}`
        : '';
      const alone = g.aloneSince === undefined ? '' : ', alone';
      return [`group ${names.of(g.id)}`, `${g.state} at ${names.of(g.primarySiteId)} #${g.epoch}${alone}${former}`];
    }),
    ...belief.plans.map((p): [string, string] => [`plan ${names.of(p.id)}`, p.state]),
  ]);
}
