import { iso } from '../../shared/kernel/clock.ts';
import type { Fault } from '../../shared/world/records.ts';

export const faultView = (f: Fault, now: number) => ({
  id: f.id,
  kind: f.fault,
  target: f.target,
  at: iso(f.at),
  ...(f.until === undefined ? {} : { until: iso(f.until) }),
  active: f.at <= now && (f.until === undefined || now < f.until),
});
