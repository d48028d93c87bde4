import type { Reply } from '../../../infra/local/client.ts';
import { MINUTE } from '../../../shared/kernel/clock.ts';
import { isFinal } from '../../../shared/model/operation.ts';
import { readBelief } from '../../../shared/store/belief.ts';
import type { VmView } from '../../support/tenant.ts';
import { actOnRecovery, isOfRecovery } from './dr/act.ts';
import { type Stage, setCluster, setVm, vmBody } from './stage.ts';
import type { HostRef, Scheduled } from './story.ts';
import type { Trouble } from './trouble.ts';
import { StoryError } from './words.ts';

/** Does what a line of the course says. The answer is what there is to say about it: nothing, or how it was refused. */
export async function act(
  { command, place, text }: Scheduled,
  stage: Stage,
  trouble: Trouble,
  faults: Map<string, string>,
): Promise<string> {
  const { test, tenant, names } = stage;
  const { client, operator } = test;
  const outcome = (reply: Reply<unknown>): string => {
    if (reply.status >= 300)
      stage.refusals.set(text, [...(stage.refusals.get(text) ?? []), JSON.stringify(reply.body)]);
    return outcomeOf(reply);
  };
  const asOperator = (method: string, path: string, body?: unknown) =>
    client.call(method, path, { token: operator, body });
  const asTenant = (method: string, path: string, body?: unknown) =>
    client.call(method, path, { token: tenant.token, body });
  const vm = (name: string) => names.id(name);
  const hostOf = async (ref: HostRef): Promise<string> => {
    if ('host' in ref) return names.id(ref.host);
    const { hostId } = await tenant.vm(vm(ref.hostOf));
    if (hostId === null) throw new StoryError(place, `${ref.hostOf} has no host now`);
    return hostId;
  };
  /** A disk is broken by the id of its volume. */
  const targetOf = async (target: string | HostRef): Promise<string> => {
    if (typeof target !== 'string') return hostOf(target);
    const [owner = '', disk] = target.split('/');
    if (disk === undefined) return names.id(target);
    const volume = (await test.world()).volumes.find((v) => v.vmId === vm(owner) && v.name === disk);
    if (!volume) throw new StoryError(place, `${owner} has no disk '${disk}'`);
    return volume.id;
  };
  /** The migration of a VM that is under way, as an operation. */
  const migrationOf = async (name: string): Promise<string> => {
    const { operations } = await readBelief(test.cloud.store);
    const found = operations.find((o) => o.kind === 'migrate-vm' && o.target === vm(name) && !isFinal(o.state));
    if (!found) throw new StoryError(place, `${name} is not being migrated now`);
    return found.id;
  };

  if (isOfRecovery(command)) {
    const reply = await actOnRecovery(command, stage);
    return reply ? outcome(reply) : '';
  }
  switch (command.kind) {
    case 'fault': {
      const target = await targetOf(command.target);
      const span = command.for === undefined ? {} : { for: command.for / 1_000 };
      const reply = await asOperator('POST', '/v1/sim/faults', { kind: command.fault, target, ...span });
      if (reply.status === 201) faults.set(`${command.fault} ${target}`, String(reply.body.id));
      return outcome(reply);
    }
    case 'heal': {
      const key = `${command.fault} ${await targetOf(command.target)}`;
      const id = faults.get(key);
      if (!id) throw new StoryError(place, `there is no such fault to heal; there are: ${[...faults.keys()]}`);
      return outcome(await asOperator('DELETE', `/v1/sim/faults/${id}`));
    }
    case 'vm':
      return outcome(
        command.action === 'delete'
          ? await asTenant('DELETE', `/v1/vms/${vm(command.vm)}`)
          : await asTenant('POST', `/v1/vms/${vm(command.vm)}/${command.action}`),
      );
    case 'migrate': {
      if (command.by === 'tenant') return outcome(await asTenant('POST', `/v1/vms/${vm(command.vm)}/migrate`));
      const to = command.to ? { hostId: await hostOf(command.to) } : {};
      return outcome(await asOperator('POST', `/v1/system/vms/${vm(command.vm)}/migrate`, to));
    }
    case 'cancel':
      return outcome(await asTenant('POST', `/v1/operations/${await migrationOf(command.vm)}/cancel`));
    case 'confirm-fenced': {
      const id = await hostOf(command.host);
      const body = { hostName: names.of(id), statement: command.statement };
      return outcome(await asOperator('POST', `/v1/system/hosts/${id}/confirm-fenced`, body));
    }
    case 'arm':
      return outcome(await asOperator('POST', `/v1/system/clusters/${names.id(command.cluster)}/ha-arm`));
    case 'disarm': {
      const span = command.for === undefined ? {} : { forMinutes: command.for / MINUTE };
      const body = { reason: 'planned work', ...span };
      return outcome(await asOperator('POST', `/v1/system/clusters/${names.id(command.cluster)}/ha-disarm`, body));
    }
    case 'create': {
      const reply = await asTenant('POST', `/v1/vdcs/${tenant.vdcId}/vms`, vmBody(command.vm, tenant, names));
      if (reply.status === 201) names.add(String((reply.body as unknown as VmView).id), command.vm.name);
      return outcome(reply);
    }
    case 'host':
      return outcome(await asOperator('POST', `/v1/system/hosts/${await hostOf(command.host)}/${command.action}`));
    case 'set cluster': {
      const replies = [];
      for (const name of command.names) replies.push(outcome(await setCluster(name, command.settings, test, names)));
      return replies.find((r) => r !== '') ?? '';
    }
    case 'set vm':
      return outcome(await setVm(vm(command.vm), command.ha, tenant, names));
    case 'write': {
      const from = command.from ? { hostId: await hostOf(command.from) } : {};
      const path = `/v1/sim/vms/${vm(command.vm)}/disks/root/blocks/${command.block}`;
      return outcome(await asOperator('PUT', path, { data: Buffer.from(command.text).toString('base64'), ...from }));
    }
    case 'trouble':
      await trouble.become(command.what);
      return '';
    case 'replay':
      return `${await trouble.replay(command.last, command.reordered)} events came again`;
    case 'kill':
      throw new StoryError(place, 'the control plane is killed by whoever plays the story');
  }
}

const outcomeOf = ({ status, body }: Reply<unknown>): string =>
  status < 300 ? '' : `refused: ${status} ${(body as { code?: string } | undefined)?.code ?? ''}`.trim();
