import type { ExecutionVm } from '../../shared/model/execution.ts';
import { type HeldSeat, seatsAt } from '../../shared/model/placeholder.ts';
import { nextEpoch, type Vm } from '../../shared/model/vm.ts';
import { SYSTEM } from '../../shared/store/context.ts';
import { placeholdersOf } from '../../shared/store/placeholders.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import type { State, StepDeps } from '../engine/step-table.ts';
import { arrived, type Case, enterPhase, loadCase } from './case.ts';
import { type Decided, entryOf, type Placing, placeOne, unmoved } from './decide.ts';
import { type Finding, judge } from './judge.ts';
import { findOut } from './lost-sight.ts';
import { AddressMap } from './nics.ts';
import { entriesOf, readParts, withEntries, writeParts } from './parts.ts';
import { inOrder, pictureOf, siteWithout } from './place.ts';
import { ifHeard } from './roles.ts';
import { writeMoves } from './wave.ts';

/** Stop orders of one call of the port. */
const ORDERS_AT_ONCE = 1_000;

/**
 * Gives every VM that is not brought to an end yet its place at the site where it is to run: a new epoch, a seat, its copy
 * for its disks, addresses. Groups that were not promoted leave their VMs where they are, with the reason; a VM without
 * room rests at the new site, where its bytes are.
 */
export async function switchVms(state: State, deps: StepDeps): Promise<Record<string, unknown>> {
  const found = await enterPhase(await loadCase(state, deps), 'switch VMs', deps);
  const { execution } = found;
  const parts = await readParts(execution, deps.store);
  const open = entriesOf(parts).filter((entry) => entry.outcome === 'waiting');
  const data = new TenantData(deps.store, SYSTEM);
  const ids = open.map((entry) => entry.id);
  const operationId = String(state.operationId);
  // A roll-back starts them where they were.
  const at = state.rollback === true ? execution.fromSiteId : execution.toSiteId;
  let vms = await data.vmsById(ids);
  if (await findOut(vms, at, operationId, deps)) vms = await data.vmsById(ids);
  await stopBehind(
    vms.filter((vm) => vm.siteId !== at && arrived(found).some((g) => g.id === vm.protection?.groupId)),
    deps,
  );
  const decided = await decideAll(found, open, vms, { siteId: at, operationId }, deps);
  await writeMoves(
    decided.flatMap(({ move }) => move ?? []),
    operationId,
    deps,
  );
  await writeParts(
    parts,
    withEntries(
      parts,
      decided.map(({ entry }) => entry),
    ),
    deps.store,
  );
  return { at: 0 };
}

/**
 * What still runs at the old site is stopped where it can be: its writes are refused since the demotion, and it has the
 * addresses of those that are about to start. A site that is silent is no error; its hosts are asked when it comes back.
 */
async function stopBehind(vms: readonly Vm[], { port }: StepDeps): Promise<void> {
  const running = vms.filter((vm) => vm.runsOn !== undefined);
  for (const [siteId, all] of Map.groupBy(running, (vm) => vm.siteId))
    for (let i = 0; i < all.length; i += ORDERS_AT_ONCE)
      await ifHeard(() =>
        port.stopVms(
          siteId,
          all.slice(i, i + ORDERS_AT_ONCE).map((vm) => ({
            vmId: vm.id,
            hostId: vm.runsOn as string,
            epoch: nextEpoch(vm) - 1,
          })),
        ),
      );
}

async function decideAll(
  found: Case,
  open: readonly ExecutionVm[],
  vms: readonly Vm[],
  at: { siteId: string; operationId: string },
  { store }: StepDeps,
): Promise<Decided[]> {
  const { plan, route, execution } = found;
  const why = new Map(execution.groups.flatMap((g) => (g.reason ? [[g.groupId, g.reason]] : [])));
  const without = new Set(execution.groups.flatMap((g) => g.without ?? []));
  const ground = { ...at, arrived: new Set(arrived(found).map((g) => g.id)), why, without };
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const findings = new Map(open.map((entry) => [entry.id, judge(byId.get(entry.id), entry, ground)]));
  const kinds = (kind: Finding['kind']) => vms.filter((vm) => findings.get(vm.id)?.kind === kind);
  const [coming, starting] = [kinds('switch'), kinds('start')];
  const picture = await pictureOf(at.siteId, store);
  const seats = seatsAt(await placeholdersOf(store, plan), at.siteId);
  const site = siteWithout(at.siteId, picture, starting, { seats });
  const addresses = await AddressMap.read(plan, route, coming, store);
  const places = new Map(
    inOrder(plan, [...coming, ...starting]).map((vm) => {
      const finding = findings.get(vm.id) as Finding;
      const to = { ...route, toSiteId: at.siteId };
      return [vm.id, withSeat(placeOne(vm, finding, { plan, route: to, site, addresses }), seats.get(vm.id))];
    }),
  );
  return open.map((entry) => {
    const vm = byId.get(entry.id);
    const move = places.get(entry.id);
    if (vm && move) return { entry: entryOf(entry, move), ...(move.move ? { move: move.move } : {}) };
    return { entry: unmoved(entry, vm, findings.get(entry.id) as Finding) };
  });
}

/** A VM that changes over uses up what was kept for it, wherever it comes to sit. */
function withSeat(placing: Placing, was: HeldSeat | undefined): Placing {
  const { move } = placing;
  if (!move?.over || !was || !move.vm.protection) return placing;
  const { tenantId, id: vmId, protection } = move.vm;
  return { ...placing, move: { ...move, uses: { tenantId, groupId: protection.groupId, vmId, was } } };
}
