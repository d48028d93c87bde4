import { describe, expect, it } from 'vitest';
import type { HostTimeline } from '../../../shared/world/timeline.ts';
import { Chronicle } from './chronicle.ts';
import { difference, type Picture } from './observe.ts';
import { parseStory } from './parse.ts';
import { outages } from './places.ts';
import { Lives, type Truth } from './truth.ts';
import { fold, span, unfold } from './words.ts';

const PLACE = { file: 'x.story', line: 1 };
const story = (...lines: string[]) => parseStory(['A title.', '', ...lines].join('\n'), 'x.story');
const CLUSTER = 'cluster c1: 3 hosts of 16 cores and 64 GiB, racks 2';
const VMS = 'vm web x3 on h1, h2: 2 vCPU, 4 GiB, priority high, data disk 7 GiB';
const END = ['run until 60s', 'expect web run'];
const refused = (...lines: string[]) => {
  try {
    story(...lines);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was understood');
};

describe('a story is understood', () => {
  it('with its estate: hosts are numbered over all clusters, racks dealt out in turn', () => {
    const { setting } = story(CLUSTER, 'cluster c2 at site b: 1 host of 8 cores and 14.5 GiB', VMS, ...END);
    expect(setting[0]).toMatchObject({
      site: 'a',
      hosts: [
        { name: 'h1', rack: 'r1' },
        { name: 'h2', rack: 'r2' },
        { name: 'h3', rack: 'r1' },
      ],
    });
    expect(setting[1]).toMatchObject({ site: 'b', hosts: [{ name: 'h4' }], memoryGiB: 14.5 });
  });

  it('with its VMs: numbered, dealt out to their hosts, with disks and settings', () => {
    const vms = story(CLUSTER, VMS, ...END).setting.filter((s) => s.kind === 'vm');
    expect(vms.map((v) => [v.name, v.host])).toEqual([
      ['web-1', 'h1'],
      ['web-2', 'h2'],
      ['web-3', 'h1'],
    ]);
    expect(vms[0]).toMatchObject({ vcpus: 2, memoryGiB: 4, ha: { restartPriority: 'high' } });
    expect(vms[0]?.disks.map((d) => d.name)).toEqual(['root', 'data']);
  });

  it('with settings of clusters as the contract has them', () => {
    const set = 'set c1: admission slots 2, localRestarts 0, failoverHosts h3, isolationResponse powerOff';
    expect(story(CLUSTER, VMS, set, ...END).setting.at(-1)).toMatchObject({
      settings: {
        admission: { kind: 'slots', toleratedFaults: 2 },
        localRestarts: 0,
        failoverHosts: ['h3'],
        isolationResponse: 'powerOff',
      },
    });
  });

  it('with times, several commands in a line, and what a command waits for', () => {
    const { course } = story(
      CLUSTER,
      VMS,
      'at 1.5m: fault host-power-loss r1 for 30s; stop web-1..2   # and more',
      '10s after web-1 starts elsewhere: fault host-hang the host of web-1',
      'run until quiet',
      'expect web run elsewhere with a newer epoch; h1 fenced by 25s',
    );
    expect(course.map((c) => [c.at, c.command])).toEqual([
      [90_000, { kind: 'fault', fault: 'host-power-loss', target: 'r1', for: 30_000 }],
      [90_000, { kind: 'vm', action: 'stop', vm: 'web-1' }],
      [90_000, { kind: 'vm', action: 'stop', vm: 'web-2' }],
      [10_000, { kind: 'fault', fault: 'host-hang', target: { hostOf: 'web-1' } }],
    ]);
    expect(course[3]?.after).toEqual({ kind: 'starts', vm: 'web-1' });
  });

  it.each([
    ['disarm c1 for 3m', { kind: 'disarm', cluster: 'c1', for: 180_000 }],
    ['disarm c1', { kind: 'disarm', cluster: 'c1' }],
    ['arm c1', { kind: 'arm', cluster: 'c1' }],
    [
      'confirm-fenced h1 "both cables are out"',
      { kind: 'confirm-fenced', host: { host: 'h1' }, statement: 'both cables are out' },
    ],
    ['cancel the migration of web-1', { kind: 'cancel', vm: 'web-1' }],
  ])("with what operators do about recoveries: '%s'", (text, command) => {
    expect(story(CLUSTER, VMS, `at 1s: ${text}`, ...END).course[0]?.command).toEqual(command);
  });

  it.each([
    ['once', 1],
    ['twice', 2],
    ['3 times', 3],
  ])('with commands that wait until a VM has started %s', (often, times) => {
    const { course } = story(CLUSTER, VMS, `5s after web-1 has started ${often}: fault guest-crash web-1`, ...END);
    expect(course[0]).toMatchObject({ at: 5_000, after: { kind: 'has started', vm: 'web-1', times } });
  });

  it('with promises about what is refused, given up, and silent but for what is said', () => {
    const promises =
      'expect refused "write web-1 block 1 "x"" with storage-unreachable; web-1 in error; no other alarm';
    expect(story(CLUSTER, VMS, 'run until 1s', promises).promises).toMatchObject([
      { kind: 'refused', command: 'write web-1 block 1 "x"', because: 'storage-unreachable' },
      { kind: 'vm is', vm: 'web-1', state: 'in error' },
      { kind: 'no alarm', other: true },
    ]);
  });
});

describe('what cannot be understood is refused with its line and with what is possible', () => {
  it.each([
    [
      'a fault that there is not',
      ['at 1s: fault power-loss h1'],
      /x\.story:5: there is no fault 'power-loss'.*\n.*host-power-loss/,
    ],
    ['a host that there is not', ['at 1s: fault host-hang h9'], /:5: there is no host.* 'h9'\n +hosts: h1\.\.3/],
    ['a VM where a host belongs', ['at 1s: power-on web-1'], /:5: 'web-1' is a vm, not a host/],
    [
      'a command with a slip',
      ['at 1s: stopp web-1'],
      /:5: cannot understand 'stopp web-1'\. Possible commands:\n(?:.*\n)+ +fault/,
    ],
    ['a command that ends wrongly', ['at 1s: kill the control panel'], /'kill' is written\n +kill the control plane/],
    ['a time without a unit', ['at 10: stop web-1'], /:5: cannot understand 'at 10: stop web-1'/],
    ['an unknown setting', ['at 1s: set c1: localRestart 2'], /the setting 'localRestart 2'.*\n.*localRestarts/],
    ['a setting out of its range', ['at 1s: set c1: localRestarts 11'], /localRestarts: .*10/],
    ['a priority that there is not', ['at 1s: set web-1: priority urgent'], /restartPriority/],
    ['what is there, said too late', ['at 1s: stop web-1', 'vm late'], /:6: 'vm late' comes too late/],
    ['a name that is taken', ['at 1s: create web-1'], /the name 'web-1' is taken: it is a vm/],
    ['a state that there is not', ['after h1 is dead: stop web-1'], /no state 'dead'.*\n.*fencing/],
    ['what comes after the end', ['at 61s: stop web-1'], /:5: this comes after the end/],
  ])('%s', (_what, lines, message) => {
    expect(refused(CLUSTER, VMS, ...lines, ...END)).toMatch(message);
  });

  it.each([
    ['a VM property', [CLUSTER, 'vm web: 2 cores', ...END], /:4: cannot understand '2 cores' of a VM.*\n +<n> vCPU/],
    ['no end', [CLUSTER, VMS, 'expect web run'], /a story ends with\n +run until/],
    ['no promise', [CLUSTER, VMS, 'run until 1s'], /promises nothing shows nothing/],
    ['a promise with a slip', [CLUSTER, VMS, 'run until 1s', 'expect web runs fast'], /cannot understand|there is no/],
  ])('%s', (_what, lines, message) => {
    expect(refused(...lines)).toMatch(message);
  });

  it('no title', () => {
    expect(() => parseStory(CLUSTER, 'x.story')).toThrow(/begins with what it shows/);
  });
});

it('names fold into ranges and unfold again', () => {
  expect(fold(['web-10', 'web-2', 'web-1', 'db', 'web-3'])).toBe('db, web-1..3, web-10');
  expect(unfold('web-2..4')).toEqual(['web-2', 'web-3', 'web-4']);
  expect(span('1.5m', PLACE)).toBe(90_000);
});

describe('a chronicle', () => {
  it('folds equal things of one time, and keeps what was done before what came of it', () => {
    const chronicle = new Chronicle();
    const world = (subject: string) => ({ word: 'world' as const, subject, text: 'off' });
    chronicle.tell(1_000, [{ word: 'does', subject: 'fault host-power-loss r1', text: '' }]);
    chronicle.next();
    chronicle.tell(1_000, [world('h2'), world('h1'), world('h3')]);
    chronicle.tell(500, [world('h9')]);
    expect(chronicle.write()).toEqual([
      '      0.5  world     h9 off',
      '      1.0  > fault host-power-loss r1',
      '      1.0  world     h1..3 off',
    ]);
  });

  it('counts tries that end alike', () => {
    const chronicle = new Chronicle();
    for (const at of [15_000, 35_000, 55_000])
      chronicle.tell(at, [{ word: 'ended', lead: 'ha-recovery of ', subject: 'h1', text: 'well' }]);
    expect(chronicle.write()).toEqual(['     15.0  ended     ha-recovery of h1 well', '     55.0    twice more']);
  });

  it('counts two that take turns', () => {
    const chronicle = new Chronicle();
    for (const at of [15_000, 35_000, 55_000, 75_000])
      for (const [i, subject] of ['h1', 'h2'].entries())
        chronicle.tell(at + i, [{ word: 'ended', lead: 'ha-recovery of ', subject, text: 'well' }]);
    expect(chronicle.write()).toEqual([
      '     15.0  ended     ha-recovery of h1 well',
      '     15.0  ended     ha-recovery of h2 well',
      '     75.0    both 3 times more',
    ]);
  });
});

it('an incident that is opened and closed between two looks is told whole', () => {
  const empty: Picture = {
    hosts: new Map(),
    vms: new Map(),
    recovery: new Map(),
    alarms: new Map(),
    incidents: new Map(),
    ended: new Map(),
  };
  const after = { ...empty, incidents: new Map([['inc_1', { subject: 'h1', state: 'closed' as const }]]) };
  expect(difference(empty, after)).toEqual([{ word: 'incident', subject: 'h1', text: 'opened, and closed' }]);
});

const line = (kills: number[] = []): HostTimeline => ({
  off: [],
  booting: [],
  hung: [],
  managementLost: [],
  networkLost: [],
  alone: [],
  storageLost: [],
  bmcLost: [],
  kills,
});
const process = (hostId: string, epoch: number, startedAt: number, stoppedAt?: number) =>
  ({ vmId: 'web', hostId, epoch, startedAt, readyAt: startedAt, ...(stoppedAt ? { stoppedAt } : {}) }) as never;
const truth = (processes: never[], kills: number[] = []): Truth => ({
  hosts: [],
  lines: new Map([
    ['h1', line(kills)],
    ['h2', line()],
  ]),
  processes,
  volumes: [],
  faults: [],
});

describe('lives of a VM', () => {
  it('that overlap are found, even when at every look only one was left', () => {
    const lives = new Lives();
    lives.look(truth([process('h1', 1, 0)]), 10);
    lives.look(truth([process('h1', 1, 0, 15), process('h2', 2, 12)]), 20);
    expect(lives.twice()).toEqual([expect.stringMatching(/web ran twice: on h1 .* from 12 on h2/)]);
  });

  it('that follow one another at one instant do not overlap, and their end has its cause', () => {
    const lives = new Lives();
    lives.look(truth([process('h1', 1, 0), process('h2', 2, 12)], [12]), 20);
    expect(lives.twice()).toEqual([]);
    expect(lives.of('web')[0]).toMatchObject({ to: 12, cause: 'isolation' });
  });

  it.each([
    ['power off', { off: [{ from: 12, to: 99 }] }],
    ['watchdog', { booting: [{ from: 12, to: 99 }] }],
    ['isolation', {}],
  ])('that their host ends tell whether it was its %s', (cause, spans) => {
    const [world, lives] = [truth([process('h1', 1, 0)], [12]), new Lives()];
    world.lines.set('h1', { ...line([12]), ...spans });
    lives.look(world, 20);
    expect(lives.of('web')[0]).toMatchObject({ to: 12, cause });
  });

  it('leave outages between them: from the end of one to when the guest of the next serves', () => {
    const life = { vmId: 'web', hostId: 'h1', siteId: 'a', epoch: 1, troubled: [] };
    const lives = [
      { ...life, from: 0, ready: 5, to: 100 },
      { ...life, from: 110, ready: 140, to: 150 },
      { ...life, from: 160, ready: 190 },
    ];
    expect(outages(lives, 50, 300)).toEqual([
      { from: 100, to: 140 },
      { from: 150, to: 190 },
    ]);
    expect(outages(lives.slice(0, 1), 50, 300)).toEqual([{ from: 100, to: 300 }]);
  });

  it('leave outages within one: a guest serves nobody while it hangs, nor after it has crashed', () => {
    const life = { vmId: 'web', hostId: 'h1', siteId: 'a', epoch: 1, from: 0, ready: 5 };
    const hang = { from: 60, to: 70 };
    expect(outages([{ ...life, troubled: [hang] }], 50, 300)).toEqual([hang]);
    const crash = { from: 90, to: Number.POSITIVE_INFINITY };
    const next = { ...life, epoch: 2, from: 120, ready: 150, troubled: [] };
    expect(outages([{ ...life, to: 120, troubled: [hang, crash] }, next], 50, 300)).toEqual([
      hang,
      { from: 90, to: 150 },
    ]);
  });
});
