import type { HypervisorPort } from '../../../shared/hypervisor/port.ts';
import { SECOND } from '../../../shared/kernel/clock.ts';
import { DomainError } from '../../../shared/kernel/errors.ts';
import type { PlanAction } from '../../../shared/model/execution.ts';
import { seenOf } from '../../../shared/plans/facts.ts';
import { type Ground, weighing } from '../../../shared/plans/ground.ts';
import { chosenPoints } from '../../../shared/plans/points.ts';
import { decide, weigh } from '../../../shared/recovery/actions.ts';
import { capacityFigures } from '../../../shared/recovery/capacity.ts';
import { standingOf } from '../../../shared/recovery/standing.ts';
import { startWaves, stopWaves, type Wave } from '../../../shared/recovery/waves.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { standingView } from './views.ts';

const STOPS: readonly PlanAction[] = ['migrate', 'failback'];
const STARTS: readonly PlanAction[] = ['test', 'migrate', 'failover', 'failback', 'rollback'];

/**
 * What would happen: in which order VMs stop and start, where they would go, how old the copies are and what would be lost
 * as of now; and what would keep it from beginning, if anything does.
 */
export async function rehearseAction(call: Call<never>, port: HypervisorPort, ground: Ground): Promise<Answer> {
  const { asked, vms, body } = ground;
  const { action, plan, groups } = asked;
  const refusals: DomainError[] = [];
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      refusals.push(error);
      return undefined;
    }
  };
  const decided = await attempt(() => decide(asked));
  // A plan that was not tested is looked at all the same: this is how to find out what a test would meet.
  const looked = decided ?? (refusals[0]?.code === 'not-tested' ? decide({ ...asked, overridden: true }) : undefined);
  const weighed = looked && (await weighing(ground, looked));
  const capacity = weighed?.capacity;
  const warnings = capacity && (await attempt(() => weigh(asked, { flaws: weighed.flaws, capacity })));
  if (looked && action === 'failover') await attempt(() => chosenPoints(port, body, [...groups], looked.route));
  const seen = looked && (await seenOf(port, groups));
  const ids = vms.map((vm) => vm.id);
  const placed = new Map(capacity?.places.map((p) => [p.vmId, p.clusterId]));
  return {
    status: 200,
    body: {
      dryRun: true,
      action,
      wouldAnswer: refusals.length === 0 ? { status: 202 } : { status: refusals[0]?.status, code: refusals[0]?.code },
      refusals: refusals.map((r) => ({ code: r.code, detail: r.message, errors: r.flaws, ...r.figures })),
      warnings: warnings ?? [],
      ...(looked
        ? {
            ...looked.route,
            ...(looked.rerunOf ? { rerunOf: looked.rerunOf.id } : {}),
            groups: groups.map((g) =>
              standingView(standingOf(g, looked.route, seen?.get(g.id) ?? new Map(), call.now)),
            ),
          }
        : {}),
      ...(STOPS.includes(action) ? { stop: stopWaves(plan, ids).map(waveView) } : {}),
      ...(STARTS.includes(action) ? { start: startWaves(plan, ids).map(waveView) } : {}),
      ...(capacity
        ? {
            capacity: capacityFigures(capacity),
            places: vms.flatMap((vm) => {
              const clusterId = placed.get(vm.id);
              return clusterId ? [{ vmId: vm.id, clusterId }] : [];
            }),
          }
        : {}),
    },
  };
}

const waveView = ({ priority, vms, delayMs }: Wave) => ({ priority, vms, delaySeconds: delayMs / SECOND });
