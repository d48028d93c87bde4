import { pause } from '../../../../shared/kernel/clock.ts';
import { LOOK_MS, patience, type Stage, type VmNow } from '../stage.ts';

export interface IncidentNow {
  id: string;
  state: string;
  openedAt: string;
  timeline: { at: string; what: string; detail?: string }[];
  vms: { id: string; outcome: string; fromHost: string; toHost?: string; readyAt?: string; rtoSeconds?: number }[];
}
export interface Look {
  now: number;
  incident: IncidentNow | undefined;
  /** The VMs of the failed host that were seen running again. */
  back: number;
}

/** Cloud time after which a recovery that is not over has failed, s. */
const PATIENCE_S = 240;

/** Takes the host's power away; answers when, in cloud time. */
export async function cutPower(stage: Stage, hostId: string): Promise<number> {
  return (await stage.fault('host-power-loss', hostId)).at;
}

/** Looks on until the incident of the host is closed; undefined when none was opened in time. */
export async function watch(
  stage: Stage,
  hostId: string,
  lost: readonly VmNow[],
  tell: (look: Look) => void,
): Promise<IncidentNow | undefined> {
  const ids = new Set(lost.map((vm) => vm.id));
  const over = patience(await stage.now(), PATIENCE_S);
  for (;;) {
    const look = await lookAt(stage, hostId, ids);
    tell(look);
    if (look.incident && look.incident.state !== 'open') return look.incident;
    if (over(look.now)) return look.incident;
    await pause(LOOK_MS);
  }
}

async function lookAt(stage: Stage, hostId: string, lost: ReadonlySet<string>): Promise<Look> {
  const { client, operator } = stage;
  const list = await client.must<{ items: IncidentNow[] }>('GET', `/v1/system/incidents?hostId=${hostId}`, operator);
  const found = list.items[0];
  const incident = found && (await client.must<IncidentNow>('GET', `/v1/system/incidents/${found.id}`, operator));
  const vms = (await stage.vms()).filter((vm) => lost.has(vm.id));
  const back = vms.filter((vm) => vm.state === 'running' && vm.hostId !== hostId).length;
  return { now: await stage.now(), incident, back };
}
