import { afterEach, describe, expect, it } from 'vitest';
import { readBelief } from '../../../shared/store/belief.ts';
import type { Placed } from '../../support/stage.ts';
import { Ward } from './ward.ts';

let ward: Ward;
afterEach(() => ward.test.stop());

const recover = (vm: { id: string }, query = '', headers = {}) =>
  ward.test.client.call<{ state: string; code?: string; detail?: string; reason?: string }>(
    'POST',
    `/v1/system/vms/${vm.id}/recover${query}`,
    { token: ward.test.operator, body: {}, headers },
  );
const incidentOf = async (vm: { id: string }) => {
  const { incidents } = await readBelief(ward.stage.store);
  const id = (await ward.stage.believed(vm.id)).recovery?.incidentId;
  return incidents.find((i) => i.id === id);
};

/** Its guest crashes at each boot, until no start is tried any more. */
async function crashUntilGivenUp(vm: Placed): Promise<void> {
  for (let starts = 0, last = (await ward.stage.believed(vm.id)).epoch; starts < 2; starts++) {
    const run = await ward.until(async () => (await ward.stage.runs(vm.id)).find((p) => p.epoch > last));
    last = run.epoch;
    await ward.crash(vm);
  }
  await ward.rests(vm, 'unknown', 900);
  await ward.test.settle();
}

/** A VM whose host died, and that could not be started on either of two others. */
async function givenUp(): Promise<Placed> {
  ward = await Ward.open({}, { ha: { localRestarts: 0, relocations: 1 } });
  const vm = await ward.vm('notProcess');
  await ward.stage.acme.write(vm.id, 4, 'kept');
  await ward.test.fault('host-power-loss', vm.hostId);
  await crashUntilGivenUp(vm);
  return vm;
}

describe('a VM whose recovery was given up', () => {
  it('is recovered once more when an operator asks for it: with a new epoch, its data whole, its alarm cleared', async () => {
    const vm = await givenUp();
    expect(await ward.alarms()).toContain(`vm-recovery-failed ${vm.id}`);
    expect(await incidentOf(vm)).toMatchObject({ state: 'closed' });
    const before = await ward.stage.believed(vm.id);
    const reply = await recover(vm);
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    expect(reply.body).toMatchObject({ state: 'faultResuming', hostId: null });
    expect(await incidentOf(vm)).toMatchObject({ state: 'open', due: true, waiting: 1 });
    await ward.rests(vm, 'running');
    await ward.test.settle();
    const after = await ward.stage.believed(vm.id);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(await ward.stage.runs(vm.id)).toMatchObject([{ hostId: after.hostId, epoch: after.epoch }]);
    expect(await ward.stage.acme.read(vm.id, 4)).toBe('kept');
    expect((await ward.alarms()).filter((a) => a.endsWith(vm.id))).toEqual([]);
    expect(await incidentOf(vm)).toMatchObject({ state: 'closed', waiting: 0, tally: { vms: { recovered: 1 } } });
    await ward.sound();
  });

  it('tries the hosts again that were tried before; if nothing has changed it is given up again, with the alarm', async () => {
    const vm = await givenUp();
    await recover(vm);
    await crashUntilGivenUp(vm);
    expect(await ward.alarms()).toContain(`vm-recovery-failed ${vm.id}`);
    await ward.sound();
  });

  it('is not recovered twice: a second call is refused and says the state; the first answer is replayed by its key', async () => {
    const vm = await givenUp();
    const key = { 'idempotency-key': 'once-more-please' };
    const [first, second] = await Promise.all([recover(vm, '', key), recover(vm)]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    const refused = first.status === 409 ? first : second;
    expect(refused.body).toMatchObject({
      code: 'illegal-transition',
      detail: expect.stringMatching(/is faultResuming/),
    });
    await ward.rests(vm, 'running');
    if (first.status === 200) expect((await recover(vm, '', key)).body).toEqual(first.body);
    await ward.sound();
  });

  it('changes nothing in a dry run, and nothing for an older version', async () => {
    const vm = await givenUp();
    expect((await recover(vm, '?dryRun=true')).status).toBe(200);
    const stale = await recover(vm, '', { 'if-match': '"1"' });
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition-failed']);
    expect(await ward.stage.believed(vm.id)).toMatchObject({ state: 'unknown' });
    expect(await incidentOf(vm)).toMatchObject({ state: 'closed' });
  });

  it('may be stopped by its owner while it waits again: it is not started then', async () => {
    const vm = await givenUp();
    await recover(vm);
    expect((await ward.stage.acme.action(vm.id, 'stop')).status).toBe(202);
    await ward.test.settle();
    await ward.test.advance(60);
    expect(await ward.stage.acme.vm(vm.id)).toMatchObject({ state: 'stopped' });
    expect(await ward.stage.runs(vm.id)).toEqual([]);
    expect((await ward.alarms()).filter((a) => a.endsWith(vm.id))).toEqual([]);
    await ward.sound();
  });

  it('whose guest it was, gets an incident of its own', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('reboot');
    for (let i = 0; i <= 2; i++) {
      await ward.until(async () => (await ward.stage.runs(vm.id)).some((p) => p.epoch === vm.epoch + i));
      await ward.crash(vm);
    }
    await ward.rests(vm, 'unknown');
    await ward.test.settle();
    expect((await recover(vm)).status).toBe(200);
    await ward.rests(vm, 'running');
    await ward.test.settle();
    await ward.test.advance(65);
    expect(await ward.alarms()).toEqual([]);
    expect(await incidentOf(vm)).toMatchObject({ state: 'closed', hosts: [], tally: { vms: { recovered: 1 } } });
    await ward.sound();
  });
});

describe('by hand nothing is recovered', () => {
  it('that runs, or of which a recovery is under way; the refusal says its state', async () => {
    ward = await Ward.open();
    const vm = await ward.vm('notProcess');
    const running = await recover(vm);
    expect(running.status).toBe(409);
    expect(running.body).toMatchObject({ code: 'illegal-transition', state: 'running', allowedFrom: ['unknown'] });
    await ward.test.fault('host-power-loss', vm.hostId);
    await ward.until(async () => (await ward.stage.believed(vm.id)).state === 'faultResuming');
    expect((await recover(vm)).body).toMatchObject({ code: 'illegal-transition', state: 'faultResuming' });
    expect((await recover({ id: 'vm_none' })).status).toBe(404);
    await ward.sound();
  });

  it('for which HA is off: its owner stops and starts it', async () => {
    const vm = await givenUp();
    await ward.stage.changeVm(vm.id, { ha: { enabled: false } });
    expect((await recover(vm)).body).toMatchObject({
      code: 'illegal-transition',
      detail: expect.stringMatching(/HA is off for it/),
    });
    expect(await ward.stage.believed(vm.id)).toMatchObject({ state: 'unknown' });
  });
});
