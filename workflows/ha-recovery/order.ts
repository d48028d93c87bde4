import { RESTART_PRIORITIES } from '../../shared/model/ha.ts';
import type { Vm } from '../../shared/model/vm.ts';

const rank = (vm: Pick<Vm, 'ha'>) => RESTART_PRIORITIES.indexOf(vm.ha.restartPriority);

/** Those of the given VMs that must serve before this one is started: of its own tenant, whatever else was named. */
export const dependenciesOf = (vm: Vm, among: ReadonlyMap<string, Vm>): Vm[] =>
  (vm.ha.dependsOn ?? []).flatMap((id) => {
    const found = among.get(id);
    return found && found.tenantId === vm.tenantId && found.id !== vm.id ? [found] : [];
  });

/** The order of attempts: restart priority, then dependencies before dependants, then age (HA-15). */
export function restartOrder(vms: readonly Vm[]): Vm[] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const ordered: Vm[] = [];
  const entered = new Set<string>();
  for (const first of [...vms].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))) {
    // A chain may be as long as there are VMs: it is not followed by calls within calls.
    const way: { vm: Vm; left: Vm[] }[] = [];
    const enter = (vm: Vm) => {
      if (entered.has(vm.id)) return;
      entered.add(vm.id);
      way.push({ vm, left: dependenciesOf(vm, byId).reverse() });
    };
    enter(first);
    for (let at = way.at(-1); at; at = way.at(-1)) {
      const before = at.left.pop();
      if (!before) ordered.push((way.pop() as { vm: Vm }).vm);
      else if (rank(before) === rank(at.vm)) enter(before);
    }
  }
  return ordered;
}

/**
 * The same in groups that may start together: those of one priority, and of these first the ones on which others depend
 * (HA-15). A circle of dependencies is cut at the VM that is entered first.
 */
export function startGroups(vms: readonly Vm[]): Vm[][] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const ordered = restartOrder(vms);
  const depths = new Map<string, number>();
  for (const vm of ordered) {
    const before = dependenciesOf(vm, byId).map(({ id }) => depths.get(id) ?? -1);
    depths.set(vm.id, Math.max(-1, ...before) + 1);
  }
  const groups = Map.groupBy(ordered, (vm) => rank(vm) * vms.length + (depths.get(vm.id) as number));
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}
