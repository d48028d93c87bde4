import type * as z from 'zod';
import type { createTenant, createVdc, patchVdc } from '../../shared/contract/shapes.ts';
import { DomainError, invalid } from '../../shared/kernel/errors.ts';
import type { Tenant } from '../../shared/model/tenant.ts';
import { QUOTA_DIMENSIONS, type Quota, usageOf, type Vdc } from '../../shared/model/vdc.ts';
import { asTenant, SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { keys, tenantPart } from '../../shared/store/keys.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { type Call, resource } from '../http/call.ts';
import { nameTaken } from '../http/conditions.ts';
import { slicePage } from '../http/paging.ts';
import { tenantView, vdcView } from '../http/views.ts';

export const tenantHandlers = {
  async createTenant(call: Call<z.infer<typeof createTenant>>) {
    const tenant: Tenant = {
      id: call.newId('tenant'),
      name: call.body.name,
      state: 'active',
      version: 1,
      createdAt: call.now,
    };
    const tx = new Transaction()
      .put(keys.tenant(tenant.id), tenant)
      .put(keys.name(null, 'TENANT', tenant.name), { id: tenant.id }, { ifAbsent: nameTaken('tenant', tenant.name) })
      // The tag in a tenant's id is the leading key of all its data, so no two tenants may share one.
      .put(
        keys.name(null, 'TENANT-TAG', tenant.id.slice(-6)),
        { id: tenant.id },
        { ifAbsent: () => new DomainError('busy', 'The id is taken; try again.') },
      );
    return call.commit(tx, resource(201, tenantView(tenant)), {
      event: { type: 'tenant.created', subject: tenant.id, data: { name: tenant.name } },
    });
  },

  async listTenants(call: Call) {
    const { list, options } = call.paging('');
    const page = slicePage(
      await new Inventory(call.deps.store, SYSTEM).tenants(),
      options.limit,
      call.query.pageToken,
      list,
    );
    return { status: 200, body: { ...page, items: page.items.map(tenantView) } };
  },

  async getTenant(call: Call) {
    return resource(200, tenantView(await new Inventory(call.deps.store, SYSTEM).tenant(call.param('tenantId'))));
  },

  async createVdc(call: Call<z.infer<typeof createVdc>>) {
    const inventory = new Inventory(call.deps.store, SYSTEM);
    const tenant = await inventory.tenant(call.param('tenantId'));
    const known = new Map(
      (await inventory.sites()).flatMap((s) => [
        [s.id, s.id],
        [s.name, s.id],
      ]),
    );
    const flaws = call.body.sites.flatMap((s, i) =>
      known.has(s)
        ? []
        : [
            {
              location: `body.sites.${i}`,
              message: `there is no site '${s}'`,
              fix: 'name a site of GET /v1/system/sites',
            },
          ],
    );
    if (flaws.length > 0) throw invalid(flaws);
    const sites = [...new Set(call.body.sites.map((s) => known.get(s) as string))];
    const { name, quota, management } = call.body;
    const vdc: Vdc = {
      id: call.newId('vdc', tenant.id),
      tenantId: tenant.id,
      name,
      sites,
      quota,
      left: quota,
      ...(management ? { management: true as const } : {}),
      version: 1,
      createdAt: call.now,
    };
    const tx = new Transaction()
      .put(keys.vdc(tenant.id, vdc.id), vdc)
      .put(keys.name(tenant.id, 'VDC', name), { id: vdc.id }, { ifAbsent: nameTaken('VDC', name) });
    return call.commit(tx, resource(201, vdcView(vdc)), {
      event: { type: 'vdc.created', subject: vdc.id, tenantId: tenant.id, data: { name } },
    });
  },

  async listTenantVdcs(call: Call) {
    const tenant = await new Inventory(call.deps.store, SYSTEM).tenant(call.param('tenantId'));
    const paging = call.paging(tenantPart(tenant.id, 'VDC'));
    return paging.answer(
      await new TenantData(call.deps.store, asTenant(tenant.id)).list('vdc', paging.options),
      vdcView,
    );
  },

  /** Changes limits, never what is used: a limit below it is refused with the figures. */
  async patchTenantVdc(call: Call<z.infer<typeof patchVdc>>) {
    const tenant = await new Inventory(call.deps.store, SYSTEM).tenant(call.param('tenantId'));
    const vdc = await new TenantData(call.deps.store, asTenant(tenant.id)).get('vdc', call.param('vdcId'));
    call.checkVersion(vdc);
    const wanted = Object.entries(call.body.quota).filter(([, v]) => v !== undefined) as [keyof Quota, number][];
    const quota: Quota = { ...vdc.quota, ...Object.fromEntries(wanted) };
    const below = QUOTA_DIMENSIONS.filter((d) => quota[d] < usageOf(vdc)[d]);
    if (below.length > 0) throw belowUse(vdc, quota, below);
    const deltas = wanted.map(([d]) => [d, quota[d] - vdc.quota[d]] as const).filter(([, delta]) => delta !== 0);
    if (deltas.length === 0) return resource(200, vdcView(vdc));
    const left = { ...vdc.left, ...Object.fromEntries(deltas.map(([d, delta]) => [d, vdc.left[d] + delta])) };
    const tx = new Transaction().update(keys.vdc(tenant.id, vdc.id), {
      set: Object.fromEntries(deltas.map(([d]) => [`quota.${d}`, quota[d]])),
      add: { version: 1, ...Object.fromEntries(deltas.map(([d, delta]) => [`left.${d}`, delta])) },
      condition: ['#version = :version', ...deltas.map(([d]) => `#left.#${d} >= :min${d}`)].join(' AND '),
      values: {
        ':version': vdc.version,
        ...Object.fromEntries(deltas.map(([d, delta]) => [`:min${d}`, Math.max(0, -delta)])),
      },
      onFail: (found) => belowUse(found as unknown as Vdc, quota, below),
    });
    return call.commit(tx, resource(200, vdcView({ ...vdc, quota, left, version: vdc.version + 1 })), {
      event: { type: 'vdc.changed', subject: vdc.id, tenantId: tenant.id, data: { quota } },
    });
  },
};

const belowUse = (vdc: Vdc, quota: Quota, below: (keyof Quota)[]) =>
  new DomainError('quota-exceeded', 'The VDC uses more than that, or was changed meanwhile.', {
    figures: {
      excesses: below.map((resource) => ({ resource, limit: quota[resource], used: usageOf(vdc)[resource] })),
    },
  });
