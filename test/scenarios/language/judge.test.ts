import { describe, expect, it } from 'vitest';
import { notKept } from './judge.ts';
import { parseStory } from './parse.ts';
import type { Seen } from './play.ts';
import { type Life, Lives } from './truth.ts';

const promises = (text: string) =>
  parseStory(
    `A title.\n\ncluster c1: 2 hosts of 16 cores and 64 GiB\nvm web on h1\nvm db on h1\nrun until 1s\nexpect ${text}`,
    'x.story',
  ).promises;

/** Everybody is called by their id. */
const names = { of: (id: string) => id, id: (name: string) => name };
const seen = (more: {
  alarms?: string[];
  vms?: object[];
  incidents?: object[];
  refused?: [string, string[]][];
  lives?: Partial<Life>[];
}): Seen => {
  const lives = new Lives();
  for (const [i, life] of (more.lives ?? []).entries()) lives.all.set(String(i), life as Life);
  const alarms = (more.alarms ?? []).map((a) => ({ code: a.split(' ')[0], object: a.split(' ')[1], state: 'active' }));
  const belief = { alarms, vms: more.vms ?? [], incidents: more.incidents ?? [] };
  return {
    stage: { names, begin: 0 },
    belief,
    first: belief,
    truth: { volumes: [] },
    lives,
    alarms: new Set(more.alarms),
    refused: new Map(more.refused),
  } as unknown as Seen;
};
const found = (text: string, more: Parameters<typeof seen>[0]) => notKept(promises(text), seen(more));

describe('a promise that is not kept is told with what was found instead', () => {
  it('no other alarm: those that the story promises may stand, and no others', async () => {
    const text = 'alarm host-dead on h1; no other alarm';
    expect(await found(text, { alarms: ['host-dead h1'] })).toEqual([]);
    expect(await found(text, { alarms: ['host-dead h1', 'host-dead h2'] })).toEqual([
      'x.story:7: expected no other alarm; host-dead h2',
    ]);
    expect(await found('once alarm host-dead on h1; no other alarm', { alarms: ['host-dead h1'] })).toHaveLength(1);
  });

  it('a refusal: with its code, of the command as it is written', async () => {
    const text = 'refused "stop web" with busy';
    expect(await found(text, { refused: [['stop web', ['busy']]] })).toEqual([]);
    expect(await found(text, { refused: [['stop web', ['not-found']]] })).toEqual([
      `x.story:7: expected ${text}; refused with: not-found`,
    ]);
    expect(await found(text, { refused: [['stop db', ['busy']]] })).toHaveLength(1);
  });

  it('in error: believed to be so, without a host, and with no process left', async () => {
    const web = { id: 'web', state: 'unknown', hostId: null, epoch: 3, reason: 'its start failed on 2 hosts' };
    const text = 'web in error because "2 hosts"';
    expect(await found(text, { vms: [web] })).toEqual([]);
    expect(await found(text, { vms: [{ ...web, reason: 'no idea' }] })).toHaveLength(1);
    expect(await found(text, { vms: [{ ...web, state: 'faultResuming' }] })).toHaveLength(1);
    expect(await found(text, { vms: [web], lives: [{ vmId: 'web', from: 5, ready: 9 }] })).toHaveLength(1);
  });

  it('the incident of a VM is that of its guest, not that of its host', async () => {
    const ofGuest = { guest: { id: 'web' }, hostIds: ['h1'], state: 'closed' };
    const ofHost = { hostIds: ['h1'], state: 'open' };
    expect(await found('incident of web closed; incident of h1 none', { incidents: [ofGuest] })).toEqual([]);
    expect(await found('incident of web none; incident of h1 open', { incidents: [ofHost] })).toEqual([]);
    expect(await found('incident of web none', { incidents: [ofGuest] })).toHaveLength(1);
  });

  it('a guest boots after another one serves: by when it could be ready at the earliest', async () => {
    const db = { vmId: 'db', from: 10_000, ready: 45_000 };
    const text = 'web boots after db serves';
    expect(await found(text, { lives: [db, { vmId: 'web', from: 10_000, ready: 75_000 }] })).toEqual([]);
    expect(await found(text, { lives: [db, { vmId: 'web', from: 10_000, ready: 74_999 }] })).toHaveLength(1);
  });
});
