import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = `${root}node_modules/.bin`;

/** Runs a tool of the project from its root, its output shown as it comes. Answers the exit code. */
export function tool(name: string, args: readonly string[]): Promise<number> {
  // This very Node comes first, for the tools that look one up; then the project's own tools.
  const path = [dirname(process.execPath), bin, process.env.PATH].join(delimiter);
  return new Promise((resolve, reject) => {
    const child = spawn(`${bin}/${name}`, args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: path },
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
