import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { type HypervisorPort, type PortAnswer, portClient } from '../hypervisor/port.ts';
import { readConfig } from '../kernel/config.ts';

const settings = z.object({ SITE_AGENT_FUNCTION: z.string().min(1) });

/** The port over Lambda invocation: how the control plane reaches the site agent on AWS. */
export function lambdaPort(
  env: Record<string, string | undefined> = process.env,
  client = new LambdaClient({}),
): HypervisorPort {
  const { SITE_AGENT_FUNCTION: FunctionName } = readConfig(settings, env);
  return portClient(async (call): Promise<PortAnswer> => {
    const out = await client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(call)) }));
    const text = Buffer.from(out.Payload ?? new Uint8Array()).toString();
    // A time-out of the agent's function tells nothing about what it did: the caller must treat it as a lost answer.
    if (out.FunctionError)
      return { ok: false, error: /timed out/i.test(text) ? 'timeout' : 'failed', message: text.slice(0, 500) };
    return JSON.parse(text) as PortAnswer;
  });
}
