import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { type Facts, verdictOf } from '../../infra/local/demo/host/verdict.ts';
import { bearableSpeed, readDemoOptions } from '../../infra/local/demo/options.ts';
import { Teller } from '../../infra/local/demo/text.ts';

const MAIN = new URL('../../infra/local/demo/main.ts', import.meta.url).pathname;

function demo(...args: string[]): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => (out += d));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out }));
  });
}

it('ends with 0, a line for each of the 20 VMs and a verdict', async () => {
  const { code, out } = await demo('--speed', '30');
  const rows = out.split('\n').filter((line) => /^ {2}vm-\d+ .* \d+\.\d .*running$/.test(line));
  expect(out).toContain('Verdict: Everything held');
  expect(out).not.toContain('NO ');
  expect(rows).toHaveLength(20);
  const lost = rows.filter((row) => row.includes('1 -> 2'));
  expect(lost.length).toBeGreaterThan(1);
  for (const row of lost) expect(row).not.toContain('stays');
  expect(code).toBe(0);
});

it('of a site that burns ends with 0: what was lost is what was reported, and everything comes home', async () => {
  const { code, out } = await demo('dr', '--vms', '6', '--speed', '40');
  expect(out).toContain('Verdict: Everything held');
  expect(out).not.toContain('NO ');
  const [inStep, late] = out.split('\n').filter((line) => /^ {2}(ledger|shop) \(/.test(line));
  expect(inStep).toMatch(/ledger \(synchronous\) +0 +0\.0 +0 +0 +exact/);
  expect(late).toMatch(/shop \(asynchronous\) +600 +\d+\.\d +12 +49152 +atLeast/);
  expect(code).toBe(0);
}, 240_000);

it('refuses options that it cannot follow, and names them', async () => {
  expect(() => readDemoOptions(['--vms', '1000'])).toThrow('--vms must be a number from 2 to 30');
  expect(() => readDemoOptions(['--vms', '2.5'])).toThrow('--vms must be a whole number');
  expect(() => readDemoOptions(['--speed', 'fast'])).toThrow("--speed must be a number from 5 to 60, not 'fast'");
  expect(() => readDemoOptions(['fire'])).toThrow("there is no story 'fire'; there are host and dr");
  const { code, out } = await demo('--colour');
  expect(code).toBe(2);
  expect(out).toContain('npm run demo -- ');
});

it('slows cloud time down on a busy machine, but not to a crawl', () => {
  expect([2, 10, 20, 1000].map((msPerWrite) => bearableSpeed(30, msPerWrite))).toEqual([30, 30, 20, 5]);
});

it('stops when it is interrupted', async () => {
  const child = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
});

const vm = (id: string, hostId: string, epoch: number) => ({
  id,
  name: id,
  state: 'running',
  siteId: 's1',
  hostId,
  epoch,
});
const facts = (): Facts => ({
  cutAt: 0,
  hostId: 'h1',
  before: [vm('a', 'h1', 1), vm('b', 'h2', 1)],
  after: [vm('a', 'h2', 2), vm('b', 'h2', 1)],
  incident: {
    id: 'i',
    state: 'closed',
    openedAt: '1970-01-01T00:00:09.000Z',
    timeline: [],
    vms: [{ id: 'a', outcome: 'recovered', fromHost: 'h1', readyAt: '1970-01-01T00:00:45.000Z' }],
  },
  blocks: 6,
  different: [],
  processes: [
    { vmId: 'a', hostId: 'h2', epoch: 2 },
    { vmId: 'b', hostId: 'h2', epoch: 1 },
  ],
  audit: { ok: true, invariants: [] },
});

it.each<[string, Partial<Facts>]>([
  ['no incident was opened', { incident: undefined }],
  ['it was found late', { cutAt: -7_000 }],
  ['a lost VM kept its epoch', { after: [vm('a', 'h2', 1), vm('b', 'h2', 1)] }],
  ['a lost VM is missing', { after: [vm('b', 'h2', 1)] }],
  ['another VM was moved', { after: [vm('a', 'h2', 2), vm('b', 'h3', 2)] }],
  ['a block differs', { different: ['a, block 7: other bytes'] }],
  ['a VM runs twice', { processes: [...facts().processes, { vmId: 'a', hostId: 'h1', epoch: 1 }] }],
  ['the audit found something', { audit: { ok: false, invariants: [{ id: 'INV-3', ok: false, violations: ['x'] }] } }],
])('the verdict says no when %s', (_, change) => {
  expect(verdictOf(facts()).filter((c) => !c.holds)).toEqual([]);
  expect(verdictOf({ ...facts(), ...change }).some((c) => !c.holds)).toBe(true);
});

it('rewrites its line of progress on a terminal, and only there', () => {
  const told = (isTTY: boolean) => {
    let out = '';
    const teller = new Teller({ isTTY, write: (text) => (out += text) });
    teller.progress('+1.0 s', 'waiting');
    teller.progress('+2.0 s', 'waiting');
    teller.say('done');
    return out;
  };
  expect(told(false)).toBe('  +1.0 s  waiting\ndone\n');
  expect(told(true)).toMatch(/^\r {2}\+1\.0 s {2}waiting +\r {2}\+2\.0 s {2}waiting +\ndone\n$/);
});
