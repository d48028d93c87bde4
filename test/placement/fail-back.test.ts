import { describe, expect, it } from 'vitest';
import type { Vm } from '../../shared/model/vm.ts';
import { FAIL_BACK_ATTEMPTS, FAIL_BACKS_AT_ONCE, planFailBack, type Tries } from '../../shared/placement/fail-back.ts';
import { CapacitySnapshot } from '../../shared/placement/snapshot.ts';
import { cluster, datastore, host } from './hosts.ts';

const vm = (n: number, more: Partial<Vm> = {}): Vm =>
  ({
    id: `vm_${String(n).padStart(2, '0')}`,
    tenantId: 'ten_x',
    name: `web-${n}`,
    state: 'running',
    siteId: 's1',
    clusterId: 'c1',
    hostId: 'away',
    failBackTo: 'home',
    epoch: 2,
    version: 1,
    cpu: { vcpus: 1, mode: 'hardware' },
    memory: { sizeMiB: 1024, mode: 'hardware', pageSize: '4k' },
    disks: [{ id: 'd', name: 'root', sizeGiB: 1, boot: true, io: 'virtio', datastoreId: 'ds1' }],
    nics: [],
    guest: { os: 'linux' },
    ha: { enabled: true, restartPriority: 'medium', faultProcess: 'notProcess', failBack: true },
    ...more,
  }) as Vm;
const many = (n: number) => Array.from({ length: n }, (_, i) => vm(i));
const plan = (vms: readonly Vm[], home: object = {}, tries: [string, Tries][] = []) =>
  planFailBack(
    vms,
    'home',
    new CapacitySnapshot([cluster], [host('home', home), host('away')], [datastore()]),
    new Map(tries),
  );
const kinds = (...args: Parameters<typeof plan>) => plan(...args).map((back) => back.kind);

describe('what is done about VMs that want to go back', () => {
  it('some are moved at once, to their host and no other; the others come later', () => {
    const backs = plan(many(FAIL_BACKS_AT_ONCE + 3));
    const moves = backs.filter((back) => back.kind === 'moves');
    expect(moves).toHaveLength(FAIL_BACKS_AT_ONCE);
    expect(new Set(moves.map((back) => back.seat.hostId))).toEqual(new Set(['home']));
    expect(backs.slice(FAIL_BACKS_AT_ONCE).map((back) => back.kind)).toEqual(['later', 'later', 'later']);
  });

  it('those that are on their way count among them', () => {
    const onTheWay = {
      state: 'migrating',
      claim: 'op',
      migration: { seat: { hostId: 'home' }, epoch: 3, options: {} },
    };
    const vms = many(FAIL_BACKS_AT_ONCE + 1).map((v, i) => (i < 6 ? { ...v, ...(onTheWay as Partial<Vm>) } : v));
    expect(kinds(vms).filter((kind) => kind === 'moves')).toHaveLength(FAIL_BACKS_AT_ONCE - 6);
  });

  it('no room is given twice: what the first ones take is not there for the next', () => {
    expect(kinds(many(3), { free: { memoryMiB: 2048 } })).toEqual(['moves', 'moves', 'stays']);
  });

  it('what does not run, or what something else works on, is left to that', () => {
    expect(kinds([vm(1, { state: 'stopped', hostId: null }), vm(2, { claim: 'op' }), vm(3)])).toEqual([
      'later',
      'later',
      'moves',
    ]);
  });

  it('a VM that cannot be moved stays, with the rule that forbids it', () => {
    const nic = { id: 'n', networkId: 'net', mac: 'm', ip: '10.0.0.1', io: 'passthrough', spaceId: 'net' };
    expect(plan([vm(1, { nics: [nic] as Vm['nics'] })])).toMatchObject([
      { kind: 'stays', reason: expect.stringMatching(/passthrough.*\(/i) },
    ]);
  });

  it('nothing goes to a host that is being emptied', () => {
    expect(kinds([vm(1)], { draining: 'op' })).toEqual(['stays']);
  });

  it(`after ${FAIL_BACK_ATTEMPTS} migrations that failed the wish is dropped; one that has not ended is waited for`, () => {
    const failed = (n: number): [string, Tries][] => [['vm_01', { failed: n, why: 'it writes too fast' }]];
    expect(plan([vm(1)], {}, failed(2))).toMatchObject([{ kind: 'moves', failed: 2 }]);
    expect(plan([vm(1)], {}, failed(FAIL_BACK_ATTEMPTS))).toMatchObject([
      { kind: 'dropped', reason: expect.stringContaining('it writes too fast') },
    ]);
    expect(kinds([vm(1)], {}, [['vm_01', { failed: 0, why: '', ending: true }]])).toEqual(['later']);
  });
});
