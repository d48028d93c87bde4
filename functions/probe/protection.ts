import type { Runtime } from '../../shared/aws/runtime.ts';
import { type HypervisorPort, PortTimeout } from '../../shared/hypervisor/port.ts';
import type { GroupStatus } from '../../shared/hypervisor/replication-port.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import type { ProtectedGroup } from '../../shared/model/protection.ts';
import { ALARMS, decideGroup, type Finding } from '../../shared/replication/watch.ts';
import { clearAlarm, raiseAlarm } from '../../shared/store/alarms.ts';
import { keys } from '../../shared/store/keys.ts';
import { renewSiteLease } from '../../shared/store/site-lease.ts';
import { unlessOvertaken } from './overtaken.ts';
import { act } from './protection-acts.ts';

/** How long the list of groups is believed, ms: while there are none, and while there are some. */
const LISTED_MS = { none: MINUTE, some: 20 * SECOND } as const;
/** Groups are looked at so often, ms. */
const LOOK_MS = 15 * SECOND;

/**
 * Watches over protected groups: renews the right to write of their primaries, and does what their sites' answers ask for.
 * Nothing here remembers anything that is not in the tables, but what was shown; so another probe can go on at any time.
 */
export class ProtectionWatch {
  private readonly runtime: Runtime;
  private readonly port: HypervisorPort;
  private listed: { at: number; refs: { groupId: string; tenantId: string }[] } | undefined;
  private lookedAt = Number.NEGATIVE_INFINITY;
  /** Sites whose last renewal got no answer: they are told again at once, since what they know may be older than noted. */
  private readonly untold = new Set<string>();
  private readonly shown = new Map<string, boolean>();

  constructor(runtime: Runtime, port: HypervisorPort) {
    this.runtime = runtime;
    this.port = port;
  }

  /** Whether there is a group, as of the last look. */
  get watches(): boolean {
    return this.listed !== undefined && this.listed.refs.length > 0;
  }

  /** @param silent sites that do not answer now */
  async run(now: number, silent: ReadonlySet<string>): Promise<void> {
    const refs = await this.refs(now);
    const toTell = [...this.untold].some((siteId) => !silent.has(siteId));
    if (refs.length === 0 || (now - this.lookedAt < LOOK_MS && !toTell)) return;
    const groups = await this.runtime.store.getMany<ProtectedGroup>(refs.map((r) => keys.group(r.tenantId, r.groupId)));
    for (const siteId of this.untold) if (!groups.some((g) => g.primarySiteId === siteId)) this.untold.delete(siteId);
    await this.renew(
      groups.filter((g) => !silent.has(g.primarySiteId)),
      now,
    );
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    const answers = await this.ask(groups);
    for (const group of groups) {
      // What stood for it until then was cleared with its switch.
      if (group.state === 'invalid') for (const code of ALARMS) this.shown.delete(nameOf(code, group));
      const mine = new Map([...answers].map(([siteId, by]) => [siteId, by.get(group.id)]));
      for (const finding of decideGroup(group, mine, now)) {
        if (finding.kind === 'alarm') await this.show(group, finding, now);
        // What was decided on is another group then: the next look decides on that one.
        else if (!(await this.done(group, finding)) || finding.kind !== 'demote') break;
      }
    }
  }

  /** Not when somebody was faster, or the site that is to be told does not answer: the next look finds it again. */
  private async done(group: ProtectedGroup, finding: Exclude<Finding, { kind: 'alarm' }>): Promise<boolean> {
    try {
      return await unlessOvertaken(act(group, finding, this.runtime, this.port));
    } catch (error) {
      if (!(error instanceof PortTimeout)) throw error;
      return false;
    }
  }

  private async refs(now: number): Promise<{ groupId: string; tenantId: string }[]> {
    const keep = this.listed && this.listed.refs.length > 0 ? LISTED_MS.some : LISTED_MS.none;
    if (!this.listed || now - this.listed.at >= keep)
      this.listed = { at: now, refs: await this.runtime.store.queryAll('SYS#PROTECTED', 'control') };
    return this.listed.refs;
  }

  /**
   * Only sites that answer: what stands in the table is what a failover waits for, and a silent site could not be told anyway.
   */
  private async renew(groups: readonly ProtectedGroup[], now: number): Promise<void> {
    const { store } = this.runtime;
    for (const [siteId, primaries] of Map.groupBy(groups, (g) => g.primarySiteId)) {
      try {
        await renewSiteLease({ store, port: this.port }, siteId, primaries, now, this.untold.has(siteId));
        this.untold.delete(siteId);
      } catch (error) {
        if (!(error instanceof PortTimeout)) throw error;
        this.untold.add(siteId);
      }
    }
  }

  /** What each site says of each of its groups; sites that do not answer are missing. */
  private async ask(groups: readonly ProtectedGroup[]): Promise<Map<string, Map<string, GroupStatus>>> {
    const bySite = new Map<string, Set<string>>();
    for (const { id, primarySiteId, legs, former } of groups)
      for (const siteId of [primarySiteId, ...legs.map((l) => l.siteId), ...(former ? [former.siteId] : [])])
        bySite.set(siteId, (bySite.get(siteId) ?? new Set()).add(id));
    const answers = new Map<string, Map<string, GroupStatus>>();
    for (const [siteId, ids] of bySite) {
      try {
        const found = await this.port.groupStatus(siteId, [...ids]);
        answers.set(siteId, new Map(found.map((s) => [s.groupId, s])));
      } catch (error) {
        if (!(error instanceof PortTimeout)) throw error;
      }
    }
    return answers;
  }

  /** Written only when it differs from what this probe last saw. */
  private async show(group: ProtectedGroup, { code, raised, text }: Extract<Finding, { kind: 'alarm' }>, now: number) {
    const { store, ids } = this.runtime;
    const name = nameOf(code, group);
    if (this.shown.get(name) === raised) return;
    if (raised) await raiseAlarm(store, ids, { code, object: group.id, severity: 'major', text }, now);
    else await clearAlarm(store, ids, code, group.id, now);
    this.shown.set(name, raised);
  }
}

const nameOf = (code: string, { id }: ProtectedGroup): string => `${code} ${id}`;
