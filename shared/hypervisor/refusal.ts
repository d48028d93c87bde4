/** Why the physics of a host forbid something. `rule` is an id of the domain's rules, such as CPU-9. */
export interface Refusal {
  rule: string;
  /** What is wrong, with the figures in words. */
  reason: string;
  /** What would help. */
  fix: string;
  figures?: Record<string, number | string>;
}

/** A question that has no answer in the model: bad input, never a state of the world. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`${refusal.reason} (${refusal.rule})`);
    this.name = 'Refused';
    this.refusal = refusal;
  }
}
