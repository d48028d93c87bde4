import { describe, expect, it } from 'vitest';
import { bundle } from '../../infra/aws/bundle.ts';
import { FUNCTIONS, type FunctionSpec } from '../../infra/topology.ts';

const BUDGET = 600 * 1024;
const faces = Object.entries(FUNCTIONS as Record<string, FunctionSpec>).filter(([, spec]) => spec.routes);

describe('the code of an API function', () => {
  it.each(faces)('%s is small enough to start fast', async (name, spec) => {
    const { bytes } = await bundle(spec.entry);
    console.info(`bundle ${name}: ${(bytes / 1024).toFixed(1)} KB of ${BUDGET / 1024} KB`);
    expect(bytes).toBeLessThanOrEqual(BUDGET);
  });
});
