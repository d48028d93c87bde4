import { describe, expect, it } from 'vitest';
import { togetherOf } from '../../../functions/probe/probe.ts';
import { restartOrder } from '../../../workflows/ha-recovery/order.ts';

describe('very many at once', () => {
  it('a chain of dependencies may be as long as there are VMs', () => {
    const name = (i: number) => `vm_${String(i).padStart(6, '0')}`;
    const vms = Array.from({ length: 20_000 }, (_, i) => ({
      id: name(i),
      ha: { restartPriority: 'medium', dependsOn: [name(i + 1)] },
    }));
    expect(restartOrder(vms as never).map((vm) => vm.id)).toEqual(vms.map((vm) => vm.id).reverse());
  });

  it('hosts that fail together are no larger an incident than one item can hold', () => {
    const suspects = Array.from({ length: 1_200 }, (_, i) => ({
      host: { id: `h${i}`, clusterId: 'c1', siteId: 'a', state: 'online' },
      condition: 'dead',
      at: 0,
      also: {},
    }));
    const groups = togetherOf(suspects as never);
    expect(groups.map((g) => g.length)).toEqual([500, 500, 200]);
    expect(new Set(groups.flat()).size).toBe(1_200);
  });
});
