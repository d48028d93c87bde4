import type { OperationKind } from '../../../shared/model/operation.ts';
import { STEPS as configure } from '../../../workflows/configure/steps.ts';
import { STEPS as convertVm } from '../../../workflows/convert-vm/steps.ts';
import { STEPS as deleteVm } from '../../../workflows/delete-vm/steps.ts';
import {
  type State,
  type StepCall,
  type StepDeps,
  type StepTable,
  stepHandler,
} from '../../../workflows/engine/step-table.ts';
import { STEPS as evacuateHost } from '../../../workflows/evacuate-host/steps.ts';
import { STEPS as expandHost } from '../../../workflows/expand-host/steps.ts';
import { STEPS as growDisk } from '../../../workflows/grow-disk/steps.ts';
import { STEPS as haRecovery } from '../../../workflows/ha-recovery/steps.ts';
import { STEPS as migrateVm } from '../../../workflows/migrate-vm/steps.ts';
import { STEPS as moveVolumes } from '../../../workflows/move-volumes/steps.ts';
import { STEPS as planCleanup } from '../../../workflows/plan-cleanup/steps.ts';
import { STEPS as planFailover } from '../../../workflows/plan-failover/steps.ts';
import { STEPS as planMigrate } from '../../../workflows/plan-migrate/steps.ts';
import { STEPS as planReprotect } from '../../../workflows/plan-reprotect/steps.ts';
import { STEPS as planTest } from '../../../workflows/plan-test/steps.ts';
import { STEPS as powerOnHost } from '../../../workflows/power-on-host/steps.ts';
import { STEPS as protectGroup } from '../../../workflows/protect-group/steps.ts';
import { STEPS as provisionVm } from '../../../workflows/provision-vm/steps.ts';
import { STEPS as reconcileHost } from '../../../workflows/reconcile-host/steps.ts';
import { STEPS as recoverGuest } from '../../../workflows/recover-guest/steps.ts';
import { STEPS as siteSwitch } from '../../../workflows/site-switch/steps.ts';
import { STEPS as startVm } from '../../../workflows/start-vm/steps.ts';
import { STEPS as stopVm } from '../../../workflows/stop-vm/steps.ts';
import { STEPS as unprotectGroup } from '../../../workflows/unprotect-group/steps.ts';

/** The step table of every workflow. */
export const STEP_TABLES: Record<OperationKind, StepTable> = {
  'provision-vm': provisionVm,
  'start-vm': startVm,
  'stop-vm': stopVm,
  'delete-vm': deleteVm,
  'ha-recovery': haRecovery,
  'recover-guest': recoverGuest,
  'reconcile-host': reconcileHost,
  'power-on-host': powerOnHost,
  'migrate-vm': migrateVm,
  'convert-vm': convertVm,
  'move-volumes': moveVolumes,
  'grow-disk': growDisk,
  configure,
  'evacuate-host': evacuateHost,
  'expand-host': expandHost,
  'plan-test': planTest,
  'plan-cleanup': planCleanup,
  'plan-migrate': planMigrate,
  'plan-failover': planFailover,
  'plan-reprotect': planReprotect,
  'site-switch': siteSwitch,
  'protect-group': protectGroup,
  'unprotect-group': unprotectGroup,
};

export const stepFunctions = (deps: StepDeps): Record<OperationKind, (call: StepCall) => Promise<State>> =>
  Object.fromEntries(Object.entries(STEP_TABLES).map(([kind, table]) => [kind, stepHandler(table, deps)])) as Record<
    OperationKind,
    (call: StepCall) => Promise<State>
  >;
