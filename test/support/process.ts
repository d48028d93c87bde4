import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { pause } from '../../shared/kernel/clock.ts';

const PATIENCE_MS = 30_000;

/** The real thing: `npm start` as a process of its own, spoken to over HTTP, killed without warning. */
export class RealCloud {
  readonly port: number;
  private readonly folder: string;
  private readonly args: string[];
  private child: ChildProcess | undefined;
  private tokens = new Map<string, string>();
  log = '';

  constructor(folder: string, port: number, args: string[] = []) {
    this.folder = folder;
    this.port = port;
    this.args = args;
  }

  async start(): Promise<number> {
    const began = performance.now();
    const child = spawn(process.execPath, ['infra/local/main.ts', ...this.args], {
      env: {
        ...process.env,
        PORT: String(this.port),
        STRATA_DATA: this.folder,
        POWERTOOLS_LOG_LEVEL: 'ERROR',
        POWERTOOLS_DEV: 'false',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', (d) => (this.log += d));
    child.stderr?.on('data', (d) => (this.log += d));
    this.child = child;
    await this.until(async () => {
      if (child.exitCode !== null) throw new Error(`it ended by itself: ${this.log.slice(-2000)}`);
      return (await fetch(`${this.base}/healthz`).catch(() => undefined))?.ok;
    }, 'an answer from /healthz');
    return performance.now() - began;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** kill -9, and nothing else. */
  async kill(): Promise<void> {
    const child = this.child as ChildProcess;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  /** Programs that still use the folder; none may be left after a kill. */
  async leftovers(): Promise<string[]> {
    const find = () =>
      readdirSync('/proc')
        .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
        .flatMap((pid) => {
          try {
            const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
            return words.includes(this.folder) ? [`${pid} ${words}`] : [];
          } catch {
            // It ended while we looked.
            return [];
          }
        });
    for (let i = 0; i < 40 && find().length > 0; i++) await pause(25);
    return find();
  }

  async token(roles: string[], tenant?: string): Promise<string> {
    const key = JSON.stringify([roles, tenant]);
    const known = this.tokens.get(key);
    if (known) return known;
    const reply = await fetch(`${this.base}/local/token`, {
      method: 'POST',
      body: JSON.stringify({ roles, ...(tenant ? { tenant } : {}) }),
    });
    const { token } = (await reply.json()) as { token: string };
    this.tokens.set(key, token);
    return token;
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    token: string,
    body?: unknown,
  ): Promise<{ status: number; body: T }> {
    const reply = await fetch(this.base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    return { status: reply.status, body: (text ? JSON.parse(text) : undefined) as T };
  }

  async until<T>(condition: () => Promise<T | undefined | false>, what: string, ms = PATIENCE_MS): Promise<T> {
    const end = performance.now() + ms;
    for (;;) {
      const value = await condition();
      if (value) return value;
      if (performance.now() > end) throw new Error(`waited in vain for ${what}. ${this.log.slice(-1500)}`);
      await pause(50);
    }
  }
}
