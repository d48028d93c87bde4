import { expect, it } from 'vitest';
import { onePrimaryPerGroup } from '../../shared/invariants/primaries.ts';

const check = (...copies: { siteId: string; writes: boolean }[]) =>
  onePrimaryPerGroup.check({
    seen: { processes: [], answered: [], copies: copies.map((c) => ({ groupId: 'pg_1', epoch: 1, ...c })) },
  } as never);

it('INV-7 holds while one copy of a group can be written, or none', () => {
  expect(check({ siteId: 'a', writes: true }, { siteId: 'b', writes: false }).violations).toEqual([]);
  expect(check({ siteId: 'a', writes: false }, { siteId: 'b', writes: false })).toEqual({ checked: 1, violations: [] });
});

it('INV-7 names both sites where two copies of one group can be written', () => {
  const { violations } = check({ siteId: 'a', writes: true }, { siteId: 'b', writes: true });
  expect(violations).toHaveLength(1);
  expect(violations[0]).toMatch(/pg_1 .*a \(epoch 1\) and b \(epoch 1\)/);
});
