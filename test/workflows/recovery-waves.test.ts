import { expect, it } from 'vitest';
import type { Vm } from '../../shared/model/vm.ts';
import { MAX_ACTIONS } from '../../shared/store/transaction.ts';
import type { StepDeps } from '../../workflows/engine/step-table.ts';
import type { Move } from '../../workflows/ha-recovery/plan.ts';
import { inWaves, wave } from '../../workflows/ha-recovery/wave.ts';

const FILING = { incidentId: 'inc_1', partOf: new Map() };

/** A VM that was being moved when its host failed, and is started on a third host: its move writes to four items. */
const interrupted = (i: number): Move => ({
  kind: 'start',
  seat: { hostId: `new-${i}` },
  vm: {
    id: `vm_${i}`,
    tenantId: 'ten_x',
    clusterId: 'c',
    hostId: 'source',
    runsOn: 'source',
    state: 'migrating',
    epoch: 1,
    version: 1,
    cpu: { vcpus: 1 },
    memory: { sizeMiB: 1024, pageSize: '4k' },
    disks: [],
    nics: [],
    ha: { enabled: true, restartPriority: 'medium', faultProcess: 'notProcess', failBack: false },
    migration: { seat: { hostId: `target-${i}` }, epoch: 2, options: {} },
  } as unknown as Vm,
});

it('a recovery of many VMs is written in waves that each fit into one transaction, in order, and none is left out', () => {
  const moves = Array.from({ length: 80 }, (_, i) => interrupted(i));
  const waves = inWaves(moves);
  expect(waves.flat()).toEqual(moves);
  const sizes = waves.map((some) => wave(some, FILING, {} as StepDeps).actions.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_ACTIONS);
  // As few as possible: one more move would not have fitted into the first.
  expect(waves.length).toBe(3);
});
