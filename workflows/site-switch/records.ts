import type { SitePlan, SiteSwitch, SiteSwitchPart } from '../../shared/model/site-switch.ts';
import { PLANS_PER_PART } from '../../shared/model/site-switch.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { Transaction, type UpdateSpec } from '../../shared/store/transaction.ts';
import { GiveUp, type State, type StepDeps, TryAgain } from '../engine/step-table.ts';

/** A switch of a site with all its plans, as it stands in the tables. */
export interface Switched {
  record: SiteSwitch;
  parts: SiteSwitchPart[];
}

export const plansOf = ({ parts }: Switched): SitePlan[] => parts.flatMap((part) => Object.values(part.plans));

/** Undefined when it has ended already. */
export async function findSwitch(state: State, { store }: StepDeps): Promise<Switched | undefined> {
  const record = await store.get<SiteSwitch>(keys.siteSwitch(state.operationId));
  if (!record || record.finishedAt !== undefined) return undefined;
  const wanted = Array.from({ length: Math.ceil((record.plans ?? 0) / PLANS_PER_PART) }, (_, n) =>
    keys.siteSwitchPart(record.id, n),
  );
  const parts = await store.getMany<SiteSwitchPart>(wanted);
  return { record, parts: parts.sort((a, b) => a.n - b.n) };
}

/** @throws GiveUp when it has ended */
export async function loadSwitch(state: State, deps: StepDeps): Promise<Switched> {
  const found = await findSwitch(state, deps);
  if (!found) throw new GiveUp('ended', 'the switch of the site has ended already');
  return found;
}

/** A change of the record, as it was read. */
export const recordChange = (record: SiteSwitch, set: Partial<SiteSwitch>): UpdateSpec => ({
  set,
  add: { version: 1 },
  condition: '#version = :was',
  names: { '#version': 'version' },
  values: { ':was': record.version },
  onFail: () => new TryAgain(`switch ${record.id} changed meanwhile`),
});

/** Adds what became of some plans of one part to a transaction. @returns the part as it is then */
export function setPlans(tx: Transaction, part: SiteSwitchPart, changed: readonly SitePlan[]): SiteSwitchPart {
  const set = Object.fromEntries(changed.map((plan) => [`plans.${plan.planId}`, plan]));
  tx.update(keys.siteSwitchPart(part.switchId, part.n), {
    set,
    add: { version: 1 },
    condition: '#version = :was',
    names: { '#version': 'version' },
    values: { ':was': part.version },
    onFail: () => new TryAgain(`part ${part.n} of switch ${part.switchId} changed meanwhile`),
  });
  const plans = { ...part.plans, ...Object.fromEntries(changed.map((plan) => [plan.planId, plan])) };
  return { ...part, plans, version: part.version + 1 };
}

/** Writes what became of some plans, each part once. Nothing is written where nothing has changed. */
export async function writePlans(found: Switched, changed: readonly SitePlan[], store: Store): Promise<Switched> {
  const parts: SiteSwitchPart[] = [];
  for (const part of found.parts) {
    const mine = changed.filter((plan) => part.plans[plan.planId] !== undefined);
    if (mine.length === 0) {
      parts.push(part);
      continue;
    }
    const tx = new Transaction();
    parts.push(setPlans(tx, part, mine));
    await store.commit(tx);
  }
  return { ...found, parts };
}
