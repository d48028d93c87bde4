import { invalid } from '../../../shared/kernel/errors.ts';
import type { VmHa } from '../../../shared/model/ha.ts';
import type { TenantData } from '../../../shared/store/tenant-data.ts';

/**
 * What a VM depends on must be VMs of its tenant that exist: a recovery starts them first (HA-15). Of other tenants' VMs
 * nothing is said but what is said of missing ones.
 * @throws `invalid-request` naming each that is not there
 */
export async function mustDependOnVms({ dependsOn = [] }: VmHa, data: TenantData, self?: string): Promise<void> {
  const flaws = await Promise.all(
    dependsOn.map(async (id, i) => {
      const location = `body.ha.dependsOn.${i}`;
      if (id === self) return [{ location, message: 'is the VM itself', fix: 'name VMs that serve before it' }];
      const found = await data.find('vm', id);
      if (found?.testOf)
        return [
          { location, message: `is a copy that a DR test has made (DR-8)`, fix: 'name the VM that it is a copy of' },
        ];
      if (found) return [];
      return [{ location, message: `there is no VM '${id}'`, fix: 'name VMs by their ids; create them first' }];
    }),
  );
  if (flaws.flat().length > 0) throw invalid(flaws.flat());
}
