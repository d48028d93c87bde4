import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../shared/kernel/clock.ts';
import { DEFAULT_HA } from '../../shared/model/ha.ts';
import type { Vm } from '../../shared/model/vm.ts';
import { failedOn, NO_TRIES, nextTurn, placedOn, type Tries } from '../../workflows/recover-guest/retry.ts';

const NOW = 1_000 * MINUTE;
const HA = { ...DEFAULT_HA, guestRestarts: 100 };
const vm = (faultProcess: string, fields: object = {}) =>
  ({
    hostId: 'h1',
    disks: [],
    nics: [],
    ha: { enabled: true, faultProcess },
    ...fields,
  }) as unknown as Vm & { hostId: string };
const failed = (local: number, relocated: number): Tries => ({ failed: 1, local, relocated, hosts: ['h1'] });
const kindOf = (it: Vm & { hostId: string }, tries: Tries, ha = HA) => nextTurn(it, tries, ha, NOW).kind;

describe('the next start of a guest (HA-17)', () => {
  it.each([
    ['reboot: the first start is in place', vm('reboot'), NO_TRIES, 'here'],
    ['reboot: one further start in place', vm('reboot'), failed(0, 0), 'here'],
    ['reboot: then it is given up', vm('reboot'), failed(1, 0), 'giveUp'],
    ['ha: the first start is elsewhere', vm('ha'), NO_TRIES, 'elsewhere'],
    ['ha: one further start where it is now', vm('ha'), failed(0, 0), 'here'],
    ['ha: then on another host', vm('ha'), failed(1, 0), 'elsewhere'],
    ['ha: until so many further hosts were tried', vm('ha'), failed(1, 2), 'elsewhere'],
    ['ha: then it is given up', vm('ha'), failed(1, 3), 'giveUp'],
    ['ha with a passthrough device stays (IO-4)', vm('ha', { disks: [{ io: 'passthrough' }] }), NO_TRIES, 'here'],
    ['... to the end', vm('ha', { nics: [{ io: 'passthrough' }] }), failed(1, 0), 'giveUp'],
  ])('%s', (_what, it, tries, kind) => {
    expect(kindOf(it, tries)).toBe(kind);
  });

  it('keeps within the restarts of the window, and says so', () => {
    const often = vm('ha', { guestRestarts: [NOW - 3 * MINUTE, NOW - 2 * MINUTE, NOW - MINUTE] });
    const ha = { ...HA, guestRestarts: 3 };
    expect(nextTurn(often, failed(0, 0), ha, NOW)).toMatchObject({
      kind: 'giveUp',
      reason: expect.stringMatching(/3 restarts of a guest within 60 minutes/),
    });
    // The first start of a recovery was allowed, and counted, when it began.
    expect(kindOf(often, NO_TRIES, ha)).toBe('elsewhere');
  });

  it('avoids the present host and all on which a start has failed; its own will do for the first one only', () => {
    const tries = { failed: 2, local: 1, relocated: 1, hosts: ['h2', 'h3'] };
    expect(nextTurn(vm('ha'), tries, HA, NOW)).toEqual({
      kind: 'elsewhere',
      avoid: new Set(['h1', 'h2', 'h3']),
      orHere: false,
    });
    expect(nextTurn(vm('ha'), NO_TRIES, HA, NOW)).toMatchObject({ orHere: true });
  });

  it('counts starts by host, and begins anew on a new one', () => {
    const first = placedOn(NO_TRIES, 'h1', 'h2');
    expect(first).toEqual(NO_TRIES);
    const again = placedOn(failedOn(first, 'h2'), 'h2', 'h2');
    expect(again).toEqual({ failed: 1, local: 1, relocated: 0, hosts: ['h2'] });
    const moved = placedOn(failedOn(again, 'h2'), 'h2', 'h3');
    expect(moved).toEqual({ failed: 2, local: 0, relocated: 1, hosts: ['h2'] });
  });
});
