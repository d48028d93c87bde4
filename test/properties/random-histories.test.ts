import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TestCloud } from '../support/cloud.ts';
import { TestTenant } from '../support/tenant.ts';

/** Random histories per run. The continuous integration asks for more than a quick test run. */
const RUNS = Number(process.env.STRATA_HISTORIES ?? 4);
const SEED = Number(process.env.STRATA_SEED ?? 7);
const HOSTS = 4;

/** After this many seconds of cloud time without new trouble, everything that was begun must have ended. */
const DUST_SECONDS = 1_200;

const estate = {
  sites: [
    {
      name: 'a',
      clusters: [{ name: 'c1', hosts: { count: HOSTS, cores: 16, mhz: 2400, memoryGiB: 64 } }],
      datastores: [{ name: 'san', capacityGiB: 5000 }],
    },
  ],
};

const host = fc.nat(HOSTS - 1).map((n) => `host_a-c1-0${n + 1}`);
const seconds = fc.integer({ min: 3, max: 200 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('create' as const), ha: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'start' as const, 'delete' as const), vm: fc.nat(20) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('settings' as const),
      ratioPercent: fc.constantFrom(100, 130),
      vcpuRatioPercent: fc.constantFrom(100, 200),
      isolationResponse: fc.constantFrom('leaveOn' as const, 'powerOff' as const, 'shutDown' as const),
      leaseSeconds: fc.constantFrom(61, 120, 200),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('qos' as const), vm: fc.nat(20), reservationMhz: fc.nat(4800) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('migrate' as const), vm: fc.nat(20), dirtyMiBps: fc.nat(150) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      kind: fc.constantFrom(
        'host-power-loss',
        'host-hang',
        'management-partition',
        'storage-partition',
        'bmc-unreachable',
        'agent-lost',
        'nic-down',
      ),
      target: host,
      for: seconds,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      kind: fc.constantFrom('answer-lost', 'duplicate-call', 'call-timeout'),
      target: fc.constant('site_a'),
      for: seconds,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('power-on' as const), target: host }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 60 }) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** Violations that may stand for a moment while an operation is under way are checked once the dust has settled. */
const ALWAYS = new Set(['INV-1', 'INV-2', 'INV-3', 'INV-4', 'INV-5']);

async function act(test: TestCloud, acme: TestTenant, a: Action, ids: string[]): Promise<void> {
  const id = 'vm' in a && ids.length > 0 ? ids[a.vm % ids.length] : undefined;
  switch (a.do) {
    case 'create': {
      const reply = await acme.create({ name: `vm-${ids.length}`, ha: { enabled: a.ha } });
      expect([201, 507]).toContain(reply.status);
      if (reply.status === 201) ids.push(reply.body.id);
      return;
    }
    case 'start':
    case 'stop':
      if (id) expect([202, 404, 409, 507]).toContain((await acme.action(id, a.do)).status);
      return;
    case 'settings': {
      const { ratioPercent, vcpuRatioPercent, isolationResponse, leaseSeconds } = a;
      const ha = { isolationResponse, leaseSeconds };
      const body = { ha, overcommit: { enabled: true, ratioPercent }, vcpuRatioPercent };
      const path = '/v1/system/clusters/cl_a-c1';
      expect([200, 409]).toContain((await test.client.call('PATCH', path, { token: test.operator, body })).status);
      return;
    }
    case 'qos': {
      if (!id) return;
      const body = { cpu: { reservationMhz: a.reservationMhz } };
      const reply = await test.client.call('PATCH', `/v1/vms/${id}`, { token: acme.token, body });
      expect([200, 404, 412, 507]).toContain(reply.status);
      return;
    }
    case 'migrate':
      if (!id) return;
      // How fast the guest writes decides how long the copy takes, and whether it ever ends.
      await test.client.call('POST', `/v1/sim/vms/${id}/workload`, {
        token: test.operator,
        body: { dirtyMiBps: a.dirtyMiBps, touchedMiB: 4096, activeMiB: 4096 },
      });
      expect([202, 404, 409, 507]).toContain((await acme.action(id, 'migrate')).status);
      return;
    case 'delete':
      if (id) expect([202, 404, 409]).toContain((await acme.remove(id)).status);
      return;
    case 'fault':
      await test.fault(a.kind, a.target, { for: a.for });
      return;
    case 'power-on':
      expect([202, 409]).toContain(
        (await test.client.call('POST', `/v1/system/hosts/${a.target}/power-on`, { token: test.operator })).status,
      );
      return;
    case 'wait': {
      const end = test.clock.now() + a.seconds * 1000;
      while (test.clock.now() < end) {
        await test.advance(Math.min(5, (end - test.clock.now()) / 1000));
        expect((await test.violations()).filter((v) => ALWAYS.has(v.slice(0, 5)))).toEqual([]);
      }
    }
  }
}

it(`random faults and commands, ${RUNS} histories (seed ${SEED}): no VM ever runs twice, ledgers always add up, and in the end nothing is forgotten`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 25 }), fc.integer(), async (actions, seed) => {
      const test = await TestCloud.start({ estate, seed: seed >>> 0 });
      try {
        const acme = await TestTenant.create(test);
        const ids: string[] = [];
        for (const a of actions) await act(test, acme, a, ids);
        // The trouble ends: faults run out, fenced hosts are switched on again.
        await test.advance(260);
        for (const { id, power } of (await test.world()).hosts) {
          if (power === 'off')
            await test.client.call('POST', `/v1/system/hosts/${id}/power-on`, { token: test.operator });
        }
        await test.advance(DUST_SECONDS);
        expect(test.cloud.engine.size, 'workflows that do not end').toBe(0);
        expect(await test.violations()).toEqual([]);
        for (const id of ids) {
          const reply = await test.client.call<{ state: string }>('GET', `/v1/system/vms/${id}`, {
            token: test.operator,
          });
          if (reply.status === 200) expect(['running', 'stopped']).toContain(reply.body.state);
        }
      } finally {
        await test.stop();
      }
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: !process.env.STRATA_SHRINK },
  );
}, 3_000_000);
