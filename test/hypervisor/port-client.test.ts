import { describe, expect, it, vi } from 'vitest';
import {
  PORT_ATTEMPTS,
  type PortAnswer,
  PortTimeout,
  type PortTransport,
  portClient,
} from '../../shared/hypervisor/port.ts';

const timeout: PortAnswer = { ok: false, error: 'timeout', message: 'no answer' };
const failed: PortAnswer = { ok: false, error: 'failed', message: 'no such thing' };
const answer: PortAnswer = { ok: true, value: [{ hostId: 'h1', outcome: 'confirmed' }] };

/** A way to the site that gives these answers, one after the other, then the last one for ever. */
function way(...answers: PortAnswer[]) {
  return vi.fn<PortTransport>(async () => (answers.length > 1 ? answers.shift() : answers[0]) as PortAnswer);
}

describe('the near end of the port', () => {
  it('gives the answer of the site, asked once', async () => {
    const transport = way(answer);
    expect(await portClient(transport).fenceHosts('s1', ['h1'])).toEqual(answer.ok && answer.value);
    expect(transport.mock.calls).toEqual([[{ call: 'fenceHosts', siteId: 's1', args: [['h1']] }]]);
  });

  it('repeats the very same call when no answer comes, and gives the one that comes', async () => {
    const transport = way(timeout, timeout, answer);
    await portClient(transport).fenceHosts('s1', ['h1']);
    expect(new Set(transport.mock.calls.map((c) => JSON.stringify(c))).size).toBe(1);
    expect(transport).toHaveBeenCalledTimes(3);
  });

  it(`gives up after ${PORT_ATTEMPTS} calls without an answer, and names the site and the call`, async () => {
    const transport = way(timeout);
    const asked = portClient(transport).heartbeats('s1');
    await expect(asked).rejects.toThrow(new PortTimeout('s1', 'heartbeats'));
    expect(transport).toHaveBeenCalledTimes(PORT_ATTEMPTS);
  });

  it('does not repeat a call that the site says has failed: it would fail again', async () => {
    const transport = way(failed);
    const asked = portClient(transport).heartbeats('s1');
    await expect(asked).rejects.toThrow(/failed at 'heartbeats': no such thing/);
    await expect(asked).rejects.not.toBeInstanceOf(PortTimeout);
    expect(transport).toHaveBeenCalledTimes(1);
  });

  it.each([
    'commission',
    'heartbeats',
    'createVolumes',
    'deleteVolumes',
    'startVms',
    'stopVms',
    'inspectVms',
    'listProcesses',
    'fenceHosts',
    'powerOnHosts',
  ] as const)('carries %s under its own name', async (call) => {
    const transport = way(answer);
    await (portClient(transport)[call] as (site: string, list: unknown[]) => Promise<unknown>)('s1', []);
    expect(transport.mock.calls[0]?.[0]).toMatchObject({ call, siteId: 's1' });
  });
});
