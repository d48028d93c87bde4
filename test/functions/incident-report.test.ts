import { describe, expect, it } from 'vitest';
import { phasesOf } from '../../functions/availability/report/phases.ts';
import { reportOf } from '../../functions/availability/report/report.ts';
import { spreadOf } from '../../functions/availability/report/rto.ts';
import { summaryOf } from '../../functions/availability/report/summary.ts';
import { textOf } from '../../functions/availability/report/text.ts';
import { type Incident, type IncidentVm, tallyOf } from '../../shared/model/incident.ts';

const NIGHT = Date.parse('2026-11-23T03:00:00Z');
const at = (seconds: number): number => NIGHT + seconds * 1000;

const host = (name: string, more: object = {}) => ({
  id: `host_${name}`,
  name,
  rack: 'r1',
  lastSignAt: at(0),
  faultAt: at(0),
  detectedAt: at(6),
  assessedAt: at(7),
  found: 'no heartbeat on either channel',
  fencedAt: at(8),
  fencedBy: 'powered off, confirmed by its power controller',
  ...more,
});

const vm = (n: number, readyAt: number, more: Partial<IncidentVm> = {}): IncidentVm => ({
  id: `vm_${n}`,
  name: `web-${n}`,
  priority: 'medium',
  outcome: 'recovered',
  fromHost: n % 2 ? 'host_h1' : 'host_h2',
  toHost: 'host_h3',
  plannedAt: at(9),
  startedAt: at(9.5),
  readyAt: at(readyAt),
  rtoSeconds: readyAt,
  ...more,
});

const rack = (entries: readonly IncidentVm[], more: Partial<Incident> = {}): Incident => ({
  id: 'inc_1',
  siteId: 'site_a',
  clusterId: 'cl_a-c1',
  hosts: [host('h1'), host('h2')],
  hostIds: ['host_h1', 'host_h2'],
  state: 'open',
  openedAt: at(6),
  waiting: 1,
  tally: tallyOf(entries),
  timeline: [
    { at: at(0), what: 'last heartbeat' },
    { at: at(6), what: 'heartbeats missed', detail: '2 hosts' },
    { at: at(7), what: 'second channel asked', detail: 'no heartbeat on either channel' },
    { at: at(8), what: 'fence confirmed', detail: 'h1, h2: powered off, confirmed by its power controller' },
    {
      at: at(9),
      what: 'planned',
      detail: '3 to start, 1 wait for capacity, 0 not to be started',
      times: 4,
      lastAt: at(90),
    },
    { at: at(9.5), what: 'started', detail: '3 of 3 orders taken' },
    { at: at(45), what: 'confirmed', detail: '3 seen running' },
  ],
  parts: [],
  version: 1,
  ...more,
});

const ENTRIES: IncidentVm[] = [
  vm(1, 40.2, { priority: 'high' }),
  vm(2, 41),
  // It waited for room, from 9 s on until 50 s.
  vm(3, 90, { waitsSince: at(9), plannedAt: at(50), startedAt: at(51) }),
  vm(4, 0, { outcome: 'waiting', reason: 'no host of 3 can take it: memory rules out 3' }),
  vm(5, 0, { outcome: 'error', reason: 'its start failed on 4 hosts', tried: ['a', 'b', 'c', 'd'] }),
  vm(6, 0, { outcome: 'error', reason: 'its start failed on 4 hosts', tried: ['a', 'b', 'c', 'd'] }),
];

describe('the report of an incident of hosts', () => {
  it('says what happened and why, how long each phase took, and what is left, to be read at night', () => {
    const incident = rack(ENTRIES, {
      hosts: [host('h1', { backAt: at(600), killed: 2, refusedWrites: 7 }), host('h2')],
    });
    expect(textOf(reportOf(incident, ENTRIES))).toMatchInlineSnapshot(`
      "2 hosts of rack r1: 3 VMs recovered in 40 to 90 s, 1 waits, 2 given up.
      Incident inc_1 (open) in cluster cl_a-c1, site site_a, 2026-11-23 03:00:00.0 UTC.

      What happened
        03:00:00.0  fault      last sign of life of h1, h2
        03:00:06.0  detection  the probe missed the heartbeats of 2 hosts of rack r1, 6 s after the last one -> the other signs are asked before anything is done
        03:00:07.0  decision   no heartbeat on either channel -> its VMs are to start elsewhere, once it surely runs nothing
        03:00:08.0  fence      h1, h2: powered off, confirmed by its power controller -> nothing of it runs any more: its VMs may start elsewhere
        03:00:09.0  plan       3 to start, 1 wait for capacity, 0 not to be started (4 times, the last at 03:01:30.0)
        03:00:09.5  start      3 of 3 orders taken by the hosts
        03:00:40.2  ready      the first VM, web-1, serves again, 40.2 s after its fault
        03:00:45.0             confirmed: 3 seen running
        03:01:30.0  ready      the last of 3 VMs, web-3, serves again, 90 s after its fault

      Hosts that came back
        h1 at 03:10:00.0: 2 stale processes killed, 7 writes of them refused

      How long it took, in seconds from the fault to ready
        of                    VMs  fastest   median  slowest
        - detect                3        6        6        6
        - decide                3        1        1        1
        - fence                 3        1        1        1
        - place                 3        1        1        1
        - room                  1       41       41       41
        - start                 3      0.5      0.5        1
        - boot                  3     30.7     31.5       39
        all                     3     40.2       41       90
        priority high           1     40.2     40.2     40.2
        priority medium         2       41     65.5       90

      VMs that do not run again by this incident
        2 given up: its start failed on 4 hosts (web-5, web-6)
        1 waiting: no host of 3 can take it: memory rules out 3 (web-4)

      VM by VM
        web-3  host_h1 -> host_h3  90 = detect 6 + decide 1 + fence 1 + place 1 + room 41 + start 1 + boot 39
        web-2  host_h2 -> host_h3  41 = detect 6 + decide 1 + fence 1 + place 1 + start 0.5 + boot 31.5
        web-1  host_h1 -> host_h3  40.2 = detect 6 + decide 1 + fence 1 + place 1 + start 0.5 + boot 30.7
      "
    `);
  });

  it('divides the time of each VM without a gap: the phases sum up to the whole (HA-22)', () => {
    for (const { vm: entry, phases, total } of reportOf(rack(ENTRIES), ENTRIES).recovered) {
      const sum = phases.reduce((seconds, p) => seconds + (p.to - p.from) / 1000, 0);
      expect(sum).toBeCloseTo(total, 6);
      expect(total).toBe(entry.rtoSeconds);
      for (const [i, phase] of phases.entries()) expect(phase.from).toBe(i === 0 ? at(0) : phases[i - 1]?.to);
    }
  });

  it('tells the wait for room apart from the work', () => {
    const seconds = phasesOf(rack(ENTRIES), ENTRIES[2] as IncidentVm).map((p) => [p.phase, (p.to - p.from) / 1000]);
    expect(seconds).toEqual([
      ['detect', 6],
      ['decide', 1],
      ['fence', 1],
      ['place', 1],
      ['room', 41],
      ['start', 1],
      ['boot', 39],
    ]);
  });

  it('adds up: every VM is among those that run again, had moved away, or are left with a reason (HA-12)', () => {
    const entries = [
      ...ENTRIES,
      vm(7, 0, { outcome: 'recovered', readyAt: undefined, rtoSeconds: undefined } as never),
    ];
    const report = reportOf(rack(entries), entries);
    const left = report.left.reduce((sum, group) => sum + group.vms.length, 0);
    expect([report.recovered.length, report.movedInTime, left]).toEqual([3, 1, 3]);
    expect(report.left.map((l) => [l.outcome, l.vms.length])).toEqual([
      ['error', 2],
      ['waiting', 1],
    ]);
  });

  it('is whole where little was written down: an old incident, or a VM of a host that is not in it', () => {
    const bare = rack([], { hosts: [{ id: 'host_h1', name: 'h1', lastSignAt: at(0) }], timeline: [] });
    const entry: IncidentVm = { id: 'vm_1', outcome: 'recovered', fromHost: 'host_h1', readyAt: at(40) };
    expect(phasesOf(bare, entry).map((p) => [p.phase, p.to - p.from])).toEqual([
      ['detect', 6_000],
      ['boot', 34_000],
    ]);
    expect(phasesOf(bare, { ...entry, fromHost: '' }).map((p) => p.phase)).toEqual(['detect', 'boot']);
    expect(textOf(reportOf(bare, [entry]))).toContain('last sign of life of h1');
    expect(textOf(reportOf({ ...bare, hosts: [] }, []))).toContain('inc_1');
  });

  it('tells of the slowest VMs only, and of how many there are', () => {
    const many = Array.from({ length: 30 }, (_, n) => vm(n, 40 + n));
    const text = textOf(reportOf(rack(many), many));
    expect(text).toContain('The 20 slowest of 30 VMs');
    expect(text).toContain('web-29');
    expect(text).not.toContain('  web-9  ');
  });
});

it('the report of a guest begins with its crash and ends with its restart', () => {
  const incident: Incident = {
    ...rack([]),
    kind: 'guest',
    hosts: [{ id: 'host_h1', name: 'h1', lastSignAt: at(3) }],
    guest: {
      id: 'vm_1',
      name: 'web',
      outcome: 'recovered',
      fromHost: 'host_h1',
      toHost: 'host_h1',
      readyAt: at(38),
      rtoSeconds: 38,
    },
    state: 'closed',
    openedAt: at(3),
    timeline: [
      { at: at(0), what: 'guest crashed' },
      { at: at(3), what: 'detected', detail: 'its host h1 reports it' },
      { at: at(4), what: 'stopped', detail: 'confirmed by its host host_h1' },
      { at: at(5), what: 'placed', detail: 'on its own host host_h1' },
      { at: at(6), what: 'started' },
      { at: at(38), what: 'ready', detail: 'seen running' },
    ],
  };
  expect(textOf(reportOf(incident, [incident.guest as IncidentVm]))).toMatchInlineSnapshot(`
    "guest of VM web crashed: restarted in 38 s.
    Incident inc_1 (closed) in cluster cl_a-c1, site site_a, 2026-11-23 03:00:00.0 UTC.

    What happened
      03:00:00.0  fault      its guest crashed; its host is well
      03:00:03.0  detection  its host h1 reports it
      03:00:04.0  fence      its process was stopped, confirmed by its host host_h1 -> it may start again
      03:00:05.0  plan       placed on its own host host_h1 -> what remains of the old process cannot write
      03:00:06.0  start      the start order was taken
      03:00:38.0  ready      VM web serves again, 38 s after its fault

    How long it took, in seconds from the fault to ready
      of                    VMs  fastest   median  slowest
      - detect                1        3        3        3
      - decide                1        0        0        0
      - fence                 1        1        1        1
      - place                 1        1        1        1
      - start                 1        1        1        1
      - boot                  1       32       32       32
      all                     1       38       38       38

    VM by VM
      web  host_h1  38 = detect 3 + decide 0 + fence 1 + place 1 + start 1 + boot 32
    "
  `);
});

describe('an incident in one line', () => {
  it.each<[string, Incident]>([
    ['2 hosts of rack r1: 3 VMs recovered in 40 to 90 s, 1 waits, 2 given up', rack(ENTRIES)],
    ['2 hosts of rack r1: 1 VM recovered in 41 s', rack([vm(1, 41)], { state: 'closed' })],
    [
      'host h1 of rack r1: 1 VM given up, 1 not to be restarted',
      rack([ENTRIES[4] as IncidentVm, vm(8, 0, { outcome: 'stopped' })], { hosts: [host('h1')] }),
    ],
    [
      '2 hosts of racks r1, r2: no VM was concerned',
      rack([], { state: 'closed', hosts: [host('h1'), host('h2', { rack: 'r2' })] }),
    ],
    ['host h1: nothing is restarted', rack([], { hosts: [{ id: 'h', name: 'h1', lastSignAt: 0 }] })],
    ['host h1: being judged and fenced', rack([], { claim: 'op', hosts: [{ id: 'h', name: 'h1', lastSignAt: 0 }] })],
    ['2 hosts of rack r1: VMs are being recovered', rack([], { claim: 'op' })],
    ['2 hosts of rack r1: false alarm, nothing was done', rack([], { state: 'falseAlarm' })],
  ])('%s', (words, incident) => {
    expect(summaryOf(incident)).toBe(words);
  });
});

it('the median of an even number lies in the middle of the two', () => {
  expect(spreadOf([4, 1, 2, 3])).toEqual({ vms: 4, fastestSeconds: 1, medianSeconds: 2.5, slowestSeconds: 4 });
  expect(spreadOf([])).toBeUndefined();
});
