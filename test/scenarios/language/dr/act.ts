import type { Reply } from '../../../../infra/local/client.ts';
import type { TestTenant } from '../../../support/tenant.ts';
import type { Names } from '../names.ts';
import type { Stage } from '../stage.ts';
import type { Command } from '../story.ts';
import type { DrCommand, GroupSetting, PlanSetting } from './story.ts';

const KINDS: ReadonlySet<Command['kind']> = new Set<DrCommand['kind']>([
  'plan action',
  'site action',
  'cancel site',
  'execution',
  'group action',
  'members',
  'create group',
  'create plan',
  'change plan',
  'delete plan',
  'grow',
  'guests',
  'remember',
]);
export const isOfRecovery = (command: Command): command is DrCommand => KINDS.has(command.kind);

export function groupBody({ name, vms, replication }: GroupSetting, tenant: TestTenant, names: Names): object {
  const { targetSiteId, thirdSiteId, ...rest } = replication;
  return {
    name,
    vdcId: tenant.vdcId,
    vms: vms.map((vm) => names.id(vm)),
    replication: {
      ...rest,
      targetSiteId: names.id(targetSiteId),
      ...(thirdSiteId ? { thirdSiteId: names.id(thirdSiteId) } : {}),
    },
  };
}

const some = <T extends object>(name: string, value: T): object =>
  Object.keys(value).length > 0 ? { [name]: value } : {};

export function planBody(plan: PlanSetting, names: Names): object {
  const byId = <T>(record: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([vm, value]) => [names.id(vm), value]));
  const dependsOn = Object.fromEntries(
    Object.entries(plan.dependsOn).map(([vm, on]) => [names.id(vm), on.map((o) => names.id(o))]),
  );
  return {
    name: plan.name,
    groups: plan.groups.map((g) => names.id(g)),
    ...some('priorities', byId(plan.priorities)),
    ...some('dependsOn', dependsOn),
    ...some('delays', plan.delays),
    ...(plan.steps.length > 0 ? { steps: plan.steps } : {}),
    ...(plan.automatic ? { takeOver: 'automatic' } : {}),
  };
}

/** Does what is said of groups, plans and guests. Undefined where there is nothing that could be refused. */
export async function actOnRecovery(command: DrCommand, stage: Stage): Promise<Reply<unknown> | undefined> {
  const { test, tenant, names } = stage;
  const call = (method: string, path: string, body?: unknown) =>
    test.client.call(method, path, { token: tenant.token, ...(body === undefined ? {} : { body }) });
  const plan = (name: string) => `/v1/recovery-plans/${names.id(name)}`;
  const group = (name: string) => `/v1/protected-groups/${names.id(name)}`;
  const created = (reply: Reply<unknown>, name: string) => {
    if (reply.status === 201) names.add((reply.body as { id: string }).id, name);
    return reply;
  };
  switch (command.kind) {
    case 'plan action': {
      const body = {
        ...(command.override ? { override: { reason: command.override } } : {}),
        ...(command.before === undefined ? {} : { before: new Date(stage.begin + command.before).toISOString() }),
        ...(command.to ? { toSiteId: names.id(command.to) } : {}),
      };
      const path = `${plan(command.plan)}/${command.action}${command.dryRun ? '?dryRun=true' : ''}`;
      return call('POST', path, Object.keys(body).length > 0 ? body : undefined);
    }
    case 'site action': {
      const body = {
        ...(command.override ? { override: { reason: command.override } } : {}),
        ...(command.atOnce ? { atOnce: command.atOnce } : {}),
        ...(command.goOn ? { onError: 'goOn' } : {}),
      };
      const path = `/v1/system/sites/${names.id(command.site)}/${command.action}${command.dryRun ? '?dryRun=true' : ''}`;
      return test.client.call('POST', path, { token: test.operator, body });
    }
    case 'cancel site': {
      const path = '/v1/system/site-switches';
      type Listed = { items: { id: string; siteId: string }[] };
      const { items } = await test.client.must<Listed>('GET', path, test.operator);
      const newest = items.find((s) => s.siteId === names.id(command.site));
      return test.client.call('POST', `${path}/${newest?.id}/cancel`, { token: test.operator });
    }
    case 'execution': {
      const { body } = await call('GET', plan(command.plan));
      const { executionId } = body as { executionId?: string };
      return call('POST', `${plan(command.plan)}/executions/${executionId}/${command.word}`);
    }
    case 'group action':
      if (command.action === 'delete') return call('DELETE', group(command.group));
      if (command.action === 'discard')
        return call('POST', `${group(command.group)}/discard-divergence`, { reason: 'entered again by hand' });
      return call('POST', `${group(command.group)}/${command.action}`);
    case 'members': {
      const vms = command.vms.map((vm) => names.id(vm));
      return call('PATCH', group(command.group), command.change === 'add' ? { addVms: vms } : { removeVms: vms });
    }
    case 'create group':
      return created(
        await call('POST', '/v1/protected-groups', groupBody(command.group, tenant, names)),
        command.group.name,
      );
    case 'create plan':
      return created(await call('POST', '/v1/recovery-plans', planBody(command.plan, names)), command.plan.name);
    case 'change plan':
      return call('PATCH', plan(command.plan.name), planBody(command.plan, names));
    case 'delete plan':
      return call('DELETE', plan(command.plan));
    case 'grow': {
      const path = `/v1/vms/${names.id(command.vm)}`;
      const { disks } = (await test.client.must('GET', path, tenant.token)) as { disks: { name: string }[] };
      const [root] = disks;
      return call('PATCH', path, { disks: [{ name: root?.name, sizeGiB: command.sizeGiB }] });
    }
    case 'guests':
      stage.resting = command.what === 'rest';
      return undefined;
    case 'remember':
      await stage.remember();
      return undefined;
  }
}
