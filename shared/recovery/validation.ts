import type { Flaw } from '../kernel/errors.ts';
import type { ProtectedGroup } from '../model/protection.ts';
import { PLAN_BYTES_MAX, priorityOf, type RecoveryPlanSpec } from '../model/recovery-plan.ts';
import { mappingFlaws } from './mapping.ts';
import type { PlanFacts } from './plan-facts.ts';
import { type Route, recoverySites } from './route.ts';
import { takeOverFlaws } from './take-over.ts';
import { circleOf, prioritiesOf } from './waves.ts';

/** All that is wrong with a plan, found together and before anything moves (DR-3, DR-11, DR-21). Pure. */
export function planFlaws(plan: RecoveryPlanSpec, facts: PlanFacts, route: Route | undefined): Flaw[] {
  return [
    ...sizeFlaws(plan),
    ...groupFlaws(plan, facts),
    ...orderFlaws(plan, facts),
    ...stepFlaws(plan, facts),
    ...takeOverFlaws(plan, facts.groups),
    ...(route ? [...mappingFlaws(plan, facts, route), ...clusterFlaws(plan, facts, route)] : []),
  ];
}

function sizeFlaws(plan: RecoveryPlanSpec): Flaw[] {
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes <= PLAN_BYTES_MAX) return [];
  return [
    {
      location: 'body',
      message: `the plan has ${bytes} bytes, ${PLAN_BYTES_MAX} are the most`,
      fix: 'name only VMs that differ from the default, or make two plans of it',
    },
  ];
}

function groupFlaws({ groups }: RecoveryPlanSpec, facts: PlanFacts): Flaw[] {
  const found = new Map(facts.groups.map((g) => [g.id, g]));
  const at = (i: number) => `body.groups.${i}`;
  const flaws = groups.flatMap((id, i): Flaw[] => {
    if (!found.has(id))
      return [{ location: at(i), message: `There is no protected group '${id}'`, fix: 'name groups of your own' }];
    if (groups.indexOf(id) < i) return [{ location: at(i), message: `${id} is named twice`, fix: 'name it once' }];
    return [];
  });
  const [first] = groups.flatMap((id) => found.get(id) ?? []);
  if (!first) return flaws;
  const words = (g: ProtectedGroup) => `${g.primarySiteId} -> ${recoverySites(g).join(', ') || 'nowhere'}`;
  for (const [i, id] of groups.entries()) {
    const group = found.get(id);
    if (group && words(group) !== words(first))
      flaws.push({
        location: at(i),
        message: `${group.name} goes ${words(group)}, ${first.name} goes ${words(first)}`,
        fix: 'make a plan for each direction: groups of one plan have the same primary and the same recovery sites',
      });
  }
  return flaws;
}

function orderFlaws(plan: RecoveryPlanSpec, { vms }: PlanFacts): Flaw[] {
  const known = new Map(vms.map((vm) => [vm.id, vm.name]));
  const unknown = (location: string, id: string): Flaw[] =>
    known.has(id)
      ? []
      : [{ location, message: `${id} is no VM of the groups of the plan`, fix: 'name VMs of its groups only' }];
  const named = Object.keys(plan.priorities ?? {}).flatMap((id) => unknown(`body.priorities.${id}`, id));
  const depends = Object.entries(plan.dependsOn ?? {}).flatMap(([id, on]) => [
    ...unknown(`body.dependsOn.${id}`, id),
    ...on.flatMap((other, i): Flaw[] => {
      const location = `body.dependsOn.${id}.${i}`;
      const [mine, its] = [priorityOf(plan, id), priorityOf(plan, other)];
      if (!known.has(other) || mine === its) return unknown(location, other);
      return [
        {
          location,
          message: `${id} has priority ${mine}, and depends on ${other} of priority ${its}`,
          fix: 'give both the same priority; priorities start one after the other anyway',
        },
      ];
    }),
  ]);
  const circle = circleOf(plan.dependsOn ?? {});
  if (!circle) return [...named, ...depends];
  const fix = 'take one of these dependencies away';
  return [
    ...named,
    ...depends,
    { location: 'body.dependsOn', message: `a circle of ${circle.length - 1}: ${circle.join(' -> ')}`, fix },
  ];
}

function stepFlaws(plan: RecoveryPlanSpec, { vms }: PlanFacts): Flaw[] {
  const there = prioritiesOf(
    plan,
    vms.map((vm) => vm.id),
  );
  return (plan.steps ?? []).flatMap((step, i): Flaw[] => {
    const first = (plan.steps ?? []).findIndex((other) => other.name === step.name);
    if (first < i)
      return [
        {
          location: `body.steps.${i}.name`,
          message: `step ${first} has the name '${step.name}' too`,
          fix: 'name each differently',
        },
      ];
    if (step.priority === undefined || there.includes(step.priority)) return [];
    return [
      {
        location: `body.steps.${i}.priority`,
        message: `no VM has priority ${step.priority}, so the step would never come up; there are ${there.join(', ') || 'none'}`,
        fix: 'choose a priority that VMs have, or none',
      },
    ];
  });
}

/** A cluster is mapped to one of the recovery site. */
function clusterFlaws(plan: RecoveryPlanSpec, { clusters }: PlanFacts, route: Route): Flaw[] {
  const siteOf = new Map(clusters.map((c) => [c.id, c.siteId]));
  // Written down once, for the way out: going back it is read the other way round.
  const [from, to] = route.back ? [route.toSiteId, route.fromSiteId] : [route.fromSiteId, route.toSiteId];
  return Object.entries(plan.clusterMap ?? {}).flatMap(([source, target]): Flaw[] => {
    const location = `body.clusterMap.${source}`;
    const wrong = (id: string, site: string) =>
      siteOf.get(id) === undefined
        ? `There is no cluster '${id}'`
        : siteOf.get(id) === site
          ? undefined
          : `cluster ${id} is of site ${siteOf.get(id)}, not ${site}`;
    return [wrong(source, from), wrong(target, to)].flatMap((message) =>
      message ? [{ location, message, fix: `map a cluster of ${from} to one of ${to}` }] : [],
    );
  });
}
