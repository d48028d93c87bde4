import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ContentRun,
  type ContentSource,
  contentOf,
  PAGE_BYTES,
  PAGES_PER_MIB,
  pageContent,
  usualContent,
} from '../../../shared/hypervisor/overcommit/content.ts';
import { type SharingGuest, sharedSaving } from '../../../shared/hypervisor/overcommit/runs.ts';
import { SharedMemory, type SharingScope } from '../../../shared/hypervisor/overcommit/sharing.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const page = (n: number) => pageContent('image:x', n);

describe('page sharing (OVC-4)', () => {
  it('uses one frame for n identical pages of several VMs, and gives it back with the last of them', () => {
    const memory = new SharedMemory();
    for (const vm of ['a', 'b', 'c']) {
      memory.add(vm, 't');
      for (const at of [0, 1]) memory.write(vm, at, page(7));
    }
    expect(memory.frames).toBe(6);
    expect(memory.share()).toBe(5);
    expect(memory.frames).toBe(1);
    expect(memory.references).toBe(6);
    memory.remove('a');
    memory.remove('b');
    expect(memory.read('c', 1)).toEqual(Uint8Array.from(page(7)));
    memory.remove('c');
    expect(memory.frames).toBe(0);
  });

  it('breaks sharing by copy: the writer alone sees the new content', () => {
    const memory = new SharedMemory();
    for (const vm of ['a', 'b', 'c']) {
      memory.add(vm, 't');
      memory.write(vm, 0, page(1));
    }
    memory.share();
    memory.write('b', 0, page(2));
    expect(memory.frames).toBe(2);
    expect([...'abc'].map((vm) => memory.read(vm, 0))).toEqual([1, 2, 1].map((n) => Uint8Array.from(page(n))));
  });

  it('never merges different pages of one hash', () => {
    const memory = new SharedMemory('host', () => 'the same for all');
    memory.add('a', 't');
    for (const at of [0, 1, 2]) memory.write('a', at, page(at % 2));
    expect(memory.share()).toBe(1);
    expect([0, 1, 2].map((at) => memory.read('a', at))).toEqual([0, 1, 0].map((n) => Uint8Array.from(page(n))));
  });

  it.each([
    ['tenant', 2],
    ['host', 1],
  ] as const)('in scope %s equal pages of two tenants use %d frames', (scope, frames) => {
    const memory = new SharedMemory(scope);
    for (const [vm, tenant] of ['at', 'bt', 'cu', 'du'] as const) {
      memory.add(vm as string, tenant as string);
      memory.write(vm as string, 0, page(1));
    }
    memory.share();
    expect(memory.frames).toBe(frames);
  });

  it('leaves pinned VMs alone (MEM-12)', () => {
    const memory = new SharedMemory();
    memory.add('a', 't', true);
    memory.add('b', 't');
    memory.write('a', 0, page(1));
    memory.write('b', 0, page(1));
    expect(memory.share()).toBe(0);
  });

  it('refuses what is not a page and VMs that it does not know', () => {
    const memory = new SharedMemory();
    memory.add('a', 't');
    expect(() => memory.add('a', 't')).toThrow(Refused);
    expect(() => memory.write('a', 0, new Uint8Array(PAGE_BYTES - 1))).toThrow('MEM-9');
    expect(() => memory.read('b', 0)).toThrow('OVC-4');
  });

  const command = fc.oneof(
    fc.record({ do: fc.constant('write' as const), vm: fc.nat(3), page: fc.nat(4), content: fc.nat(3) }),
    fc.record({ do: fc.constant('share' as const) }),
    fc.record({ do: fc.constant('remove' as const), vm: fc.nat(3) }),
  );
  it('never changes a byte that a guest reads, and counts a reference for each mapped page', () => {
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 20, maxLength: 60, size: 'max' }),
        fc.constantFrom('tenant', 'host'),
        (commands, scope) => {
          const memory = new SharedMemory(scope);
          const add = (vm: number) => memory.add(`${vm}`, vm < 2 ? 't' : 'u');
          const expected = new Map<number, number>();
          for (const vm of [0, 1, 2, 3]) add(vm);
          for (const c of commands) {
            if (c.do === 'share') memory.share();
            else if (c.do === 'write') {
              memory.write(`${c.vm}`, c.page, page(c.content));
              expected.set(c.vm * 10 + c.page, c.content);
            } else {
              memory.remove(`${c.vm}`);
              add(c.vm);
              for (let p = 0; p < 5; p++) expected.delete(c.vm * 10 + p);
            }
            expect(memory.references).toBe(memory.mappedPages);
            expect(memory.mappedPages).toBe(expected.size);
            expect(memory.frames).toBeLessThanOrEqual(memory.mappedPages);
          }
          for (let vm = 0; vm < 4; vm++)
            for (let p = 0; p < 5; p++) {
              const content = expected.get(vm * 10 + p);
              const bytes = content === undefined ? new Uint8Array(PAGE_BYTES) : page(content);
              expect(Buffer.compare(memory.read(`${vm}`, p), bytes)).toBe(0);
            }
        },
      ),
      { numRuns },
    );
  });
});

describe('the arithmetic of runs', () => {
  const run: fc.Arbitrary<ContentRun> = fc.record({
    source: fc.constantFrom<ContentSource>('zero', 'image:x', 'image:y', 'own:a'),
    offset: fc.nat(6),
    pages: fc.nat(5),
  });
  const guest = fc.record({ tenantId: fc.constantFrom('t', 'u'), runs: fc.array(run, { maxLength: 4 }) });

  /** Shared and saved pages of each guest, by looking at every page. */
  function pageByPage(guests: readonly SharingGuest[], scope: SharingScope): number[][] {
    const pages = guests.map(({ tenantId, runs }) => {
      const scoped = scope === 'tenant' ? tenantId : '';
      return runs.flatMap(({ source, offset, pages: n }) =>
        Array.from({ length: n }, (_, i) => `${scoped} ${source} ${source === 'zero' ? 0 : offset + i}`),
      );
    });
    const users = new Map<string, number>();
    for (const name of pages.flat()) users.set(name, (users.get(name) ?? 0) + 1);
    return pages.map((of) => {
      const shared = of.map((name) => users.get(name) as number).filter((n) => n > 1);
      return [shared.length, shared.reduce((sum, n) => sum + 1 - 1 / n, 0)];
    });
  }

  it('counts the frames that sharing of the real bytes counts', () => {
    fc.assert(
      fc.property(
        fc.array(guest, { maxLength: 5 }),
        fc.constantFrom('tenant' as const, 'host' as const),
        (guests, scope) => {
          const memory = new SharedMemory(scope);
          const named = guests.map((g, i) => ({ id: `${i}`, ...g }));
          for (const { id, tenantId, runs } of named) {
            memory.add(id, tenantId);
            let at = 0;
            for (const bytes of contentOf(runs)) memory.write(id, at++, bytes);
          }
          const saving = sharedSaving(named, scope);
          expect(saving.pages).toBe(memory.frames);
          expect(memory.share()).toBe(saving.pages - saving.frames);
          const saved = saving.guests.reduce((sum, g) => sum + g.saved, 0);
          expect(saved).toBeCloseTo(saving.pages - saving.frames, 9);
          expect(saving.guests.map((g) => [g.shared, g.saved])).toEqual(
            pageByPage(named, scope).map(([shared, part]) => [shared, expect.closeTo(part as number, 9)]),
          );
        },
      ),
      { numRuns },
    );
  });

  it('gives each of n users of a frame 1/n of it', () => {
    const runs: ContentRun[] = [{ source: 'image:x', offset: 0, pages: 30 }];
    const own: ContentRun[] = [...runs, { source: 'own:c', offset: 0, pages: 5 }];
    const guests = ['a', 'b', 'c'].map((id) => ({ id, tenantId: 't', runs: id === 'c' ? own : runs }));
    expect(sharedSaving(guests, 'tenant')).toEqual({
      pages: 95,
      frames: 35,
      guests: [20, 20, 20].map((saved) => ({ shared: 30, saved: expect.closeTo(saved, 9) })),
    });
  });
});

describe('the content of a page', () => {
  it('is 4096 bytes, always the same, and unlike that of any other page', () => {
    const pages = (['image:x', 'image:y', 'own:x'] as const).flatMap((s) => [0, 1, 2].map((n) => pageContent(s, n)));
    expect(new Set(pages.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(9);
    expect(pages.every((bytes) => bytes.length === PAGE_BYTES)).toBe(true);
    expect(pageContent('image:x', 1)).toEqual(pageContent('image:x', 1));
    expect(pageContent('zero', 5)).toEqual(new Uint8Array(PAGE_BYTES));
  });

  it.each(['linux', 'windows', 'other'] as const)('of a usual %s guest fills what it has touched', (os) => {
    for (const touchedMiB of [0, 1, 300, 4096, 500_000]) {
      const runs = usualContent({ id: 'v', os, image: 'i', touchedMiB });
      expect(runs.reduce((sum, r) => sum + r.pages, 0)).toBe(touchedMiB * PAGES_PER_MIB);
    }
  });
});
