import { describe, expect, it } from 'vitest';
import type { Incident } from '../../shared/model/incident.ts';
import type { Host } from '../../shared/model/inventory.ts';
import { ending } from '../../workflows/ha-recovery/report.ts';
import { host } from '../placement/hosts.ts';

const incident: Incident = {
  id: 'inc_1',
  hostId: 'h',
  siteId: 's',
  state: 'open',
  openedAt: 0,
  vms: [],
  version: 1,
  timeline: [],
};
const end = (verdict: string, fields: Partial<Host> = {}) =>
  ending(host('h', { state: 'suspect', ...fields }), incident, verdict);

describe('a recovery whose host is heard again', () => {
  it('lets it serve, and says that it was a false alarm', () => {
    expect(end('alive')).toMatchObject({ incident: 'falseAlarm', host: { set: { state: 'online' } } });
  });

  it('leaves one suspect that flaps: it serves when it was steady', () => {
    expect(end('alive', { flaps: [1, 2, 3] })).toMatchObject({ incident: 'falseAlarm', host: {} });
    expect(end('alive', { flaps: [1, 2, 3] }).host.set).toBeUndefined();
  });
});

it.each(['partitioned', 'unreachable', 'disarmed'])(
  'a recovery of a host that is %s restarts nothing and stays open',
  (verdict) => {
    expect(end(verdict)).toMatchObject({ incident: 'open', host: {}, alarms: [], waiting: 0 });
  },
);
