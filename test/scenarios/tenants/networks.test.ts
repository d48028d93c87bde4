import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
let other: TestTenant;
beforeAll(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
  other = await TestTenant.create(test, 'other');
});
afterAll(() => test.stop());

const network = (tenant: TestTenant, body: object) =>
  test.client.call<{ id: string; cidr: string; code?: string; errors?: { location: string }[] }>(
    'POST',
    `/v1/vpcs/${tenant.vpcId}/networks`,
    { token: tenant.token, body },
  );
const vmOn = (tenant: TestTenant, networkId: string, more: object = {}) =>
  test.client.call<{ id: string; nics: { ip: string; mac: string }[]; code?: string }>(
    'POST',
    `/v1/vdcs/${tenant.vdcId}/vms`,
    {
      token: tenant.token,
      body: { ...tenant.body({ sizeGiB: 1, memoryMiB: 512, vcpus: 1 }), nics: [{ networkId, ...more }] },
    },
  );

it('the same private range in two VPCs is no conflict; twice in one VPC it is (VDC-4)', async () => {
  const range = { type: 'internal', cidr: '192.168.7.0/24' };
  expect((await network(acme, { name: 'same', ...range })).status).toBe(201);
  expect((await network(other, { name: 'same', ...range })).status).toBe(201);
  const again = await network(acme, { name: 'again', ...range });
  expect([again.status, again.body.errors?.[0]?.location]).toEqual([400, 'body.cidr']);
});

it('a direct network needs an external network and shares its addresses with everybody on it (VDC-6, VDC-8)', async () => {
  expect((await network(acme, { name: 'nowhere', type: 'direct' })).status).toBe(400);
  const [mine, theirs] = await Promise.all(
    [acme, other].map((t) => network(t, { name: 'outside', type: 'direct', externalNetworkId: 'xnet_internet' })),
  );
  expect([mine?.status, theirs?.status]).toEqual([201, 201]);
  const a = await vmOn(acme, mine?.body.id as string, { ip: '203.0.113.9' });
  expect([a.status, a.body.nics[0]?.ip]).toEqual([201, '203.0.113.9']);
  const b = await vmOn(other, theirs?.body.id as string, { ip: '203.0.113.9' });
  expect([b.status, b.body.code]).toEqual([409, 'address-taken']);
});

it('an exhausted range refuses and names the range; a deletion gives the address back (ARCH-6)', async () => {
  const small = await network(acme, { name: 'small', type: 'internal', cidr: '10.99.0.0/29' });
  const made = [];
  for (let i = 0; i < 5; i++) made.push(await vmOn(acme, small.body.id));
  expect(made.map((r) => r.status)).toEqual([201, 201, 201, 201, 201]);
  expect(new Set(made.map((r) => r.body.nics[0]?.ip)).size).toBe(5);
  const full = await vmOn(acme, small.body.id);
  expect(full.body).toMatchObject({ code: 'address-exhausted', cidr: '10.99.0.0/29', used: 5 });
  await test.settle();
  await acme.remove(made[0]?.body.id as string);
  await test.settle();
  expect((await vmOn(acme, small.body.id)).body.nics[0]?.ip).toBe(made[0]?.body.nics[0]?.ip);
  await test.settle();
});

it('a network with NICs and a VPC with networks cannot be deleted; emptied they can, and the quota is given back', async () => {
  const used = await network(acme, { name: 'used', type: 'routed', cidr: '10.50.0.0/24' });
  const vm = await vmOn(acme, used.body.id);
  await test.settle();
  const remove = (path: string) => test.client.call<{ code?: string }>('DELETE', path, { token: acme.token });
  expect((await remove(`/v1/networks/${used.body.id}`)).body?.code).toBe('in-use');
  expect((await vmOn(acme, used.body.id)).status, 'a refused deletion leaves the network open').toBe(201);
  expect((await remove(`/v1/vpcs/${acme.vpcId}`)).body?.code).toBe('in-use');
  await test.settle();
  const vms = await test.client.must<{ items: { id: string; nics: { networkId: string }[] }[] }>(
    'GET',
    `/v1/vdcs/${acme.vdcId}/vms?limit=1000`,
    acme.token,
  );
  for (const { id, nics } of vms.items) if (nics.some((n) => n.networkId === used.body.id)) await acme.remove(id);
  await test.settle();
  expect(vms.items.some((v) => v.id === vm.body.id)).toBe(true);
  expect((await remove(`/v1/networks/${used.body.id}`)).status).toBe(204);
  expect(await test.violations()).toEqual([]);
});

it('a network that is deleted while a VM is made on it: either the deletion is refused, or the VM fails cleanly', async () => {
  for (let i = 0; i < 6; i++) {
    const race = await network(acme, { name: `race-${i}`, type: 'internal', cidr: `10.77.${i}.0/24` });
    const [made, gone] = await Promise.all([
      vmOn(acme, race.body.id),
      test.client.call('DELETE', `/v1/networks/${race.body.id}`, { token: acme.token }),
    ]);
    await test.settle();
    const there =
      made.status === 201
        ? (await test.client.call('GET', `/v1/vms/${made.body.id}`, { token: acme.token })).status
        : 404;
    expect([gone.status, there]).not.toEqual([204, 200]);
    if (there === 200) await acme.remove(made.body.id);
    await test.settle();
    if (gone.status !== 204) await test.client.call('DELETE', `/v1/networks/${race.body.id}`, { token: acme.token });
  }
  expect(await test.violations()).toEqual([]);
});

it('what one tenant has is missing to another, in the same words as what was never there (INV-12)', async () => {
  const [vm] = await acme.running(1, { name: 'secret' });
  const never = vm?.id.replace(/.{6}$/, 'zzzzzz');
  const ask = async (id: string | undefined) => {
    const reply = await test.client.call<Record<string, unknown>>('GET', `/v1/vms/${id}`, { token: other.token });
    const { requestId: _, instance: __, detail, ...rest } = reply.body;
    return { status: reply.status, rest, detail: String(detail).replace(String(id), 'ID') };
  };
  expect(await ask(vm?.id)).toEqual(await ask(never));
});
