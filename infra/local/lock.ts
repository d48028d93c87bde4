import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Two processes on one folder would each run every workflow. @throws when another one lives. */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'strata.pid');
  if (existsSync(file)) {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid !== process.pid && lives(pid))
      throw new Error(`Another Strata (process ${pid}) uses ${folder}. Stop it, or set STRATA_DATA to another folder.`);
  }
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

/** A number that was given to another program since is not ours. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return /main\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}
