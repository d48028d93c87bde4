import { describe, expect, it } from 'vitest';
import { conversionPlan, toolsToChange } from '../../../shared/hypervisor/migration/conversion.ts';

const disk = (io: string) => ({ name: 'root', io });
const vm = { kind: 'vmware' as const, arch: 'x86', disks: [disk('virtio')], nics: [{ io: 'virtio' }] };
const sites = [
  { id: 's1', hypervisor: 'fusioncompute' as const },
  { id: 's2', hypervisor: 'fusioncompute' as const },
  { id: 'old', hypervisor: 'vmware' as const },
];
const clusters = [
  { id: 'c1', siteId: 's1', arch: 'x86' },
  { id: 'c2', siteId: 's2', arch: 'arm' },
  { id: 'c3', siteId: 's2', arch: 'x86' },
  { id: 'cold', siteId: 'old', arch: 'x86' },
];

describe('where a VM of another platform may go (MIG-9)', () => {
  const ask = (more: object = {}) => conversionPlan({ vm, sites, clusters, ...more });
  const rules = (more: object) => ask(more).refusals.map((r) => `${r.rule} ${r.at}`);

  it('every cluster of its architecture in every site of kind fusioncompute', () => {
    expect(ask()).toEqual({ refusals: [], clusterIds: ['c1', 'c3'] });
    expect(ask({ siteId: 's2' }).clusterIds).toEqual(['c3']);
    expect(ask({ siteId: 's2', clusterId: 'c3' }).clusterIds).toEqual(['c3']);
  });

  it('no cluster of another architecture (VIRT-2), of another site, or of its own platform', () => {
    expect(rules({ clusterId: 'c2' })).toEqual(['VIRT-2 body.clusterId']);
    expect(rules({ siteId: 's1', clusterId: 'c3' })).toEqual(['MIG-9 body.clusterId']);
    expect(rules({ clusterId: 'cold' })).toEqual(['MIG-9 body.clusterId']);
    expect(rules({ siteId: 'old' })).toEqual(['MIG-9 body.siteId']);
    expect(rules({ siteId: 'elsewhere' })).toEqual(['VDC-1 body.siteId']);
  });

  it('all that forbids it is told at once', () => {
    const other = { ...vm, kind: 'fusioncompute', disks: [disk('passthrough')] };
    expect(rules({ vm: other, siteId: 'old' })).toEqual(['MIG-9 path.vmId', 'IO-4 path.vmId', 'MIG-9 body.siteId']);
  });
});

describe('drivers and tools that change with the platform', () => {
  const told = (guest: object, io = 'virtio') =>
    toolsToChange({ disks: [disk(io)], nics: [{ io }], guest: { os: 'linux', ...guest } as never }).map(
      (t) => `${t.to} ${t.when}`,
    );
  const tools = 'FusionCompute tools after';

  it('Linux brings its virtio drivers along; Windows needs the PV driver before it moves', () => {
    expect(told({})).toEqual(['virtio-blk after', 'virtio-net after', tools]);
    expect(told({ os: 'windows' })).toEqual(['virtio-blk before', 'virtio-net before', tools]);
    expect(told({ os: 'windows', pvDriver: true })).toEqual(['virtio-blk after', 'virtio-net after', tools]);
    expect(told({ pvDriver: false })).toEqual(['virtio-blk before', 'virtio-net before', tools]);
  });

  it('emulated devices are the same on both platforms', () => {
    expect(told({ os: 'windows' }, 'emulated')).toEqual([tools]);
  });
});
