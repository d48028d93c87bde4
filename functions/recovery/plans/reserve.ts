import { busy, DomainError, invalid } from '../../../shared/kernel/errors.ts';
import type { BaseAmounts } from '../../../shared/model/amounts.ts';
import type { Placeholders } from '../../../shared/model/placeholder.ts';
import type { RecoveryPlan } from '../../../shared/model/recovery-plan.ts';
import type { Vm } from '../../../shared/model/vm.ts';
import { PlanReader } from '../../../shared/plans/facts.ts';
import { rehearsePlan } from '../../../shared/recovery/capacity.ts';
import { type Route, routeOf } from '../../../shared/recovery/route.ts';
import { seatsFor } from '../../../shared/recovery/seats.ts';
import type { SitePicture } from '../../../shared/recovery/site.ts';
import { Raced } from '../../../shared/store/anew.ts';
import { HostFull } from '../../../shared/store/ledger.ts';
import {
  changePlaceholders,
  readPlaceholders,
  type SeatChange,
  SeatsMoved,
} from '../../../shared/store/placeholders.ts';
import { MAX_ACTIONS, type Transaction } from '../../../shared/store/transaction.ts';
import type { Call } from '../../http/call.ts';

/** Actions that a request needs beside seats: plan, two names, operation or event, idempotency record. */
const ON_TOP = 5;
/** VMs without a seat that a refusal names. */
const NAMED = 20;

/**
 * Takes the seats that a plan is to keep from now on, and gives back those that it keeps no more (DR-21). What it keeps
 * already is left to the watch, which follows members, sizes and hosts.
 * @throws `no-capacity` where not every VM finds a seat, `in-use` where another plan keeps seats for a group
 */
export async function reserve(
  tx: Transaction,
  call: Call<never>,
  before: RecoveryPlan | undefined,
  after: RecoveryPlan | undefined,
): Promise<void> {
  const was = before?.reserve === 'full' ? before.groups : [];
  const is = after?.reserve === 'full' ? after.groups : [];
  if (was.length + is.length === 0) return;
  const planId = (after ?? before)?.id as string;
  const there = await readPlaceholders(call.deps.store, call.tenantId, [...new Set([...was, ...is])]);
  const mine = there.filter((p) => p.planId === planId);
  const given = mine.filter((p) => !is.includes(p.groupId)).map((p): SeatChange => ({ before: p }));
  const wanted = is.filter((id) => !mine.some((p) => p.groupId === id));
  const other = there.find((p) => wanted.includes(p.groupId));
  if (other) throw keptByOther(other);
  const taken = after && wanted.length > 0 ? await take(call, after, wanted) : [];
  changePlaceholders(tx, [...given, ...taken]);
  if (tx.actions.length + ON_TOP > MAX_ACTIONS)
    throw invalid([
      {
        location: 'body.reserve',
        message: `its seats stand on so many hosts that ${tx.actions.length} things would change at once; ${MAX_ACTIONS - ON_TOP} are the most`,
        fix: 'make several plans of it, or map its clusters to smaller ones',
      },
    ]);
}

async function take(call: Call<never>, plan: RecoveryPlan, wanted: readonly string[]): Promise<SeatChange[]> {
  const reader = new PlanReader(call.deps.store, call.tenantId);
  const groups = await reader.groups(wanted);
  const [first] = groups;
  const route = first && routeOf(plan, first);
  if (!route) return [];
  const [vms, picture] = await Promise.all([reader.vms(groups), reader.picture(route.toSiteId)]);
  const { seats, lacking } = seatsFor(plan, vms, route, picture);
  if (lacking.size > 0) throw noSeats(plan, vms, route, picture, lacking);
  return groups.map((group): SeatChange => {
    const own = group.vms.flatMap((id) => {
      const seat = seats.get(id);
      return seat ? [[id, seat] as const] : [];
    });
    return {
      after: {
        tenantId: call.tenantId,
        groupId: group.id,
        planId: plan.id,
        siteId: route.toSiteId,
        seats: Object.fromEntries(own),
        lacking: {},
        version: 1,
      } satisfies Placeholders,
    };
  });
}

const keptByOther = ({ groupId, planId }: Placeholders): DomainError =>
  new DomainError(
    'in-use',
    `Plan ${planId} keeps seats for protected group ${groupId} already; one plan does (DR-21).`,
    { figures: { rule: 'DR-21', groupId, planId } },
  );

function noSeats(
  plan: RecoveryPlan,
  vms: readonly Vm[],
  route: Route,
  picture: SitePicture,
  lacking: ReadonlyMap<string, string>,
): DomainError {
  // As a rehearsal of all of them, running or not: figures of the same kind as everywhere.
  const all = vms.map((vm): Vm => ({ ...vm, desired: 'running' }));
  const { needed, free, failures } = rehearsePlan(plan, all, route, picture, { copies: true });
  const [first] = lacking;
  const words = (a: BaseAmounts) => `${a.vcpus} vCPUs, ${a.mhz} MHz and ${a.memoryMiB} MiB`;
  return new DomainError(
    'no-capacity',
    `Site ${route.toSiteId} has no room to keep for ${lacking.size} of ${vms.length} VMs: ${words(needed)} are needed, ${words(free)} are free; ${first?.[1]}.`,
    {
      figures: {
        rule: 'DR-21',
        siteId: route.toSiteId,
        needed,
        free,
        ...(failures.length > 0 ? { failures } : {}),
        withoutSeat: lacking.size,
        lacking: [...lacking].slice(0, NAMED).map(([vmId, reason]) => ({ vmId, reason })),
      },
      flaws: [
        {
          location: 'body.reserve',
          message: `${lacking.size} VMs find no seat`,
          fix: 'free or add hosts there, or leave reserve out: then room is looked for when it is needed',
        },
      ],
    },
  );
}

/** Room or seats that were there when they were read are not any more: decided anew, on what stands there then. */
export async function orDecidedAnew<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HostFull || error instanceof SeatsMoved)
      throw new Raced(busy('Others take room at the recovery site faster than this request can; nothing was changed.'));
    throw error;
  }
}
