import { describe, expect, it } from 'vitest';
import { type GuestCase, isOutOfSight, judgeGuest } from '../../functions/probe/guests.ts';
import type { GuestTrouble } from '../../shared/hypervisor/port.ts';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { nextRestartAt, withRestart } from '../../shared/model/guest-fault.ts';
import { DEFAULT_HA, FAULT_PROCESSES } from '../../shared/model/ha.ts';
import type { Cluster, Host, HostState } from '../../shared/model/inventory.ts';
import { VM_STATES, type Vm } from '../../shared/model/vm.ts';
import { host } from '../placement/hosts.ts';

const NOW = 1_000 * MINUTE;
const trouble: GuestTrouble = { vmId: 'vm_1', epoch: 4, state: 'crashed', since: NOW - MINUTE };
const vm = (fields: Partial<Vm> = {}): Vm =>
  ({
    id: 'vm_1',
    name: 'db',
    state: 'running',
    hostId: 'h',
    epoch: 4,
    disks: [],
    nics: [],
    ha: { enabled: true, restartPriority: 'medium', faultProcess: 'reboot', failBack: false },
    ...fields,
  }) as unknown as Vm;
const cluster = (fields: object = {}): Cluster => ({ ha: { ...DEFAULT_HA }, ...fields }) as unknown as Cluster;
const judge = (fields: Partial<GuestCase> = {}) =>
  judgeGuest({ vm: vm(), host: host('h'), cluster: cluster(), heard: true, trouble, ...fields }, NOW);
const kindOf = (fields: Partial<GuestCase>) => judge(fields).kind;
const faultProcess = (process: string, more: object = {}) =>
  vm({ ha: { ...vm().ha, faultProcess: process, ...more } as Vm['ha'] });

describe('a guest in trouble', () => {
  it.each(FAULT_PROCESSES.map((p) => [p, p === 'notProcess' ? 'alarm' : 'recover']))('%s: %s', (process, kind) => {
    expect(kindOf({ vm: faultProcess(process) })).toBe(kind);
  });

  it.each([
    ['its fault process is notProcess', { vm: faultProcess('notProcess') }, /notProcess/],
    ['HA is off for the VM', { vm: faultProcess('ha', { enabled: false }) }, /off for this VM/],
    [
      'HA is off for the cluster',
      { cluster: cluster({ ha: { ...DEFAULT_HA, enabled: false } }) },
      /off for its cluster/,
    ],
    [
      'the cluster is disarmed',
      { cluster: cluster({ disarmed: { since: 0, reason: 'new switches' } }) },
      /new switches/,
    ],
  ])('an alarm that says why, and no restart: %s', (_what, fields, why) => {
    expect(judge(fields)).toMatchObject({ kind: 'alarm', code: 'guest-crashed', text: expect.stringMatching(why) });
    expect(judge({ ...fields, trouble: { ...trouble, state: 'hung' } })).toMatchObject({ code: 'guest-hung' });
  });

  it('of a cluster that has armed itself again is restarted', () => {
    expect(kindOf({ cluster: cluster({ disarmed: { since: 0, until: NOW, reason: 'over' } }) })).toBe('recover');
  });

  it('with a passthrough device, which forbids HA, is restarted all the same (IO-4)', () => {
    const disks = [{ io: 'passthrough' }] as Vm['disks'];
    const ha = { ...vm().ha, enabled: false };
    expect(kindOf({ vm: vm({ disks, ha }) })).toBe('recover');
    expect(kindOf({ vm: vm({ disks, ha: { ...ha, faultProcess: 'notProcess' } }) })).toBe('alarm');
  });

  it.each<[string, Partial<GuestCase>]>([
    ['an operation holds the VM', { vm: vm({ claim: 'op_1' }) }],
    ['its host holds no word of it', { host: undefined }],
    ['its host is looked at by a recovery', { host: host('h', { claim: 'op_1' } as Partial<Host>) }],
    ['its host is not heard', { heard: false }],
    ...(['suspect', 'fencing', 'fenced', 'reconciling', 'maintenance', 'gone'] as HostState[]).map(
      (state): [string, Partial<GuestCase>] => [`its host is ${state}`, { host: host('h', { state }) }],
    ),
  ])('is left alone, and its alarms too: %s', (_what, fields) => {
    expect(kindOf(fields)).toBe('leave');
    expect(kindOf({ ...fields, trouble: undefined })).toBe('leave');
  });

  it('of an older process is nobody in trouble', () => {
    expect(kindOf({ trouble: { ...trouble, epoch: 3 } })).toBe('well');
  });
});

describe('the alarms of a VM', () => {
  it.each(VM_STATES.filter((s) => !['running', 'faultResuming', 'unknown'].includes(s)))(
    'are cleared when it is %s',
    (state) => expect(kindOf({ vm: vm({ state }) })).toBe('well'),
  );
  it('are cleared when it is gone, or works again', () => {
    expect([kindOf({ vm: undefined }), kindOf({ trouble: undefined })]).toEqual(['well', 'well']);
  });
  it('stay while it is recovered; and after a recovery that was given up, until somebody acts', () => {
    expect(kindOf({ vm: vm({ state: 'faultResuming' }) })).toBe('leave');
    expect(kindOf({ vm: vm({ state: 'unknown' }), trouble: undefined })).toBe('failed');
  });
});

describe('the limit of restarts', () => {
  const limit = { guestRestarts: 3, guestWindowMinutes: 60 };
  const ago = (...minutes: number[]) => ({ guestRestarts: minutes.map((m) => NOW - m * MINUTE) });
  it.each([
    ['none so far', {}, true],
    ['fewer than the limit', ago(30, 10), true],
    ['as many as the limit within the window', ago(59, 30, 10), false],
    ['the first of them has just left the window', ago(60, 30, 10), true],
    ['many before the window', ago(400, 300, 200, 100, 5), true],
  ])('%s: a restart is allowed: %s', (_what, restarted, allowed) => {
    expect(NOW >= nextRestartAt(restarted, limit)).toBe(allowed);
    const finding = judge({ vm: vm(restarted) });
    expect(finding.kind).toBe(allowed ? 'recover' : 'alarm');
    if (!allowed)
      expect(finding).toMatchObject({ code: 'guest-restarts-exhausted', text: expect.stringMatching(/3 restarts/) });
  });

  it('what a VM remembers is bounded, and keeps the newest', () => {
    let restarted: { guestRestarts?: number[] } = {};
    for (let i = 1; i <= 250; i++) restarted = { guestRestarts: withRestart(restarted, i) };
    expect(restarted.guestRestarts).toEqual(Array.from({ length: 100 }, (_, i) => 151 + i));
  });

  it('that was out of sight and is seen running where it was is believed running again', () => {
    const lost = vm({ state: 'unknown', desired: 'running', runsOn: 'h' });
    expect(judge({ vm: lost, trouble: undefined, seenRunning: true })).toEqual({ kind: 'back', vm: lost });
    expect(kindOf({ vm: lost, trouble: undefined, seenRunning: false })).toBe('failed');
  });

  it.each<[string, Partial<Vm>]>([
    ['an operation works on it', { claim: 'op_1' }],
    ['it is wanted stopped', { desired: 'stopped' }],
    ['it has no host', { hostId: null }],
    ['it may run elsewhere', { runsOn: 'h2' }],
    ['it is not unknown', { state: 'stopping' }],
  ])('is not looked for: %s', (_why, fields) => {
    const lost = { state: 'unknown', desired: 'running', runsOn: 'h' } as const;
    expect(isOutOfSight(vm(lost))).toBe(true);
    expect(isOutOfSight(vm({ ...lost, ...fields }))).toBe(false);
  });
});
