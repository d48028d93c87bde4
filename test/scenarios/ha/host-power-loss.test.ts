import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestCloud } from '../../support/cloud.ts';
import { TestTenant } from '../../support/tenant.ts';

let test: TestCloud;
let acme: TestTenant;
beforeEach(async () => {
  test = await TestCloud.start();
  acme = await TestTenant.create(test);
});
afterEach(() => test.stop());

it('a host loses power: its VMs run elsewhere with a new epoch, and what their guests wrote is there', async () => {
  const [vm] = await acme.running(1);
  if (!vm?.hostId) throw new Error('no VM');
  expect(vm.state).toBe('running');
  await acme.write(vm.id, 7, 'before the fault');
  await test.fault('host-power-loss', vm.hostId);
  const after = await test.until(async () => {
    const now = await acme.vm(vm.id);
    return now.state === 'running' && now.hostId !== vm.hostId ? now : undefined;
  });
  expect(after.epoch).toBeGreaterThan(vm.epoch);
  expect(await acme.read(vm.id, 7)).toBe('before the fault');
  await test.settle();
  expect(await test.violations()).toEqual([]);
});
