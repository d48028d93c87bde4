import type { Runtime } from '../../shared/aws/runtime.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import type { Alarm } from '../../shared/model/incident.ts';
import { type HeldSeat, type Placeholders, SEATS_ALARM } from '../../shared/model/placeholder.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { type Route, routeOf } from '../../shared/recovery/route.ts';
import { HOSTS_AT_ONCE, seatsFor, withinHosts } from '../../shared/recovery/seats.ts';
import type { SitePicture } from '../../shared/recovery/site.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys } from '../../shared/store/keys.ts';
import { HostFull } from '../../shared/store/ledger.ts';
import { changePlaceholders, SeatsMoved } from '../../shared/store/placeholders.ts';
import { openIncidents } from '../../shared/store/recoveries.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';

/** How long it is believed that nothing is kept, and how often what is kept is looked at, ms. */
const LISTED_MS = MINUTE;
const LOOK_MS = 15 * SECOND;

/** States of a group in which its seats are seen to. From a switch on they are used up, until it is reprotected. */
const SETTLED: readonly ProtectedGroup['state'][] = [
  'initialSync',
  'protected',
  'suspended',
  'error',
  'testing',
  'testComplete',
  'cleaning',
];

/**
 * Sees to what recovery plans keep at their recovery sites (DR-21): seats follow members, their sizes, maps and hosts, and
 * stand at the other site after a reprotection. What finds no room is told by an alarm, and taken as soon as there is some.
 * VMs of hosts that have failed go before: while a cluster recovers no seat is taken there.
 */
export class PlaceholderWatch {
  private readonly runtime: Runtime;
  private readonly inventory: Inventory;
  private listed: { at: number; refs: { groupId: string; tenantId: string }[] } | undefined;
  private readonly shown = new Map<string, string>();

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.inventory = new Inventory(runtime.store, SYSTEM);
  }

  /** `protects`: there are protected groups. Without one nothing is kept: their end gives it back. */
  async run(now: number, protects: boolean): Promise<void> {
    if (!protects) return;
    const { store } = this.runtime;
    const keep = this.listed && this.listed.refs.length > 0 ? LOOK_MS : LISTED_MS;
    if (this.listed && now - this.listed.at < keep) return;
    this.listed = { at: now, refs: await store.queryAll('SYS#RESERVED', 'control', { consistent: true }) };
    const { refs } = this.listed;
    await this.forgotten(new Set(refs.map((r) => r.groupId)), now);
    for (const { tenantId, groupId } of refs) {
      const held = await store.get<Placeholders>(keys.placeholders(tenantId, groupId));
      if (held) await this.look(held, now);
    }
  }

  private async look(held: Placeholders, now: number): Promise<void> {
    const data = new TenantData(this.runtime.store, SYSTEM);
    const [plan, group] = await Promise.all([data.find('plan', held.planId), data.find('group', held.groupId)]);
    if (plan?.claim !== undefined || group?.claim !== undefined) return;
    if (!plan || !group || plan.reserve !== 'full' || !plan.groups.includes(group.id)) {
      if (await this.write(held, undefined)) await this.show(held, undefined, now);
      return;
    }
    const vms = await data.vmsById(group.vms);
    const route = SETTLED.includes(group.state) ? routeOf(plan, group) : undefined;
    const after = route ? await this.wanted(held, plan, vms, route) : leftOver(held, vms);
    if (differs(held, after) && !(await this.write(held, after))) return;
    await this.show(after, { plan, group, route }, now);
  }

  /** What is to be kept while the plan waits: at the site where it leads now, for the members that there are. */
  private async wanted(held: Placeholders, plan: RecoveryPlan, vms: Vm[], route: Route): Promise<Placeholders> {
    const moved = held.siteId !== route.toSiteId;
    const copies = Object.values(held.seats).flatMap((seat) => seat.lentTo ?? []);
    const there = new Set((await new TenantData(this.runtime.store, SYSTEM).vmsById(copies)).map((vm) => vm.id));
    const known = Object.entries(held.seats).filter(([, s]) => s.lentTo === undefined || there.has(s.lentTo));
    // What is kept at the site that it comes from is given back first.
    if (moved && known.length > 0) return { ...held, seats: {}, lacking: {} };
    const [picture, incidents] = await Promise.all([this.picture(route.toSiteId), openIncidents(this.runtime.store)]);
    const closed = new Set(incidents.map((incident) => incident.clusterId));
    const { seats, lacking } = seatsFor(plan, vms, route, picture, { held: new Map(known), closed });
    return {
      ...held,
      siteId: route.toSiteId,
      seats: Object.fromEntries(seats),
      lacking: Object.fromEntries(lacking),
    };
  }

  private async picture(siteId: string): Promise<SitePicture> {
    const clusters = (await this.inventory.clusters()).filter((c) => c.siteId === siteId);
    const [hosts, datastores] = await Promise.all([
      this.inventory.hosts(clusters, { consistent: true }),
      this.inventory.datastores(siteId),
    ]);
    return { clusters, hosts, datastores };
  }

  /** Whether it was written; not when somebody was faster, or took the room. */
  private async write(held: Placeholders, after: Placeholders | undefined): Promise<boolean> {
    const step = withinHosts(held.seats, after?.seats ?? {}, HOSTS_AT_ONCE);
    const next = step.whole ? after : { ...held, seats: step.seats };
    const tx = new Transaction();
    changePlaceholders(tx, [{ before: held, ...(next ? { after: next } : {}) }]);
    try {
      await this.runtime.store.commit(tx);
      return step.whole;
    } catch (error) {
      if (error instanceof SeatsMoved || error instanceof HostFull) return false;
      throw error;
    }
  }

  /** Written only when it differs from what this probe last saw. */
  private async show(
    { groupId, lacking, siteId }: Placeholders,
    about: { plan: RecoveryPlan; group: ProtectedGroup; route: Route | undefined } | undefined,
    now: number,
  ): Promise<void> {
    const { store, ids } = this.runtime;
    const without = about?.route ? Object.entries(lacking) : [];
    const [first] = without;
    const text =
      about && first
        ? `Recovery plan ${about.plan.name} has no room at site ${siteId} for ${without.length} of ${about.group.vms.length} VMs of group ${about.group.name}: of ${first[0]}, ${first[1]}`
        : '';
    if (this.shown.get(groupId) === text) return;
    // Raised anew when other VMs lack: an alarm tells what is so now.
    if (text === '' || this.shown.get(groupId)) await clearAlarm(store, ids, SEATS_ALARM, groupId, now);
    if (text !== '') await raiseAlarm(store, ids, { code: SEATS_ALARM, object: groupId, severity: 'major', text }, now);
    this.shown.set(groupId, text);
  }

  /** Clears the alarms of groups for which nothing is to be kept any more. */
  private async forgotten(listed: ReadonlySet<string>, now: number): Promise<void> {
    const { store, ids } = this.runtime;
    const alarms = await store.queryAll<Alarm>('SYS#ALARM', 'control', { prefix: `${SEATS_ALARM}#`, consistent: true });
    for (const { object } of alarms.filter((a) => a.state === 'active' && !listed.has(a.object))) {
      await clearAlarm(store, ids, SEATS_ALARM, object, now);
      this.shown.delete(object);
    }
  }
}

/** While a switch is not over: seats of members that are not at that site yet. Those are started by whoever goes on with it. */
function leftOver(held: Placeholders, vms: readonly Vm[]): Placeholders {
  const open = new Set(vms.flatMap((vm) => (vm.siteId === held.siteId ? [] : [vm.id])));
  return { ...held, seats: Object.fromEntries(Object.entries(held.seats).filter(([id]) => open.has(id))), lacking: {} };
}

/** Seats are compared as they are: those that stay are the same things. */
function differs(a: Placeholders, b: Placeholders): boolean {
  const other = (x: Record<string, HeldSeat>, y: Record<string, HeldSeat>) =>
    Object.entries(x).some(([id, seat]) => y[id] !== seat);
  return (
    a.siteId !== b.siteId ||
    other(a.seats, b.seats) ||
    other(b.seats, a.seats) ||
    JSON.stringify(a.lacking) !== JSON.stringify(b.lacking)
  );
}
