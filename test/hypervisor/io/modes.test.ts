import { describe, expect, it } from 'vitest';
import { grantIoModes } from '../../../shared/hypervisor/io/modes.ts';
import {
  PASSTHROUGH_LOSES,
  type PassthroughLoss,
  passthroughRefusal,
} from '../../../shared/hypervisor/io/passthrough.ts';

const features = Object.keys(PASSTHROUGH_LOSES) as PassthroughLoss[];
const bound = { disks: [{ name: 'data', io: 'passthrough' }], nics: [{ io: 'virtio' }, { io: 'passthrough' }] };

describe('what passthrough loses (IO-4, MIG-8)', () => {
  it.each(features)('%s is refused with the reason "passthrough device" and the devices', (feature) => {
    const refusal = passthroughRefusal(feature, bound);
    expect(refusal?.rule).toBe('IO-4');
    expect(refusal?.reason).toMatch(/passthrough device: disk data, NIC 1$/);
  });

  it('HA, DRS and memory snapshot are of the source document; the rest is graded apart', () => {
    const source = features.filter((f) => PASSTHROUGH_LOSES[f].grade === 'source document');
    expect(source).toEqual(['ha', 'drs', 'memory-snapshot']);
  });

  it.each(features)('%s is available again when the devices are gone', (feature) => {
    expect(passthroughRefusal(feature, { disks: [{ name: 'data', io: 'virtio' }], nics: [] })).toBeUndefined();
  });
});

describe('the mode a device gets (IO-1 to IO-3)', () => {
  const disks = [{ name: 'boot', io: 'virtio' as const }];

  it('virtio without the PV driver falls back visibly to full emulation; with it, it is granted', () => {
    const without = grantIoModes({ disks, nics: [], guest: { os: 'windows', pvDriver: false } });
    expect(without.refusals).toEqual([]);
    expect(without.granted).toMatchObject([
      { device: 'disk boot', mode: 'emulated', fallback: expect.stringContaining('no PV driver') },
    ]);
    expect(grantIoModes({ disks, nics: [], guest: { os: 'linux' } }).granted).toEqual([
      { device: 'disk boot', kind: 'disk', mode: 'virtio' },
    ]);
  });

  it('passthrough needs a card of its kind on the host; full emulation needs nothing', () => {
    const nics = [{ id: 'nic-1', io: 'passthrough' as const }, { io: 'emulated' as const }];
    const ask = { disks: [], nics, guest: { os: 'other' as const, pvDriver: false } };
    const diskCard = { id: 'c1', kind: 'disk' as const, functions: 4 };
    expect(grantIoModes({ ...ask, cards: [diskCard] })).toMatchObject({
      granted: [{ device: 'NIC 1', mode: 'emulated' }],
      refusals: [{ rule: 'IO-3', reason: expect.stringContaining('NIC nic-1') }],
    });
    expect(grantIoModes({ ...ask, cards: [{ ...diskCard, kind: 'nic' }] }).granted).toHaveLength(2);
    expect(grantIoModes(ask).refusals).toEqual([]);
  });
});
