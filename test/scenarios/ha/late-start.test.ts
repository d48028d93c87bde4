import { afterEach, expect, it } from 'vitest';
import { holdStep } from '../../support/interleave.ts';
import { Stage } from '../../support/stage.ts';

let stage: Stage;
afterEach(() => stage.stop());

it.each([
  ['has HA', true],
  ['has no HA', false],
])(
  'a host fails and is recovered before the start of an acknowledged VM is ordered, which %s: it runs elsewhere, once, and its operation succeeds',
  async (_what, enabled) => {
    stage = await Stage.open();
    const held = holdStep('provision-vm', 'startVms');
    const reply = await stage.acme.create({ vcpus: 1, memoryMiB: 1024, ha: { enabled } });
    await stage.test.advance(5);
    const from = (await stage.believed(reply.body.id)).hostId as string;
    await stage.test.fault('host-power-loss', from);
    await stage.recovered(from);
    await stage.test.advance(60);
    held.letGo();
    expect(await stage.end(reply.body.operationId)).toMatchObject({ state: 'success' });
    const now = await stage.believed(reply.body.id);
    expect(now).toMatchObject({ state: 'running' });
    expect(now.hostId).not.toBe(from);
    expect(await stage.runs(now.id)).toMatchObject([{ hostId: now.hostId, epoch: now.epoch }]);
    await stage.test.settle();
    expect(await stage.test.violations()).toEqual([]);
  },
);
