import { describe, expect, it } from 'vitest';
import { ioPath } from '../../../shared/hypervisor/io/path.ts';

const names = (mode: Parameters<typeof ioPath>[0]) => ioPath(mode).hops.map((h) => h.name);
const layers = (mode: Parameters<typeof ioPath>[0]) => ioPath(mode).hops.map((h) => h.layer);

describe('paths of I/O requests (source document; IO-1 to IO-3)', () => {
  it('full emulation has all eight hops in order, one of them a trap of KVM', () => {
    expect(names('emulated')).toEqual([
      'application',
      'guest OS',
      'virtual I/O device driver',
      'I/O trap',
      'I/O shared ring',
      'QEMU',
      'host hardware driver',
      'physical I/O hardware',
    ]);
    expect(ioPath('emulated').hops.filter((h) => h.exit)).toMatchObject([{ layer: 'KVM', perRequest: true }]);
    expect(ioPath('emulated').notification).toBeNull();
  });

  it('virtio has no KVM hop, only a notification that requests may share', () => {
    expect(names('virtio')).toEqual([
      'application',
      'guest OS',
      'virtio front-end driver',
      'I/O shared ring',
      'QEMU',
      'host hardware driver',
      'physical I/O hardware',
    ]);
    expect(layers('virtio')).not.toContain('KVM');
    expect(ioPath('virtio').notification).toMatchObject({ layer: 'KVM', exit: true, perRequest: false });
  });

  it('passthrough meets neither KVM nor QEMU nor the host kernel', () => {
    expect(names('passthrough')).toEqual([
      'application',
      'guest OS',
      'hardware driver in the guest',
      'physical I/O hardware',
    ]);
    for (const layer of ['KVM', 'QEMU', 'host kernel', 'memory']) expect(layers('passthrough')).not.toContain(layer);
    expect(ioPath('passthrough').hops.some((h) => h.exit)).toBe(false);
  });
});
