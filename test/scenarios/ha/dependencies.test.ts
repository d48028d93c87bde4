import { afterEach, expect, it } from 'vitest';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { Stage } from '../../support/stage.ts';
import { TestTenant } from '../../support/tenant.ts';

let stage: Stage;
afterEach(() => stage.stop());

const vm = (tenant: TestTenant, name: string, dependsOn?: string[]) =>
  stage.test.client.call<{ id: string; code?: string; errors?: { location: string }[] }>(
    'POST',
    `/v1/vdcs/${tenant.vdcId}/vms`,
    {
      token: tenant.token,
      body: {
        ...tenant.body({ name, vcpus: 1, memoryMiB: 1024 }),
        ha: { enabled: true, restartPriority: 'medium', ...(dependsOn ? { dependsOn } : {}) },
      },
    },
  );

it('a VM can depend on VMs of its own tenant only, and a stranger’s is refused in the words of one that is missing', async () => {
  stage = await Stage.open();
  const other = await TestTenant.create(stage.test, 'other');
  const { body: foreign } = await vm(other, 'theirs');
  const missing = foreign.id.replace(/.{6}$/, '000000');
  const replies = [await vm(stage.acme, 'a', [foreign.id]), await vm(stage.acme, 'a', [missing])];
  for (const { status, body } of replies) {
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ location: 'body.ha.dependsOn.0' }]);
  }
  const words = replies.map(({ body }) => JSON.stringify(body.errors).replace(foreign.id, 'X').replace(missing, 'X'));
  expect(words[0]).toBe(words[1]);
  const { body: first } = await vm(stage.acme, 'first');
  expect((await vm(stage.acme, 'second', [first.id])).status).toBe(201);
});

it('a VM that depends on another one boots when that one serves, and each is believed running as soon as it serves (HA-15)', async () => {
  stage = await Stage.open({ count: 2 });
  const made: string[] = [];
  for (const name of ['db', 'app', 'web']) {
    const { body, status } = await vm(stage.acme, name, made.length ? [made.at(-1) as string] : undefined);
    expect(status).toBe(201);
    made.push(body.id);
  }
  await stage.test.settle();
  // All three on one host.
  const [host] = await stage.hosts();
  for (const id of made)
    if ((await stage.believed(id)).hostId !== host?.id)
      await stage.migrated((await stage.acme.vm(id)) as never, host?.id);
  await stage.test.fault('host-power-loss', host?.id as string);
  const serves = new Map<string, number>();
  await stage.test.until(async () => {
    for (const id of made)
      if (
        !serves.has(id) &&
        (await stage.believed(id)).state === 'running' &&
        (await stage.believed(id)).hostId !== host?.id
      )
        serves.set(id, stage.test.clock.now());
    return serves.size === made.length;
  }, 300);
  const [db, app, web] = made.map((id) => serves.get(id) as number) as [number, number, number];
  expect((app - db) / SECOND).toBeGreaterThanOrEqual(25);
  expect((web - app) / SECOND).toBeGreaterThanOrEqual(25);
  await stage.test.settle();
  expect(await stage.test.violations()).toEqual([]);
});
