import type { GroupState } from '../../shared/model/protection.ts';
import type { TestTenant } from './tenant.ts';

export interface GroupView {
  id: string;
  name: string;
  state: GroupState;
  reason?: string;
  vms: string[];
  primarySiteId: string;
  epoch: number;
  legs: {
    siteId: string;
    from: string;
    mode: string;
    standby?: boolean;
    state?: string;
    linkUp?: boolean;
    lagSeconds?: number;
    backlogBytes?: number;
    rpo?: string;
    points?: { sequence: number }[];
    lacks?: string[];
  }[];
  outdated?: { vmId: string; reason: string }[];
  former?: { siteId: string; demoted: boolean; divergent?: { count: number; discarded: boolean } };
  aloneSince?: string;
  silentSites?: string[];
  afterLoss?: { lost: string[]; siteId?: string; lossSeconds?: number; why: string }[];
  operationId: string;
  version: number;
  code?: string;
  detail?: string;
  errors?: { location: string; message: string; fix: string }[];
}

/** Protected groups of a tenant, as its people use them. */
export class TestGroups {
  readonly acme: TestTenant;
  constructor(acme: TestTenant) {
    this.acme = acme;
  }

  call<T = GroupView>(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    return this.acme.test.client.call<T>(method, `/v1/protected-groups${path}`, {
      token: this.acme.token,
      ...(body === undefined ? {} : { body }),
      headers,
    });
  }

  create(vms: { id: string }[], replication: object, more: object = {}, query = '') {
    const { vdcId } = this.acme;
    return this.call('POST', query, { name: 'shop', vdcId, vms: vms.map((vm) => vm.id), replication, ...more });
  }

  async get(id: string): Promise<GroupView> {
    const { status, body } = await this.call('GET', `/${id}`);
    if (status !== 200) throw new Error(`group ${id}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Lets cloud time run until the group is in the state. */
  until(id: string, state: GroupState, seconds?: number): Promise<GroupView> {
    return this.acme.test.until(async () => {
      const group = await this.get(id);
      return group.state === state && group;
    }, seconds);
  }

  /** A group that is protected. */
  async protected(vms: { id: string }[], replication: object): Promise<GroupView> {
    const { status, body } = await this.create(vms, replication);
    if (status !== 201) throw new Error(`create: ${status} ${JSON.stringify(body)}`);
    const group = await this.until(body.id, 'protected', 3_600);
    await this.acme.test.settle();
    return group;
  }

  action(id: string, action: string, body: object = {}) {
    return this.call<{ id: string; code?: string; detail?: string }>('POST', `/${id}/${action}`, body);
  }
}
