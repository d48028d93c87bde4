import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHUNK_BYTES,
  COLLECTION_MARGIN_MS,
  chunkCount,
  chunkId,
  chunkIds,
  freedBy,
  mark,
  missingChunks,
  type RestorePoint,
  type StoredChunk,
  sweep,
} from '../../shared/backup/chunks.ts';
import { Refused } from '../../shared/hypervisor/refusal.ts';
import { DAY, HOUR } from '../../shared/kernel/clock.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const GIB = 1024 ** 3;

describe('J7 (Proxmox Backup Server, technical overview)', () => {
  it('1 PiB is 268 435 456 chunks of 4 MiB', () => {
    expect(CHUNK_BYTES).toBe(4_194_304);
    expect(chunkCount(1024 ** 5)).toBe(268_435_456);
  });
  it('the id of a chunk is the SHA-256 of its content', () => {
    // FIPS 180-4 test vector.
    expect(chunkId(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
  it('a disk is cut every 4 MiB: equal chunks have one id, and the last one may be shorter', () => {
    const disk = new Uint8Array(2 * CHUNK_BYTES + 3);
    disk[CHUNK_BYTES] = 1;
    const ids = chunkIds(disk);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(3);
    expect(ids[2]).toBe(chunkId(new Uint8Array(3)));
    disk[0] = 1;
    expect(chunkIds(disk)[0]).toBe(ids[1]);
  });
  it('a collection touches what is used, and sweeps what is older than its start minus 24 h 5 min', () => {
    const start = 100 * DAY;
    const old = start - COLLECTION_MARGIN_MS;
    const chunks: StoredChunk[] = [
      { id: 'used', touchedAt: 0 },
      { id: 'unused', touchedAt: old - 1 },
      { id: 'young', touchedAt: old },
    ];
    const { chunks: marked, broken } = mark(chunks, [{ id: 'p', chunks: ['used'] }], start);
    expect(marked[0]).toEqual({ id: 'used', touchedAt: start });
    expect(broken).toEqual([]);
    const { kept, removed } = sweep(marked, start);
    expect(removed.map((c) => c.id)).toEqual(['unused']);
    expect(kept.map((c) => c.id)).toEqual(['used', 'young']);
  });
  it('a backup that has run for longer than the margin keeps what it has sent', () => {
    const start = 100 * DAY;
    const sent = [{ id: 'sent', touchedAt: start - 30 * HOUR }];
    expect(sweep(sent, start).removed).toHaveLength(1);
    expect(sweep(sent, start, start - 31 * HOUR).removed).toEqual([]);
  });
  it('a point that lacks a chunk is named', () => {
    expect(mark([], [{ id: 'p', chunks: ['gone', 'gone'] }], 0).broken).toEqual([{ pointId: 'p', lacks: ['gone'] }]);
  });
});

describe('J8 (derived): a disk of 100 GiB, of which 256 chunks change on day 2', () => {
  const count = chunkCount(100 * GIB);
  const day1: RestorePoint = { id: 'day1', chunks: Array.from({ length: count }, (_, i) => `1-${i}`) };
  const day2: RestorePoint = { id: 'day2', chunks: day1.chunks.map((id, i) => (i % 100 === 7 ? `2-${i}` : id)) };

  it('it has 25 600 chunks, and the first backup transfers all of them', () => {
    expect(count).toBe(25_600);
    expect(missingChunks(day1, new Set())).toHaveLength(25_600);
  });
  it('day 2 transfers 256 chunks, 1 GiB', () => {
    const sent = missingChunks(day2, new Set(day1.chunks));
    expect(sent).toHaveLength(256);
    expect(sent.length * CHUNK_BYTES).toBe(GIB);
  });
  it('every restore point restores 100 GiB', () => {
    for (const p of [day1, day2]) expect(p.chunks.length * CHUNK_BYTES).toBe(100 * GIB);
  });
  it('deleting day 1 frees at most 256 chunks, and day 2 stays whole', () => {
    const freed = freedBy(day1, [day2]);
    expect(freed).toHaveLength(256);
    const left = new Set([...day1.chunks, ...day2.chunks]);
    for (const id of freed) left.delete(id);
    expect(missingChunks(day2, left)).toEqual([]);
    // A chunk that changed to something that is stored already frees less.
    const back: RestorePoint = { id: 'day3', chunks: [...day2.chunks.slice(1), '1-7'] };
    expect(freedBy(day1, [day2, back])).toHaveLength(255);
  });
});

type Deed =
  | { kind: 'backup'; content: number[]; hours: number }
  | { kind: 'prune'; which: number; hours: number }
  | { kind: 'collect'; hours: number };
const hours = fc.integer({ min: 0, max: 40 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    kind: fc.constant('backup' as const),
    content: fc.array(fc.nat(12), { minLength: 1, maxLength: 8 }),
    hours,
  }),
  fc.record({ kind: fc.constant('prune' as const), which: fc.nat(), hours }),
  fc.record({ kind: fc.constant('collect' as const), hours }),
);

it('however backups, prunes and collections follow each other, every point that is kept can be restored, and what none has is gone two days later', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
      let now = 0;
      let stored: StoredChunk[] = [];
      let points: RestorePoint[] = [];
      for (const [i, d] of deeds.entries()) {
        const begun = now;
        now += d.hours * HOUR;
        if (d.kind === 'backup') {
          // Sent from its begin on, indexed at its end; a collection runs in between.
          const point: RestorePoint = { id: `p${i}`, chunks: d.content.map(String) };
          const sent = missingChunks(point, new Set(stored.map((c) => c.id)));
          const used = new Set(point.chunks);
          stored = stored.map((c) => (used.has(c.id) ? { ...c, touchedAt: begun } : c));
          stored.push(...sent.map((id) => ({ id, touchedAt: begun })));
          stored = sweep(mark(stored, points, now).chunks, now, begun).kept;
          points.push(point);
        } else if (d.kind === 'prune') points = points.filter((_, n) => n !== d.which % points.length);
        else stored = sweep(mark(stored, points, now).chunks, now).kept;
        expect(mark(stored, points, now).broken).toEqual([]);
      }
      now += 2 * DAY;
      stored = sweep(mark(stored, points, now).chunks, now).kept;
      expect(stored.map((c) => c.id).sort()).toEqual([...new Set(points.flatMap((p) => p.chunks))].sort());
    }),
    { numRuns },
  );
});

it('a disk of half a byte, or of less than none, is refused', () => {
  expect(() => chunkCount(0.5)).toThrow(Refused);
  expect(() => chunkCount(-1)).toThrow(Refused);
});
