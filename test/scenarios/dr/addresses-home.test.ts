import { afterEach, expect, it } from 'vitest';
import { ASYNC, type PlanView, Switching, SYNC } from '../../support/switching.ts';
import type { VmView } from '../../support/tenant.ts';

let story: Switching;
afterEach(() => story.end());

interface NicView {
  id: string;
  networkId: string;
  mac: string;
  ip: string;
  home?: { networkId: string; mac: string; ip: string };
}
/** NICs as their tenant sees them, in the very bytes of the answers. */
async function nicsOf(vms: { id: string }[]): Promise<NicView[][]> {
  const { test, acme } = story;
  const views = await Promise.all(
    vms.map((vm) => test.client.must<{ nics: NicView[] }>('GET', `/v1/vms/${vm.id}`, acme.token)),
  );
  return views.map((view) => view.nics);
}
const claimed = async () => (await story.belief()).claims.map((c) => `${c.space} ${c.ip} ${c.vmId}`).sort();

/** Two VMs at A whose plan takes them into another network, the first to an address of its own. */
async function mapped(replication: object): Promise<{ vms: VmView[]; plan: PlanView; group: string; far: string }> {
  story = await Switching.start();
  const { test, acme } = story;
  const { vms, group } = await story.protect(2, replication);
  const network = { name: 'far', type: 'internal', cidr: '10.9.0.0/24' };
  const far = await test.client.must<{ id: string }>('POST', `/v1/vpcs/${acme.vpcId}/networks`, acme.token, network);
  const [[first]] = (await nicsOf(vms)) as [NicView[]];
  const plan = await story.plan([group], {
    networkMap: { [acme.networkId]: far.id },
    ipMap: { [first?.id as string]: '10.9.0.77' },
  });
  return { vms, plan, group: group.id, far: far.id };
}

it.each([
  ['planned, synchronous', SYNC, 'migrate'],
  ['planned, asynchronous', ASYNC, 'migrate'],
  ['a failover, synchronous', SYNC, 'failover'],
])('there and back gives the same NICs, byte for byte: %s', async (_, replication, action) => {
  const { vms, plan, far, group } = await mapped(replication);
  const [before, claims] = [await nicsOf(vms), await claimed()];
  await story.write(vms, 2);
  await story.test.advance(700);
  expect((await story.done(plan, action)).state).toBe('success');
  const away = await nicsOf(vms);
  expect(away.map(([nic]) => nic?.networkId)).toEqual([far, far]);
  expect(away[0]?.[0]?.ip).toBe('10.9.0.77');
  // It says what is kept for it, and nobody else gets it.
  const kept = before.map(([nic]) => ({ networkId: nic?.networkId, mac: nic?.mac, ip: nic?.ip }));
  expect(away.map(([nic]) => nic?.home)).toEqual(kept);
  const late = {
    ...story.acme.body({ name: 'late' }),
    nics: [{ networkId: before[0]?.[0]?.networkId, ip: before[0]?.[0]?.ip }],
  };
  const refused = await story.test.client.call<{ code: string }>('POST', `/v1/vdcs/${story.acme.vdcId}/vms`, {
    token: story.acme.token,
    body: late,
  });
  expect([refused.status, refused.body.code]).toEqual([409, 'address-taken']);
  if (action === 'failover') {
    await story.test.advance(60);
    await story.groups.action(group, 'discard-divergence', { reason: 'nothing of it is wanted' });
  }
  expect((await story.done(plan, 'reprotect')).state).toBe('success');
  await story.test.advance(700);
  await story.done(plan, 'test');
  await story.done(plan, 'cleanup');
  expect(await nicsOf(vms)).toEqual(away);
  expect((await story.done(plan, 'failback')).state).toBe('success');
  expect(JSON.stringify(await nicsOf(vms))).toBe(JSON.stringify(before));
  expect(await claimed()).toEqual(claims);
  expect(await story.missing()).toEqual([]);
});

it('comes home to its own address even when the plan has another map by then', async () => {
  const { vms, plan } = await mapped(SYNC);
  const before = await nicsOf(vms);
  await story.done(plan, 'migrate');
  await story.done(plan, 'reprotect');
  const { test, acme } = story;
  await test.client.must('PATCH', `/v1/recovery-plans/${plan.id}`, acme.token, { networkMap: {}, ipMap: {} });
  expect((await story.done(plan, 'failback')).state).toBe('success');
  expect(await nicsOf(vms)).toEqual(before);
});

it('what leaves its group while it is away stays there, and what was kept at home is free again', async () => {
  const { vms, plan, group, far } = await mapped(SYNC);
  const before = await nicsOf(vms);
  await story.done(plan, 'migrate');
  await story.done(plan, 'reprotect');
  const { test, acme } = story;
  await test.client.must('DELETE', `/v1/recovery-plans/${plan.id}`, acme.token);
  await story.groups.call('DELETE', `/${group}`);
  await test.settle();
  const after = await nicsOf(vms);
  expect(after.map(([nic]) => [nic?.networkId, nic?.home])).toEqual(vms.map(() => [far, undefined]));
  expect((await claimed()).length).toBe(vms.length);
  // Now somebody else may have them, and deleting gives everything back.
  const nics = before.slice(0, 1).flatMap(([nic]) => ({ networkId: nic?.networkId, ip: nic?.ip }));
  const late = { ...acme.body({ name: 'late' }), nics };
  await test.client.must('POST', `/v1/vdcs/${acme.vdcId}/vms`, acme.token, late);
  await test.settle();
  await acme.remove(vms[0]?.id as string);
  await test.settle();
  expect((await claimed()).length).toBe(vms.length);
});
