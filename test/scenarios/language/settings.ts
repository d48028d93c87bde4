import { clusterHaChange, vmHaSpec } from '../../../shared/model/ha.ts';
import type { Cast } from './cast.ts';
import { type Place, StoryError } from './words.ts';

const admission = (words: string[]): unknown => {
  const [kind, ...rest] = words;
  if (kind === 'slots') return { kind, ...(rest[0] ? { toleratedFaults: Number(rest[0]) } : {}) };
  if (kind === 'percentage') return { kind, cpuPercent: Number(rest[0]), memoryPercent: Number(rest[1] ?? rest[0]) };
  return { kind };
};

/** A word as the value that it looks like. */
const plain = (words: string[]): unknown => {
  const text = words.join(' ');
  if (text === 'on' || text === 'off') return text === 'on';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
};

/** `ha`, `priority`: what people say, and what the contract calls it. */
const SPOKEN: Record<string, string> = { ha: 'enabled', priority: 'restartPriority' };

function read(
  text: string,
  known: readonly string[],
  special: Record<string, (words: string[]) => unknown>,
  place: Place,
) {
  const out: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [spoken = '', ...words] = part.trim().split(/\s+/);
    const name = SPOKEN[spoken] ?? spoken;
    if (!known.includes(name) || words.length === 0) {
      const names = known.map((k) => Object.entries(SPOKEN).find(([, v]) => v === k)?.[0] ?? k);
      throw new StoryError(place, `cannot understand the setting '${part.trim()}'. Settings are`, [
        `<name> <value>, with a name of: ${names.join(', ')}`,
      ]);
    }
    out[name] = (special[name] ?? plain)(words);
  }
  return out;
}

const flawsOf = (issues: readonly { path: PropertyKey[]; message: string }[]) =>
  issues.map((i) => `${i.path.join('.')}: ${i.message}`);

/** Settings of a cluster: any of `clusterHaChange`. Hosts are named as in the story. */
export function clusterSettings(text: string, cast: Cast, place: Place): Record<string, unknown> {
  const hosts = (words: string[]) => cast.many(words.join(', '), ['host'], place);
  const found = read(text, Object.keys(clusterHaChange.shape), { admission, failoverHosts: hosts }, place);
  const checked = clusterHaChange.safeParse(found);
  if (!checked.success)
    throw new StoryError(place, 'a cluster cannot be set like that:', flawsOf(checked.error.issues));
  return found;
}

/** Settings of a VM: any of `vmHaSpec`. VMs that it depends on are named as in the story. */
export function vmSettings(text: string, cast: Cast, place: Place): Record<string, unknown> {
  const vms = (words: string[]) => cast.many(words.join(', '), ['vm'], place);
  const found = read(text, Object.keys(vmHaSpec.shape), { dependsOn: vms }, place);
  const checked = vmHaSpec.partial().safeParse(found);
  if (!checked.success) throw new StoryError(place, 'a VM cannot be set like that:', flawsOf(checked.error.issues));
  return found;
}
