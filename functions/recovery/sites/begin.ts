import type * as z from 'zod';
import type { siteFailoverBody, siteMigrateBody } from '../../../shared/contract/site-switch.ts';
import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { PLANS_AT_ONCE, type SiteAction, type SiteClaim, type SiteSwitch } from '../../../shared/model/site-switch.ts';
import { plansOfSite, type SitePlans } from '../../../shared/plans/at-site.ts';
import { SYSTEM } from '../../../shared/store/context.ts';
import { Inventory } from '../../../shared/store/inventory.ts';
import { keys } from '../../../shared/store/keys.ts';
import { newOperation } from '../../../shared/store/outbox.ts';
import { Transaction } from '../../../shared/store/transaction.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { operationView } from '../../http/views.ts';
import { rehearseSite } from './dry-run.ts';
import { held, noRoom, nothingThere } from './refusals.ts';
import { rehearsePlans } from './rehearse.ts';

export type SiteBody = (z.infer<typeof siteFailoverBody> & z.infer<typeof siteMigrateBody>) | undefined;

/** Groups that a warning names. */
const NAMED = 10;

/**
 * Accepts a switch of all plans of a site in one transaction: its record, the site's claim, so that two at once are one, and
 * the operation that begins the plans one by one.
 * @throws `not-found`, `operation-in-progress` with the switch that has the site, `not-ready` where no plan is there, `no-capacity`
 */
export async function acceptSite(call: Call<never>, port: HypervisorPort, action: SiteAction): Promise<Answer> {
  const { store } = call.deps;
  const site = await new Inventory(store, SYSTEM).site(call.param('siteId'));
  const found = await plansOfSite(store, site.id);
  const record = recordOf(call, site.id, action, found);
  if (call.dryRun) return rehearseSite(call, port, record, found);
  const claim = await store.get<SiteClaim>(keys.siteClaim(site.id));
  if (claim) throw held(claim);
  if (found.plans.length === 0) throw nothingThere(record);
  await mustHaveRoom(call, record, found);
  const operation = newOperation({
    id: record.id,
    kind: 'site-switch',
    target: site.id,
    input: { siteId: site.id, action },
    createdAt: call.now,
    cancelable: true,
    note: [`Its report: GET /v1/system/site-switches/${record.id}.`, ...(record.warnings ?? [])].join(' '),
  });
  const tx = new Transaction()
    .put(keys.siteSwitch(record.id), record)
    .put(
      keys.siteClaim(site.id),
      { siteId: site.id, switchId: record.id },
      { ifAbsent: (there) => held(there as unknown as SiteClaim) },
    );
  const headers = { 'operation-location': `/v1/system/operations/${operation.id}`, 'retry-after': '1' };
  return call.commit(tx, { status: 202, body: operationView(operation), headers }, { operation });
}

/** @throws `no-capacity` */
async function mustHaveRoom(call: Call<never>, record: SiteSwitch, found: SitePlans): Promise<void> {
  if (record.action !== 'migrate' || record.onError === 'goOn') return;
  const { capacities } = await rehearsePlans(call, record, found, new Map());
  const refused = noRoom(record, capacities);
  if (refused) throw refused;
}

function recordOf(call: Call<never>, siteId: string, action: SiteAction, { withoutPlan }: SitePlans): SiteSwitch {
  const { override, toSiteId, before, ranks, atOnce, onError } = (call.body as SiteBody) ?? {};
  const { actor, roles, source } = call.caller;
  return {
    id: call.newId('operation', undefined),
    siteId,
    action,
    state: 'running',
    startedAt: call.now,
    by: { actor, roles, operationId: call.operationId, requestId: call.requestId, ...(source ? { source } : {}) },
    ...(override ? { override } : {}),
    ...(toSiteId === undefined ? {} : { toSiteId }),
    ...(before === undefined ? {} : { before }),
    ...(ranks ? { ranks } : {}),
    atOnce: atOnce ?? PLANS_AT_ONCE.default,
    onError: onError ?? (action === 'migrate' ? 'stop' : 'goOn'),
    ...(withoutPlan.length > 0 ? { warnings: [planless(withoutPlan)] } : {}),
    version: 1,
  };
}

function planless(groups: SitePlans['withoutPlan']): string {
  const vms = groups.reduce((sum, g) => sum + g.vms.length, 0);
  const names = groups.slice(0, NAMED).map((g) => g.id);
  const more = groups.length > NAMED ? ` and ${groups.length - NAMED} more` : '';
  return `${groups.length} protected groups of the site (${vms} VMs) are in no plan and stay where they are: ${names.join(', ')}${more}.`;
}
