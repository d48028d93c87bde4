import { expect } from 'vitest';
import type { BuiltinEstate } from '../../shared/estate/builtin.ts';
import { readBelief } from '../../shared/store/belief.ts';
import { TestCloud } from './cloud.ts';
import { memoryEngine } from './dynamo/client.ts';
import { type GroupView, TestGroups } from './protection.ts';
import { TestTenant, type VmView } from './tenant.ts';

export const SYNC = { mode: 'sync', targetSiteId: 'site_b' };
export const ASYNC = { mode: 'async', targetSiteId: 'site_b', rpoMinutes: 5 };

export interface PlanView {
  id: string;
  name: string;
  state: string;
  reason?: string;
  executionId?: string;
  operationId?: string;
  testedAt?: string;
  code?: string;
  detail?: string;
}
export interface Report {
  id: string;
  action: string;
  state: string;
  reason?: string;
  startedAt: string;
  finishedAt?: string;
  phases: { name: string; startedAt: string; finishedAt?: string }[];
  vms: { id: string; outcome: string; ready: boolean; rtoSeconds?: number; reason?: string; testVmId?: string }[];
  rpoSeconds: number;
  lostWrites: { count: number; bytes: number; known: string };
  groups: { groupId: string; epoch?: number; point?: { sequence: number } }[];
  waits: { name: string; ended?: { how: string } }[];
}
/** A block that a guest wrote, and that was acknowledged. */
export interface Written {
  vmId: string;
  index: number;
  text: string;
}

/** A tenant whose VMs at site A are protected, whose guests write numbered blocks, and whose plan is executed. */
export class Switching {
  readonly test: TestCloud;
  readonly acme: TestTenant;
  readonly groups: TestGroups;
  /** In the order in which they were acknowledged. */
  readonly written: Written[] = [];
  private next = 0;

  static async start(
    estate: BuiltinEstate | object = 'two-sites',
    options: { seed?: number } = {},
  ): Promise<Switching> {
    const test = await TestCloud.start({ estate, memory: memoryEngine(), ...options });
    return new Switching(test, await TestTenant.create(test));
  }

  constructor(test: TestCloud, acme: TestTenant) {
    this.test = test;
    this.acme = acme;
    this.groups = new TestGroups(acme);
  }

  /** VMs that run at A, in one protected group. */
  async protect(
    count: number,
    replication: object = SYNC,
    name = 'shop',
  ): Promise<{ vms: VmView[]; group: GroupView }> {
    const vms = await this.acme.running(count, { siteId: 'site_a', name });
    return { vms, group: await this.groups.protected(vms, replication) };
  }

  private api<T>(method: string, path: string, body?: object) {
    return this.test.client.call<T>(method, path, {
      token: this.acme.token,
      ...(body === undefined ? {} : { body }),
      headers: {},
    });
  }

  async plan(groups: { id: string }[], more: object = {}): Promise<PlanView> {
    const reply = await this.api<PlanView>('POST', '/v1/recovery-plans', {
      name: 'erp',
      groups: groups.map((g) => g.id),
      ...more,
    });
    expect(reply.body, JSON.stringify(reply.body)).toMatchObject({ state: 'ready' });
    return reply.body;
  }

  async planNow(id: string): Promise<PlanView> {
    return (await this.api<PlanView>('GET', `/v1/recovery-plans/${id}`)).body;
  }

  act(plan: { id: string }, action: string, body: object = { override: { reason: 'a story' } }) {
    const said = action === 'failover' || action === 'migrate' || action === 'failback' ? body : {};
    return this.api<{ id: string; code?: string; detail?: string }>(
      'POST',
      `/v1/recovery-plans/${plan.id}/${action}`,
      said,
    );
  }

  /** Executes it and lets it come to its end. */
  async done(plan: { id: string }, action: string, body?: object): Promise<Report> {
    const reply = await this.act(plan, action, body);
    expect(reply.status, JSON.stringify(reply.body)).toBe(202);
    await this.test.settle();
    return this.report(plan);
  }

  /** The report of the last execution. */
  async report(plan: { id: string }): Promise<Report> {
    const { executionId } = await this.planNow(plan.id);
    return (await this.api<Report>('GET', `/v1/recovery-plans/${plan.id}/executions/${executionId}`)).body;
  }

  resume(plan: { id: string }, executionId: string) {
    return this.api('POST', `/v1/recovery-plans/${plan.id}/executions/${executionId}/resume`, {});
  }

  /** Each of these guests writes a numbered block; what is acknowledged is remembered. Answers how many were not. */
  async write(vms: { id: string }[], rounds = 1): Promise<number> {
    let refused = 0;
    for (let i = 0; i < rounds; i++)
      for (const { id } of vms) {
        const n = this.next++;
        const text = `block ${n}`;
        const { status } = await this.test.client.call('PUT', `/v1/sim/vms/${id}/disks/root/blocks/${n}`, {
          token: this.test.operator,
          body: { data: Buffer.from(text).toString('base64') },
        });
        if (status === 200) this.written.push({ vmId: id, index: n, text });
        else refused++;
      }
    return refused;
  }

  /** What of all that was acknowledged cannot be read any more where the VMs are now, in the order of its writing. */
  async missing(): Promise<Written[]> {
    const lost: Written[] = [];
    for (const block of this.written) {
      const { status, body } = await this.test.client.call<{ data: string }>(
        'GET',
        `/v1/sim/vms/${block.vmId}/disks/root/blocks/${block.index}`,
        { token: this.test.operator },
      );
      if (status !== 200 || Buffer.from(body.data, 'base64').toString() !== block.text) lost.push(block);
    }
    return lost;
  }

  /** Everything at a site fails at once, and nobody hears it. */
  async burn(siteId: string): Promise<string[]> {
    const { id } = await this.test.fault('site-loss', siteId);
    return [id];
  }

  belief() {
    return readBelief(this.test.cloud.store);
  }

  /** At the end of each story. */
  async end(): Promise<void> {
    await this.test.settle();
    expect(await this.test.violations()).toEqual([]);
    await this.test.stop();
  }
}
