import fc from 'fast-check';

/**
 * The chance of all properties: one seed for the whole run, so that the same code always gives the same answer and a failure
 * comes again. `STRATA_SEED=17` looks elsewhere, `STRATA_SEED=random` somewhere new each time; a property that fails prints
 * its seed and its path.
 */
const asked = process.env.STRATA_SEED;
if (asked !== undefined && asked !== 'random' && !Number.isInteger(Number(asked)))
  throw new Error(`STRATA_SEED is "${asked}": give a whole number, or "random"`);
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked ?? 20_260_101) });
