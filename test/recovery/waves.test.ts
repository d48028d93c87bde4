import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../shared/kernel/random.ts';
import { priorityOf, type RecoveryPlanSpec } from '../../shared/model/recovery-plan.ts';
import { circleOf, startWaves, stepsAt, stopWaves } from '../../shared/recovery/waves.ts';

type Plan = Pick<RecoveryPlanSpec, 'priorities' | 'dependsOn' | 'delays' | 'steps'>;
const order = (plan: Plan, vms: string[]) => startWaves(plan, vms).map((w) => `${w.priority}: ${w.vms.join(' ')}`);

describe('the order of start and stop (DR-11)', () => {
  it('starts priority 1 first, and what has none in the third', () => {
    expect(order({ priorities: { db: 1, web: 5 } }, ['web', 'app', 'db'])).toEqual(['1: db', '3: app', '5: web']);
  });

  it('starts within a priority what others depend on before them', () => {
    const plan = { dependsOn: { app: ['db', 'queue'], web: ['app'] } };
    expect(order(plan, ['web', 'app', 'db', 'queue'])).toEqual(['3: db queue', '3: app', '3: web']);
  });

  it('waits after the last wave of a priority only, and not at all when stopping', () => {
    const plan = { priorities: { web: 4 }, dependsOn: { app: ['db'] }, delays: { 3: 30, 4: 5 } };
    expect(startWaves(plan, ['web', 'app', 'db']).map((w) => w.delayMs)).toEqual([0, 30_000, 5_000]);
    expect(stopWaves(plan, ['web', 'app', 'db']).map((w) => w.delayMs)).toEqual([0, 0, 0]);
  });

  it('stops in the reverse order', () => {
    const plan = { priorities: { web: 4 }, dependsOn: { app: ['db'] } };
    const stops = stopWaves(plan, ['web', 'app', 'db']);
    expect(stops.map((w) => w.vms)).toEqual([['web'], ['app'], ['db']]);
    expect(stops.map((w) => [w.first, w.last])).toEqual([
      [true, true],
      [true, false],
      [false, true],
    ]);
  });

  it('starts VMs that depend on each other in a circle together and last, rather than never', () => {
    expect(order({ dependsOn: { a: ['b'], b: ['a'], c: ['a'] } }, ['a', 'b', 'c', 'd'])).toEqual(['3: d', '3: a b c']);
  });

  it('is not held up by a dependency on a VM that is not among them', () => {
    expect(order({ dependsOn: { app: ['gone'] } }, ['app'])).toEqual(['3: app']);
  });

  it('has a step that names no priority come up in the first that there is', () => {
    const step = { name: 'ask', at: 'beforeStart', kind: 'pause' } as const;
    const plan = { priorities: { app: 2 }, steps: [step] };
    expect(stepsAt(plan, 'beforeStart', 2, ['app', 'web'])).toEqual([step]);
    expect(stepsAt(plan, 'beforeStart', 3, ['app', 'web'])).toEqual([]);
    expect(stepsAt(plan, 'afterStart', 2, ['app', 'web'])).toEqual([]);
  });
});

describe('circles of dependencies', () => {
  it.each([
    [{ a: ['b'], b: ['c'], c: ['a'] }, 'a b c a'],
    [{ x: ['a'], a: ['b'], b: ['a'] }, 'a b a'],
    [{ a: ['a'] }, 'a a'],
  ])('finds %j', (dependsOn, circle) => {
    expect(circleOf(dependsOn as Record<string, string[]>)?.join(' ')).toBe(circle);
  });

  it('does not take two ways to the same VM for a circle', () => {
    expect(circleOf({ a: ['b', 'c'], b: ['d'], c: ['d'] })).toBeUndefined();
  });

  it('walks a chain of 4,000 VMs', () => {
    const chain = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`${i}`, [`${i + 1}`]]));
    expect(circleOf(chain)).toBeUndefined();
    expect(circleOf({ ...chain, 4000: ['0'] })).toHaveLength(4_002);
  });
});

describe.each(Array.from({ length: 40 }, (_, i) => i + 1))('of random plan, seed %i,', (seed) => {
  const random = seededRandom(seed);
  const vms = Array.from({ length: 1 + random.below(60) }, (_, i) => `vm-${i}`);
  const priorities = Object.fromEntries(
    vms.filter(() => random.next() < 0.7).map((id) => [id, 1 + random.below(5)] as const),
  );
  // Of those before it only, so that there is no circle.
  const dependsOn = Object.fromEntries(
    vms.slice(1).map((id, i) => {
      const others = vms
        .slice(0, i + 1)
        .filter((o) => priorityOf({ priorities }, o) === priorityOf({ priorities }, id));
      return [id, others.filter(() => random.next() < 0.2).slice(0, 16)] as const;
    }),
  );
  const shuffled = [...vms].sort(() => random.next() - 0.5);
  const waves = startWaves({ priorities, dependsOn }, shuffled);
  const at = new Map(waves.flatMap((w, i) => w.vms.map((id) => [id, i] as const)));

  it('every VM starts once', () => {
    expect(waves.flatMap((w) => w.vms).sort()).toEqual([...vms].sort());
    expect(waves.every((w) => w.vms.length > 0)).toBe(true);
  });

  it('no VM starts before one of a more urgent priority, or before what it depends on', () => {
    for (const a of vms)
      for (const b of vms)
        if (priorityOf({ priorities }, a) < priorityOf({ priorities }, b))
          expect(at.get(a) as number, `${a} before ${b}`).toBeLessThan(at.get(b) as number);
    for (const [id, on] of Object.entries(dependsOn))
      for (const other of on)
        expect(at.get(other) as number, `${other} before ${id}`).toBeLessThan(at.get(id) as number);
  });

  it('no wave could have been spared: each VM but those of the first waves waits for something', () => {
    for (const [i, wave] of waves.entries())
      if (!wave.first)
        for (const id of wave.vms)
          expect(
            (dependsOn[id] ?? []).some((on) => at.get(on) === i - 1),
            id,
          ).toBe(true);
  });

  it('the order of stop is the reverse', () => {
    expect(stopWaves({ priorities, dependsOn }, shuffled).map((w) => w.vms)).toEqual(waves.map((w) => w.vms).reverse());
  });
});
