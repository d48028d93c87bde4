import { lambdaPort } from '../../shared/aws/lambda-port.ts';
import { awsRuntime } from '../../shared/aws/runtime.ts';
import { MINUTE, SECOND } from '../../shared/kernel/clock.ts';
import { Probe } from './probe.ts';

const runtime = awsRuntime('probe');
const probe = new Probe(runtime, lambdaPort());
/** A schedule fires once a minute at most: the function looks by itself at this period, ms, until the minute is over. */
const PERIOD_MS = 5 * SECOND;

export async function handler(): Promise<void> {
  const end = runtime.clock.now() + MINUTE - PERIOD_MS;
  for (let next = runtime.clock.now(); next <= end; next += PERIOD_MS) {
    await runtime.clock.sleepUntil(next);
    await probe.run();
  }
}
