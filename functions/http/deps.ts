import type { Runtime } from '../../shared/aws/runtime.ts';

/** What every face is given. */
export type FaceDeps = Runtime;
