import type { BaseAmounts } from '../model/amounts.ts';
import type { HeldSeat } from '../model/placeholder.ts';
import type { Vm } from '../model/vm.ts';
import { type Capacity, rehearsePlan } from './capacity.ts';
import type { Route } from './route.ts';
import { RecoverySite, type SitePicture } from './site.ts';

const BASE = ['vcpus', 'mhz', 'memoryMiB'] as const;
const each = (of: (d: (typeof BASE)[number]) => number): BaseAmounts => ({
  vcpus: of('vcpus'),
  mhz: of('mhz'),
  memoryMiB: of('memoryMiB'),
});
type Needed = Capacity['needed'];
const add = (a: Needed, b: Needed): Needed => ({ ...each((d) => a[d] + b[d]), vms: a.vms + b.vms });

/**
 * Rehearses several plans one after the other at the sites where they lead: what one takes is not there for the next
 * (DR-21). Pure, but for what it remembers of the plans before.
 */
export class SiteRehearsal {
  private readonly sites = new Map<string, { site: RecoverySite; sum?: Capacity }>();

  /** What the plan finds there, after those before it; `seats` is what it has kept there. */
  add(
    plan: Parameters<typeof rehearsePlan>[0],
    vms: readonly Vm[],
    route: Route,
    { picture, seats }: { picture: SitePicture; seats?: ReadonlyMap<string, HeldSeat> },
  ): Capacity {
    const there = this.sites.get(route.toSiteId) ?? { site: new RecoverySite(route.toSiteId, picture) };
    this.sites.set(route.toSiteId, there);
    if (seats) there.site.keep(seats);
    const capacity = rehearsePlan(plan, vms, route, picture, { site: there.site });
    there.sum = there.sum ? together(there.sum, capacity) : capacity;
    return capacity;
  }

  /** What all of them need of each site, and what it has. */
  get capacities(): Capacity[] {
    return [...this.sites.values()].flatMap(({ sum }) => sum ?? []);
  }
}

/** Two plans at one site, which was as free for both. */
function together(a: Capacity, b: Capacity): Capacity {
  const needed = add(a.needed, b.needed);
  const of = new Map(b.clusters.map((c) => [c.clusterId, c.needed]));
  return {
    ...a,
    needed,
    lacking: Object.fromEntries(
      BASE.flatMap((d) => (needed[d] > a.free[d] ? [[d, needed[d] - a.free[d]] as const] : [])),
    ),
    clusters: a.clusters.map((c) => {
      const more = of.get(c.clusterId);
      return more ? { ...c, needed: add(c.needed, more) } : c;
    }),
    homeless: [...a.homeless, ...b.homeless],
    places: [...a.places, ...b.places],
  };
}
