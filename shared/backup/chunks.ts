import { createHash } from 'node:crypto';
import { Refused } from '../hypervisor/refusal.ts';
import { HOUR, MINUTE } from '../kernel/clock.ts';

/** BKP-10, J7, J8: a repository of fixed chunks that are told by their content. A restore point is a list of chunk ids. */

/** Bytes of a chunk; the last one of a disk may be shorter. J7: Proxmox Backup Server, technical overview. */
export const CHUNK_BYTES = 4 * 1024 * 1024;
/** Younger than this at the start of a collection, ms, a chunk may belong to a backup that is not indexed yet. Proxmox Backup Server, garbage collection: 24 h 5 min. */
export const COLLECTION_MARGIN_MS = 24 * HOUR + 5 * MINUTE;

export interface StoredChunk {
  id: string;
  /** When it was written or last found in use, ms. */
  touchedAt: number;
}
export interface RestorePoint {
  id: string;
  /** The chunks of the disk in order: with them alone the whole disk is restored. */
  chunks: readonly string[];
}

/** Chunks of so many bytes. @throws `Refused` BKP-10 when they are below zero or not whole */
export function chunkCount(bytes: number): number {
  if (!(Number.isSafeInteger(bytes) && bytes >= 0))
    throw new Refused({
      rule: 'BKP-10',
      reason: `a disk cannot have ${bytes} bytes`,
      fix: 'give a whole number of bytes',
      figures: { bytes },
    });
  return Math.ceil(bytes / CHUNK_BYTES);
}

/** The id of a chunk: SHA-256 of its content, hexadecimal. */
export const chunkId = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** The chunk ids of a disk, in order. */
export const chunkIds = (disk: Uint8Array): string[] =>
  Array.from({ length: chunkCount(disk.length) }, (_, i) =>
    chunkId(disk.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
  );

/** What a backup sends: each chunk that the repository does not have, once. */
export function missingChunks(point: RestorePoint, stored: ReadonlySet<string>): string[] {
  return [...new Set(point.chunks)].filter((id) => !stored.has(id));
}

/** What deleting a point would free: the chunks that no other point has. */
export function freedBy(point: RestorePoint, others: readonly RestorePoint[]): string[] {
  const used = new Set(others.flatMap((p) => p.chunks));
  return [...new Set(point.chunks)].filter((id) => !used.has(id));
}

/**
 * First half of a garbage collection: every chunk that a point has is touched at `now`. `broken` are the points that lack
 * chunks.
 */
export function mark(
  chunks: readonly StoredChunk[],
  points: readonly RestorePoint[],
  now: number,
): { chunks: StoredChunk[]; broken: { pointId: string; lacks: string[] }[] } {
  const used = new Set(points.flatMap((p) => p.chunks));
  const stored = new Set(chunks.map((c) => c.id));
  return {
    chunks: chunks.map((c) => (used.has(c.id) ? { ...c, touchedAt: Math.max(c.touchedAt, now) } : c)),
    broken: points.map((p) => ({ pointId: p.id, lacks: missingChunks(p, stored) })).filter((p) => p.lacks.length > 0),
  };
}

/**
 * Second half: chunks that were last touched before the start minus the margin, and before the start of the oldest backup
 * that still runs, are removed. A backup touches the chunks that it sends or finds there, so what it counts on stays.
 */
export function sweep(
  marked: readonly StoredChunk[],
  startedAt: number,
  oldestRunningBackup = Number.POSITIVE_INFINITY,
): { kept: StoredChunk[]; removed: StoredChunk[] } {
  const before = Math.min(startedAt - COLLECTION_MARGIN_MS, oldestRunningBackup);
  return { kept: marked.filter((c) => c.touchedAt >= before), removed: marked.filter((c) => c.touchedAt < before) };
}
