import { SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { type Call, resource } from '../http/call.ts';
import { slicePage } from '../http/paging.ts';
import { clusterView, datastoreView, externalNetworkView, hostView, linkView, siteView } from '../http/views.ts';
import { changeCluster } from './clusters.ts';

const inventory = (call: Call) => new Inventory(call.deps.store, SYSTEM);

function page<T extends { id: string }>(
  call: Call,
  all: T[],
  view: (item: T) => unknown,
  filter: Record<string, unknown> = {},
) {
  const { list, options } = call.paging('', filter);
  const wanted = Object.entries(options.where);
  const kept = all.filter((item) => wanted.every(([k, v]) => (item as Record<string, unknown>)[k] === v));
  const sliced = slicePage(kept, options.limit, call.query.pageToken, list);
  return { status: 200, body: { ...sliced, items: sliced.items.map(view) } };
}

export const inventoryHandlers = {
  listSites: async (call: Call) => page(call, await inventory(call).sites(), siteView),
  getSite: async (call: Call) => ({ status: 200, body: siteView(await inventory(call).site(call.param('siteId'))) }),
  listClusters: async (call: Call) =>
    page(call, await inventory(call).clusters(), clusterView, { siteId: call.query.siteId }),
  getCluster: async (call: Call) => resource(200, clusterView(await inventory(call).cluster(call.param('clusterId')))),
  patchCluster: changeCluster,
  listLinks: async (call: Call) => page(call, await inventory(call).links(), linkView),
  listExternalNetworks: async (call: Call) => page(call, await inventory(call).externalNetworks(), externalNetworkView),

  async listHosts(call: Call) {
    const { siteId, clusterId, state } = call.query;
    const clusters = (await inventory(call).clusters()).filter(
      (c) => (!siteId || c.siteId === siteId) && (!clusterId || c.id === clusterId),
    );
    return page(call, await inventory(call).hosts(clusters, { consistent: true }), hostView, {
      siteId,
      clusterId,
      state,
    });
  },
  getHost: async (call: Call) => {
    const host = await inventory(call).host(call.param('hostId'));
    return { status: 200, body: hostView(host), headers: { etag: `"${host.version}"` } };
  },
  async listDatastores(call: Call) {
    const { siteId } = call.query;
    const sites = (await inventory(call).sites()).filter((s) => !siteId || s.id === siteId);
    const all = (await Promise.all(sites.map((s) => inventory(call).datastores(s.id)))).flat();
    return page(call, all, datastoreView, { siteId });
  },
};
