import { describe, expect, it } from 'vitest';
import type { Execution } from '../../../../shared/model/execution.ts';
import { inOrder } from '../../../support/numbered-guests.ts';
import { parseStory } from '../parse.ts';
import { misreported } from './judge.ts';

const write = (n: number, epoch = 1, vmId = 'web') => ({ n, vmId, text: `${n}`, siteId: 'a', at: n * 1_000, epoch });
const present = (...ns: number[]) => new Map(ns.map((n) => [n, `${n}`]));

describe('a copy holds a beginning of what each primary has acknowledged', () => {
  const mine = [write(1), write(2, 1, 'db'), write(3), write(4, 2), write(5, 2)];

  it('all of it, or all up to a point, or nothing', () => {
    for (const there of [present(1, 2, 3, 4, 5), present(1, 2, 4, 5), present(1, 4), present()])
      expect(inOrder(mine, there, 'b')).toEqual([]);
  });

  it('never a write without one before it, whichever VM wrote it', () => {
    expect(inOrder(mine, present(1, 3, 4, 5), 'b')).toEqual(['INV-9: b has write 3 of web without 2 of db (epoch 1)']);
    expect(inOrder(mine, present(1, 2, 3, 5), 'b')).toHaveLength(1);
  });

  it('what stands there must be what was written', () => {
    expect(inOrder(mine, new Map([...present(2, 3, 4, 5), [1, 'else']]), 'b')).toHaveLength(1);
  });
});

describe('what a report says was lost', () => {
  const execution = (count: number, known: 'exact' | 'atLeast', epoch = 2) =>
    ({
      action: 'failover',
      startedAt: epoch,
      groups: [{ groupId: 'g', epoch, expectedRpoMs: 0, lost: { count, bytes: count, known } }],
    }) as unknown as Execution;
  const lost = [write(1), write(2)];

  it.each([
    ['exact and true', [execution(2, 'exact')], true, true],
    ['exact and too little', [execution(1, 'exact')], false, false],
    ['exact and too much', [execution(3, 'exact')], false, false],
    ['at least less', [execution(1, 'atLeast')], false, true],
    ['at least more than there was', [execution(3, 'atLeast')], false, false],
    ['at least, where it should be settled', [execution(2, 'atLeast')], true, false],
    ['told twice of one switch', [execution(2, 'exact'), execution(2, 'exact')], true, true],
    ['of two switches', [execution(1, 'exact', 2), execution(1, 'exact', 3)], true, true],
  ])('%s', (_what, executions, exactly, kept) => {
    expect(misreported('g', lost, executions, exactly) === undefined).toBe(kept);
  });
});

describe('stories of disaster recovery are understood', () => {
  const SETTING = [
    'cluster c1: 1 host of 16 cores and 64 GiB',
    'cluster c2 at site b: 1 host of 16 cores and 64 GiB',
    'link a-b: sync, 2 ms, 1000 Mbit/s',
    'vm web x2 on h1',
    'group shop of web: async to b, rpo 10m, points 3',
    'plan p1 of shop: priority 1 web-1, delay 1 30s, tested',
    'guests write every 5s in web-1, 128 bytes',
  ];
  const story = (...lines: string[]) => parseStory(['A title.', '', ...SETTING, ...lines].join('\n'), 'x.story');
  const END = ['run until 60s', 'expect nothing was lost'];

  it('with groups, plans and guests that write', () => {
    expect(story(...END).setting.slice(-3)).toMatchObject([
      { kind: 'group', vms: ['web-1', 'web-2'], replication: { mode: 'async', rpoMinutes: 10, keepPoints: 3 } },
      { kind: 'plan', groups: ['shop'], priorities: { 'web-1': 1 }, delays: { 1: 30 }, tested: true },
      { kind: 'guests', vms: ['web-1'], everyMs: 5_000, bytes: 128 },
    ]);
  });

  it('with what strikes in the middle of a workflow', () => {
    const { course } = story('before step promote of plan-failover: kill the control plane for 20s', ...END);
    expect(course[0]).toMatchObject({
      after: { kind: 'step', when: 'before', step: 'promote', of: 'plan-failover' },
      command: { kind: 'kill', for: 20_000 },
    });
  });

  it.each([
    [
      'a step that there is not',
      'after step promise of plan-failover: guests rest',
      /no step of plan-failover 'promise'/,
    ],
    ['a plan that there is not', 'at 1s: failover plan p2', /no plan 'p2'/],
    ['a state that there is not', 'after plan p1 is done: guests rest', /no state of a plan 'done'/],
  ])('not with %s', (_what, line, message) => {
    expect(() => story(line, ...END)).toThrow(message);
  });
});
