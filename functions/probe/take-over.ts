import type { Runtime } from '../../shared/aws/runtime.ts';
import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import type { GroupStatus } from '../../shared/hypervisor/replication-port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { DomainError } from '../../shared/kernel/errors.ts';
import type { Execution, PlanAction } from '../../shared/model/execution.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import type { RecoveryPlan } from '../../shared/model/recovery-plan.ts';
import { SITE_LEASE_MARGIN_MS, type SiteLease } from '../../shared/model/site-lease.ts';
import { beginAction } from '../../shared/plans/begin.ts';
import { type Asker, readGround } from '../../shared/plans/ground.ts';
import { recoverySites } from '../../shared/recovery/route.ts';
import {
  type AutomaticPlan,
  TAKE_OVER,
  TAKE_OVER_BLOCKED,
  type TakeOver,
  takeOverOf,
} from '../../shared/recovery/take-over.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { decideAnew } from '../../shared/store/anew.ts';
import { keys } from '../../shared/store/keys.ts';
import { accept } from '../../shared/store/outbox.ts';

/** How long the list of such plans is believed, ms. */
const LISTED_MS = MINUTE;

/**
 * Watches over plans that take over by themselves (I8). While all sites answer it reads one plan after the other only to see
 * what was taken over; without such plans it reads one list a minute, without protected groups nothing.
 */
export class TakeOverWatch {
  private readonly runtime: Runtime;
  private readonly port: HypervisorPort;
  private listed: { at: number; marks: AutomaticPlan[] } | undefined;
  private readonly shown = new Map<string, boolean>();

  constructor(runtime: Runtime, port: HypervisorPort) {
    this.runtime = runtime;
    this.port = port;
  }

  /** @param silent sites that do not answer now */
  async look(now: number, silent: ReadonlySet<string>): Promise<void> {
    const { store } = this.runtime;
    if (!this.listed || now - this.listed.at >= LISTED_MS)
      this.listed = { at: now, marks: await store.queryAll<AutomaticPlan>(keys.automaticPlan('').pk, 'control') };
    const { marks } = this.listed;
    if (marks.length === 0) return;
    const plans = await store.getMany<RecoveryPlan>(marks.map((m) => keys.plan(m.tenantId, m.planId)));
    for (const plan of plans.filter((p) => p.claim === undefined))
      if (silent.size > 0 || plan.state !== 'ready' || this.shown.get(plan.id) !== false)
        await this.decide(plan, now, silent);
  }

  private async decide(plan: RecoveryPlan, now: number, silent: ReadonlySet<string>): Promise<void> {
    const { store } = this.runtime;
    const read = await store.getMany<ProtectedGroup>(plan.groups.map((id) => keys.group(plan.tenantId, id)));
    const groups = plan.groups.flatMap((id) => read.find((g) => g.id === id) ?? []);
    const [first] = groups;
    if (!first) return;
    const lost = silent.has(first.primarySiteId) ? first.primarySiteId : (first.former?.siteId ?? first.primarySiteId);
    const [previous, lease] = await Promise.all([
      plan.executionId ? store.get<Execution>(keys.execution(plan.tenantId, plan.id, plan.executionId)) : undefined,
      store.get<SiteLease>(keys.siteLease(lost)),
    ]);
    const leaseOverAt = (lease?.until ?? 0) + SITE_LEASE_MARGIN_MS;
    const there = silent.has(first.primarySiteId) ? await this.ask(groups, silent) : new Map<string, GroupStatus>();
    const found = takeOverOf({ plan, groups, previous, silent, leaseOverAt, there }, now);
    await this.show(plan, found.kind === 'blocked' ? found : await this.begin(plan, groups, found, now), now);
  }

  private async ask(groups: readonly ProtectedGroup[], silent: ReadonlySet<string>): Promise<Map<string, GroupStatus>> {
    const [siteId] = recoverySites(groups[0] as ProtectedGroup);
    if (siteId === undefined || silent.has(siteId)) return new Map();
    try {
      const ids = groups.map((g) => g.id);
      return new Map((await this.port.groupStatus(siteId, ids)).map((status) => [status.groupId, status]));
    } catch (error) {
      if (!(error instanceof PortTimeout)) throw error;
      return new Map();
    }
  }

  /**
   * Begins it just as a person would, on the very plan and groups that it was decided on: of what has changed meanwhile, as
   * where guests have just been let go on alone, the next look decides. What refuses it is what blocks it.
   */
  private async begin(
    plan: RecoveryPlan,
    groups: readonly ProtectedGroup[],
    found: TakeOver,
    now: number,
  ): Promise<TakeOver> {
    if (found.kind !== 'failover' && found.kind !== 'reprotect') return found;
    const { store, ids, random } = this.runtime;
    const asker: Asker = { tenantId: plan.tenantId, name: TAKE_OVER, now, deps: { store, ids, random } };
    try {
      await decideAnew(async () => {
        const fresh = await store.get<RecoveryPlan>(keys.plan(plan.tenantId, plan.id));
        if (!fresh || fresh.version !== plan.version) return;
        const action: PlanAction = found.kind;
        const body = found.kind === 'failover' ? { toSiteId: found.toSiteId } : {};
        const ground = await readGround(asker, fresh, action, body);
        if (!areAs(ground.asked.groups, groups)) return;
        const { tx, operation } = await beginAction(asker, this.port, ground);
        accept(tx, operation);
        await store.commit(tx);
      });
      return { kind: 'rest' };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return { kind: 'blocked', reason: error.message };
    }
  }

  private async show(plan: RecoveryPlan, found: TakeOver, now: number): Promise<void> {
    const { store, ids } = this.runtime;
    const raised = found.kind === 'blocked';
    if (this.shown.get(plan.id) === raised) return;
    if (raised) {
      const text = `Recovery plan ${plan.name} does not take over by itself: ${found.reason}`;
      await raiseAlarm(store, ids, { code: TAKE_OVER_BLOCKED, object: plan.id, severity: 'critical', text }, now);
    } else await clearAlarm(store, ids, TAKE_OVER_BLOCKED, plan.id, now);
    this.shown.set(plan.id, raised);
  }
}

const areAs = (now: readonly ProtectedGroup[], read: readonly ProtectedGroup[]): boolean =>
  now.length === read.length && now.every(({ id, version }, i) => read[i]?.id === id && read[i]?.version === version);
