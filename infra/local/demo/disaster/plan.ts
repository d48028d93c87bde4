import { pause, SECOND } from '../../../../shared/kernel/clock.ts';
import { LOOK_MS, patience, type Stage, type VmNow } from '../stage.ts';

export interface GroupNow {
  id: string;
  name: string;
  state: string;
  primarySiteId: string;
  former?: { demoted: boolean; divergent?: { count: number; bytes: number; discarded: boolean } };
  legs: { siteId: string; state?: string; points?: { sequence: number; stateAt: string; usableAt: string }[] }[];
}
export interface Lost {
  count: number;
  bytes: number;
  from?: string;
  to?: string;
  known: string;
}
export interface ExecutionNow {
  id: string;
  action: string;
  state: string;
  startedAt: string;
  reason?: string;
  phases: { name: string; startedAt: string; finishedAt?: string; detail?: string }[];
  vms: { id: string; name: string; priority: number; ready: boolean; rtoSeconds?: number; reason?: string }[];
  rpoSeconds: number;
  lostWrites: Lost;
  groups: { groupId: string; lostWrites?: Lost; rpo: { expectedSeconds: number; achievedSeconds?: number } }[];
}

/** Cloud time after which an action that is not over has failed, s. */
const PATIENCE_S = 1_800;

/** Recovery plans and protected groups as a tenant uses them. */
export class Recovery {
  private readonly stage: Stage;
  planId = '';

  constructor(stage: Stage) {
    this.stage = stage;
  }

  /** Protects VMs together and waits until their copies are of use. */
  async protect(name: string, vms: readonly VmNow[], replication: object): Promise<GroupNow> {
    const { client, tenant, vdcId } = this.stage;
    const body = { name, vdcId, vms: vms.map((vm) => vm.id), replication };
    const { id } = await client.must<GroupNow>('POST', '/v1/protected-groups', tenant, body);
    return this.until(id, (group) => group.state === 'protected', `group ${name} is protected`);
  }

  group(id: string): Promise<GroupNow> {
    return this.stage.client.must('GET', `/v1/protected-groups/${id}`, this.stage.tenant);
  }

  /** @throws when it does not come true in time. */
  async until(groupId: string, holds: (group: GroupNow) => boolean, what: string): Promise<GroupNow> {
    const over = patience(await this.stage.now(), PATIENCE_S);
    for (;;) {
      const group = await this.group(groupId);
      if (holds(group)) return group;
      if (over(await this.stage.now())) throw new Error(`it did not come true that ${what}: ${JSON.stringify(group)}`);
      await pause(LOOK_MS);
    }
  }

  async makePlan(body: object): Promise<void> {
    const { client, tenant } = this.stage;
    this.planId = (await client.must<{ id: string }>('POST', '/v1/recovery-plans', tenant, body)).id;
  }

  /** One action of the plan, to its end. `tell` is told how far it is. */
  async run(action: string, tell: (now: number, execution: ExecutionNow | undefined) => void): Promise<ExecutionNow> {
    const { client, tenant } = this.stage;
    const path = `/v1/recovery-plans/${this.planId}`;
    const { id } = await client.must<{ id: string }>('POST', `${path}/${action}`, tenant, {});
    const over = patience(await this.stage.now(), PATIENCE_S);
    for (;;) {
      const [operation, page] = await Promise.all([
        client.must<{ state: string; error?: { message: string } }>('GET', `/v1/operations/${id}`, tenant),
        client.must<{ items: ExecutionNow[] }>('GET', `${path}/executions?limit=1`, tenant),
      ]);
      tell(await this.stage.now(), page.items[0]);
      if (operation.state === 'failed') throw new Error(`${action} failed: ${operation.error?.message}`);
      if (operation.state === 'success') return (await this.newest()) as ExecutionNow;
      if (over(await this.stage.now())) throw new Error(`${action} took more than ${PATIENCE_S} s of cloud time`);
      await pause(LOOK_MS);
    }
  }

  async newest(): Promise<ExecutionNow | undefined> {
    const path = `/v1/recovery-plans/${this.planId}/executions?limit=1`;
    return (await this.stage.client.must<{ items: ExecutionNow[] }>('GET', path, this.stage.tenant)).items[0];
  }

  /** An earlier execution, as it stands by now. */
  execution(id: string): Promise<ExecutionNow> {
    return this.stage.client.must('GET', `/v1/recovery-plans/${this.planId}/executions/${id}`, this.stage.tenant);
  }

  async discard(groupId: string, reason: string): Promise<void> {
    await this.stage.client.must('POST', `/v1/protected-groups/${groupId}/discard-divergence`, this.stage.tenant, {
      reason,
    });
  }

  /** Writes that only the former primary has. */
  async divergent(groupId: string): Promise<number> {
    const page = await this.stage.client.must<{ total: { count: number } }>(
      'GET',
      `/v1/protected-groups/${groupId}/divergence`,
      this.stage.tenant,
    );
    return page.total.count;
  }
}

export const secondsOf = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / SECOND;
