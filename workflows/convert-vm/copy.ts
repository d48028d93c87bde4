import { toolsToChange } from '../../shared/hypervisor/migration/conversion.ts';
import { BLOCK_BYTES } from '../../shared/kernel/units.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';
import { type Converting, mustConvert, otherRefs, ownRefs } from './records.ts';

/** Blocks of a page: with the volume's record it is one transaction, and as JSON far below what a call may carry. Declared. */
const PAGE_BLOCKS = 64;
/** Pages that one turn of the loop copies: seconds, so that a crash costs little. Declared. */
const PAGES = 16;

/** How far the copy is: all volumes before `volume`, and of that one the blocks up to `after`. */
interface Cursor {
  volume: number;
  after: number;
}

export async function createVolumes(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await mustConvert(state, deps);
  if (vm.conversion.stage !== 'copying') return {};
  const orders = vm.conversion.volumes.map((v) => ({ ...v, vmId: vm.id }));
  const failed = (await deps.port.createVolumes(vm.conversion.siteId, orders)).find((r) => !r.ok);
  if (failed) throw new GiveUp('volume-failed', failed.reason ?? `volume ${failed.id} could not be made`);
  return {};
}

/** Some pages from where the last turn stopped. What is copied twice is the same twice: the source is stopped. */
export async function copy(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await mustConvert(state, deps);
  let at = (state.at as Cursor | undefined) ?? { volume: 0, after: -1 };
  if (vm.conversion.stage !== 'copying') return { more: false };
  for (let page = 0; page < PAGES && at.volume < vm.disks.length; page++) at = await copyPage(vm, at, deps);
  return { at, more: at.volume < vm.disks.length };
}

async function copyPage(vm: Converting, { volume, after }: Cursor, { port }: StepDeps): Promise<Cursor> {
  const [from, to] = [ownRefs(vm)[volume], otherRefs(vm)[volume]];
  if (!from || !to) throw new GiveUp('volume-failed', `there is no volume ${volume} to copy`);
  const [read] = await port.readBlocks(vm.siteId, [{ ...from, after, limit: PAGE_BLOCKS }]);
  if (read?.outcome !== 'read') throw lost(from.name, read?.outcome);
  if (read.blocks.length > 0) {
    const [written] = await port.writeBlocks(vm.conversion.siteId, [{ ...to, blocks: read.blocks }]);
    if (!written?.ok) throw new TryAgain(written?.reason ?? `volume ${to.name} takes no blocks`);
  }
  return read.more ? { volume, after: read.blocks.at(-1)?.index ?? after } : { volume: volume + 1, after: -1 };
}

const lost = (name: string, outcome: string | undefined): Error =>
  outcome === 'absent'
    ? new GiveUp('volume-lost', `there is no volume ${name}`)
    : new TryAgain(`the storage of volume ${name} does not answer`);

/** The same content at both sites, by one hash of each volume: of what was read, and of what stands there. */
export async function verify(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const vm = await mustConvert(state, deps);
  if (vm.conversion.stage !== 'copying') return {};
  const sums = await contents(vm, deps);
  const differing = sums.find((s) => s.own !== s.other);
  if (differing) throw new GiveUp('copy-differs', `the copy of volume ${differing.name} is not what its source holds`);
  const volumes = sums.map(({ name, own, blocks }) => ({ name, hash: own, movedMiB: inMiB(blocks) }));
  return { result: { volumes, toolsToChange: toolsToChange(vm) } };
}

const inMiB = (blocks: number): number => (blocks * BLOCK_BYTES) / 2 ** 20;

/** What the volumes hold where the VM stands and at the other place. @throws TryAgain when one cannot be read. */
export async function contents(
  vm: Converting,
  { port }: StepDeps,
): Promise<{ name: string; own: string; other: string; blocks: number }[]> {
  const [own, other] = await Promise.all([
    port.hashVolumes(vm.siteId, ownRefs(vm)),
    port.hashVolumes(vm.conversion.siteId, otherRefs(vm)),
  ]);
  return vm.disks.map(({ name }, i) => {
    const [here, there] = [own[i], other[i]];
    if (here?.hash === undefined) throw lost(name, here?.outcome);
    if (there?.hash === undefined) throw lost(name, there?.outcome);
    return { name, own: here.hash, other: there.hash, blocks: here.blocks ?? 0 };
  });
}
