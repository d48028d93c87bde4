import { existsSync } from 'node:fs';
import { fragmentsFileOf, loadAt, readFragments, readWorkload, toVmRequest } from '../../shared/estate/workload.ts';
import { type Clock, iso, MINUTE } from '../../shared/kernel/clock.ts';
import type { LocalClient } from './client.ts';

/** The tenant whose VMs carry the workload. */
const TENANT = 'workload';
/** How often the guests' load is set from the trace, ms of cloud time: the traces have one figure per 5 minutes. */
const STEP_MS = 5 * MINUTE;

/** Creates a VM per task of a workload file and lets each carry the load of its trace from its creation on, until the process ends. */
export async function runWorkload(
  client: LocalClient,
  clock: Clock,
  file: string,
  say: (line: string) => void,
): Promise<void> {
  const tasks = await readWorkload(file);
  const fragmentsFile = fragmentsFileOf(file);
  const fragments = existsSync(fragmentsFile) ? await readFragments(fragmentsFile) : new Map();
  const operator = await client.operator();
  const vdc = await vdcFor(
    client,
    operator,
    tasks.map((t) => toVmRequest(t)),
  );
  const token = await client.tenant(vdc.tenantId);
  const vms: { id: string; name: string; mhz: number }[] = [];
  const there = await client.must<{ items: { id: string; name: string }[] }>(
    'GET',
    `/v1/vdcs/${vdc.id}/vms?limit=1000`,
    token,
  );
  const refused: string[] = [];
  for (const task of tasks) {
    const request = toVmRequest(task);
    const known = there.items.find((vm) => vm.name === request.name);
    const made =
      known ??
      (await client
        .call<{ id: string; detail?: string }>('POST', `/v1/vdcs/${vdc.id}/vms`, { token, body: request })
        .then((r) => (r.status === 201 ? r.body : void refused.push(`${request.name}: ${r.body.detail}`))));
    if (made) vms.push({ id: made.id, name: task.name, mhz: Math.max(1, task.cpuMhz) });
  }
  say(
    `Workload: ${vms.length} of ${tasks.length} VMs of ${file}${refused.length > 0 ? `; refused: ${refused.slice(0, 3).join('; ')}` : ''}; ${fragments.size} of them have a load trace.`,
  );
  const began = clock.now();
  void follow();

  async function follow(): Promise<void> {
    for (let at = began; ; at += STEP_MS) {
      await clock.sleepUntil(at);
      for (const vm of vms) {
        const mhz = loadAt(fragments.get(vm.name) ?? [], at - began);
        await client.call('POST', `/v1/sim/vms/${vm.id}/workload`, {
          token: operator,
          body: { cpu: Math.min(1, mhz / vm.mhz) },
        });
      }
      if (at === began) say(`The guests carry their load since ${iso(at)}.`);
    }
  }
}

/** The VDC of the workload's tenant, made with a quota that fits. */
async function vdcFor(
  client: LocalClient,
  operator: string,
  requests: readonly { cpu: { vcpus: number }; memory: { sizeMiB: number }; disks: readonly { sizeGiB: number }[] }[],
): Promise<{ id: string; tenantId: string }> {
  const all = await client.must<{ items: { id: string; name: string }[] }>(
    'GET',
    '/v1/system/tenants?limit=1000',
    operator,
  );
  const tenant =
    all.items.find((t) => t.name === TENANT) ??
    (await client.must<{ id: string }>('POST', '/v1/system/tenants', operator, { name: TENANT }));
  const vdcs = await client.must<{ items: { id: string }[] }>('GET', `/v1/system/tenants/${tenant.id}/vdcs`, operator);
  if (vdcs.items[0]) return { id: vdcs.items[0].id, tenantId: tenant.id };
  const sites = await client.must<{ items: { id: string }[] }>('GET', '/v1/system/sites', operator);
  const sum = (of: (r: (typeof requests)[number]) => number) => requests.reduce((n, r) => n + of(r), 0);
  const quota = {
    vcpus: sum((r) => r.cpu.vcpus),
    memoryMiB: sum((r) => r.memory.sizeMiB),
    storageGiB: sum((r) => r.disks.reduce((n, d) => n + d.sizeGiB, 0)),
    vms: requests.length,
  };
  const vdc = await client.must<{ id: string }>('POST', `/v1/system/tenants/${tenant.id}/vdcs`, operator, {
    name: 'trace',
    sites: sites.items.map((s) => s.id),
    quota,
  });
  return { id: vdc.id, tenantId: tenant.id };
}
