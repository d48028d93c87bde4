import type { HypervisorPort } from '../hypervisor/port.ts';
import type { Clock } from '../kernel/clock.ts';
import type { HostHardware } from '../model/inventory.ts';
import { hashVolumes, readBlocks, writeBlocks } from './agent/blocks.ts';
import type { Site } from './agent/common.ts';
import { growVolumes } from './agent/grow.ts';
import { changeHardware } from './agent/hardware.ts';
import { beginMigrations, cancelMigrations, switchOver } from './agent/migrate.ts';
import { beginVolumeMoves, cancelVolumeMoves, commitVolumeMoves } from './agent/move-volumes.ts';
import { observeHost } from './agent/observe.ts';
import { orderPower } from './agent/power.ts';
import { configureHosts, reconfigureVms, shapeNetworks } from './agent/settings.ts';
import { startVms } from './agent/start.ts';
import { stopVms } from './agent/stop.ts';
import { createVolumes, deleteVolumes } from './agent/volumes.ts';
import { heartbeats, inspectVms, listProcesses } from './agent/watch.ts';
import { type WorldHost, worldKeys } from './records.ts';
import { cloneGroups } from './replication/clone.ts';
import { configureGroups } from './replication/configure.ts';
import { discardDivergence, divergentWrites } from './replication/divergence.ts';
import { dropGroups } from './replication/drop.ts';
import { renewLease } from './replication/lease.ts';
import { cutPoints, goAlone, stayTogether, suspendLegs } from './replication/legs.ts';
import { demoteGroups, promoteGroups } from './replication/roles.ts';
import { groupStatus } from './replication/status.ts';
import type { World } from './world.ts';

/** The site's manager and its agents (VRM and CNA), played over the World table. */
export function simulatedSite(world: World, clock: Clock): HypervisorPort {
  const site: Site = { world, clock };
  return {
    commission: (_siteId, hosts) => commission(site, hosts),
    heartbeats: (siteId) => heartbeats(site, siteId),
    createVolumes: (siteId, orders) => createVolumes(site, siteId, orders),
    deleteVolumes: (siteId, orders) => deleteVolumes(site, siteId, orders),
    growVolumes: (siteId, orders) => growVolumes(site, siteId, orders),
    readBlocks: (siteId, orders) => readBlocks(site, siteId, orders),
    writeBlocks: (siteId, orders) => writeBlocks(site, siteId, orders),
    hashVolumes: (siteId, volumes) => hashVolumes(site, siteId, volumes),
    startVms: (_siteId, orders) => startVms(site, orders),
    stopVms: (_siteId, orders) => stopVms(site, orders),
    inspectVms: (_siteId, queries) => inspectVms(site, queries),
    listProcesses: (_siteId, hostIds) => listProcesses(site, hostIds),
    fenceHosts: (_siteId, hostIds) => orderPower(site, hostIds, 'off'),
    powerOnHosts: (_siteId, hostIds) => orderPower(site, hostIds, 'on'),
    changeHardware: (_siteId, changes) => changeHardware(site, changes),
    configureHosts: (_siteId, settings) => configureHosts(site, settings),
    reconfigureVms: (_siteId, orders) => reconfigureVms(site, orders),
    shapeNetworks: (siteId, networks) => shapeNetworks(site, siteId, networks),
    observeHost: (siteId, hostId, vmIds) => observeHost(site, siteId, hostId, vmIds),
    beginMigrations: (_siteId, orders) => beginMigrations(site, orders),
    switchOver: (_siteId, orders) => switchOver(site, orders),
    cancelMigrations: (_siteId, orders) => cancelMigrations(site, orders),
    beginVolumeMoves: (siteId, orders) => beginVolumeMoves(site, siteId, orders),
    commitVolumeMoves: (siteId, orders) => commitVolumeMoves(site, siteId, orders),
    cancelVolumeMoves: (siteId, orders) => cancelVolumeMoves(site, siteId, orders),
    configureGroups: (siteId, orders) => configureGroups(site, siteId, orders),
    groupStatus: (siteId, groupIds) => groupStatus(site, siteId, groupIds),
    cutPoints: (siteId, orders) => cutPoints(site, siteId, orders),
    goAlone: (siteId, orders) => goAlone(site, siteId, orders),
    stayTogether: (siteId, orders) => stayTogether(site, siteId, orders),
    suspendLegs: (siteId, orders) => suspendLegs(site, siteId, orders),
    demoteGroups: (siteId, orders) => demoteGroups(site, siteId, orders),
    promoteGroups: (siteId, orders) => promoteGroups(site, siteId, orders),
    renewLease: (siteId, lease) => renewLease(site, siteId, lease),
    cloneGroups: (siteId, orders) => cloneGroups(site, siteId, orders),
    divergentWrites: (siteId, query) => divergentWrites(site, siteId, query),
    discardDivergence: (siteId, orders) => discardDivergence(site, siteId, orders),
    dropGroups: (siteId, groupIds) => dropGroups(site, siteId, groupIds),
  };
}

async function commission({ world, clock }: Site, hosts: HostHardware[]): Promise<void> {
  const known = new Set((await world.hostsById(hosts.map((h) => h.id))).map((h) => h.id));
  for (const hardware of hosts) {
    if (known.has(hardware.id)) continue;
    const host: WorldHost = { ...hardware, kind: 'host', commissionedAt: clock.now(), bmc: [] };
    await world.store.put(worldKeys.host(host.id), host, 'world');
  }
}
