import { afterEach, expect, it } from 'vitest';
import { Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());

it('VMs that wait for room are counted by the rehearsal: no further host can fail while they have found none', async () => {
  stage = await Stage.open({ count: 2, memoryGiB: 14 });
  const { test, acme } = stage;
  const vms = await acme.running(6, { vcpus: 1, memoryMiB: 4096 });
  const failed = vms[0]?.hostId as string;
  await test.fault('host-power-loss', failed);
  await test.advance(120);
  const survivors = vms.filter((vm) => vm.hostId !== failed);
  const path = '/v1/system/clusters/cl_a-c1/failover-capacity';
  type Shown = { fragmentation: { placeable: boolean; example?: { name: string; failedHosts?: string[] } } };
  const shown = await test.client.must<Shown>('GET', path, test.operator);
  const waiting = vms.filter((vm) => vm.hostId === failed).map((vm) => vm.name);
  expect(shown.fragmentation.example).toMatchObject({ failedHosts: [] });
  expect(waiting).toContain(shown.fragmentation.example?.name);
  // They have found room: nobody waits any more.
  for (const vm of survivors) await acme.remove(vm.id);
  await test.until(async () =>
    (
      await Promise.all(
        vms
          .slice(0)
          .filter((vm) => vm.hostId === failed)
          .map((vm) => acme.vm(vm.id)),
      )
    ).every((vm) => vm.state === 'running'),
  );
  const after = await test.client.must<Shown>('GET', path, test.operator);
  expect(after.fragmentation.example?.failedHosts).not.toEqual([]);
});
