import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ask, askOrRefuse, named, RUNS } from './ask.ts';

describe('sharing', () => {
  const vms = ['a', 'b', 'c'].map((id) => ({
    id,
    tenantId: id === 'c' ? 'blue' : 'red',
    pages: ['kernel', `of ${id}`],
  }));
  const patch = { do: 'write' as const, vm: 'b', page: 0, text: 'patched' };

  it('OVC-4 (source document): n identical pages use one frame, and a write breaks the sharing by copy for the writer alone', () => {
    const answer = ask({ experiment: 'sharing', scope: 'host', vms, steps: [{ do: 'scan' }, patch, patch] });
    expect(answer.before).toEqual({ frames: 6, references: 6, savedPages: 0 });
    expect(answer.steps.map((s) => [s.frames, s.references, s.copied, s.changedFor])).toEqual([
      [4, 6, false, []],
      [5, 6, true, ['b']],
      [5, 6, false, []],
    ]);
    expect(answer).toMatchObject({ savedPages: 1, savedBytes: 4096, copiesOnWrite: 1 });
    expect(answer.vms.map((v) => v.pages[0])).toEqual([
      { page: 0, before: 'kernel', after: 'kernel' },
      { page: 0, before: 'kernel', after: 'patched' },
      { page: 0, before: 'kernel', after: 'kernel' },
    ]);
  });

  it('OVC-4: a page that a guest uses for the first time is not a copy, whatever stands in it', () => {
    const write = (page: number, text: string) => ({ do: 'write' as const, vm: 'a', page, text });
    const steps = [write(2, 'kernel'), write(2, 'again'), { do: 'scan' as const }, write(3, '')];
    const answer = ask({ experiment: 'sharing', vms, steps });
    expect(answer.copiesOnWrite).toBe(0);
    expect(answer.steps.map((s) => s.references)).toEqual([7, 7, 7, 8]);
  });

  it('OVC-4 (security note): in scope tenant a page of another tenant is never shared', () => {
    const saved = (scope: 'tenant' | 'host') => ask({ experiment: 'sharing', scope, vms }).savedPages;
    expect([saved('tenant'), saved('host')]).toEqual([1, 2]);
  });

  it('sharing: what guests read depends on their writes alone, never on scans or on who may share', () => {
    const content = fc.constantFrom('', 'kernel', 'libc', 'ünïcode');
    const id = fc.constantFrom('vm-0', 'vm-1', 'vm-2');
    const write = fc.record({ do: fc.constant('write' as const), vm: id, page: fc.nat(3), text: content });
    const vms = fc.array(
      fc.record({ tenantId: fc.constantFrom('t', 'u'), pages: fc.array(content, { minLength: 1, maxLength: 3 }) }),
      {
        minLength: 3,
        maxLength: 3,
      },
    );
    const step = fc.oneof(write, fc.record({ do: fc.constant('scan' as const) }));
    fc.assert(
      fc.property(
        vms,
        fc.array(step, { maxLength: 16 }),
        fc.constantFrom('tenant' as const, 'host' as const),
        (of, steps, scope) => {
          const answer = askOrRefuse({ experiment: 'sharing', scope, vms: named(of), steps });
          const texts = new Map(named(of).map((v) => [v.id, [...v.pages]]));
          for (const s of steps) if (s.do === 'write') (texts.get(s.vm) as string[])[s.page] = s.text;
          for (const v of answer?.vms ?? [])
            expect(v.pages.map((p) => p.after)).toEqual(Array.from(texts.get(v.id) ?? [], (text) => text ?? ''));
          for (const s of answer?.steps ?? []) {
            expect(s.savedPages).toBe(s.references - s.frames);
            expect(s.changedFor).toEqual(s.changedFor.length > 0 && s.do === 'write' ? [s.vm] : []);
          }
        },
      ),
      RUNS,
    );
  });
});
