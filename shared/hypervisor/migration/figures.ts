import { Refused } from '../refusal.ts';

export interface Bounds {
  min: number;
  max?: number;
  /** The smallest value itself is not allowed. */
  above?: boolean;
  whole?: boolean;
}

/** Throws Refused with `rule` when `value` is not a finite number within the bounds. */
export function requireFigure(rule: string, name: string, value: number, bounds: Bounds): void {
  const { min, max = Number.MAX_VALUE, above = false, whole = false } = bounds;
  const inside = Number.isFinite(value) && value <= max && (above ? value > min : value >= min);
  if (inside && (!whole || Number.isInteger(value))) return;
  const range = `${above ? 'above' : 'at least'} ${min}${bounds.max === undefined ? '' : ` and at most ${max}`}`;
  throw new Refused({
    rule,
    reason: `${name} is ${value}`,
    fix: `Give ${name} as a ${whole ? 'whole ' : ''}number ${range}.`,
    figures: { [name]: value },
  });
}
