import type { Host } from '../../../shared/model/inventory.ts';
import type { StepDeps } from '../../engine/step-table.ts';

/**
 * A way to make sure that hosts run nothing (HA-7). Answers for which of them it is sure, and in words how. What it
 * cannot reach it leaves out: another fencer is asked then. Repeating it is harmless.
 */
export interface Fencer {
  fence(siteId: string, hosts: readonly Host[], deps: StepDeps): Promise<Map<string, string>>;
}
