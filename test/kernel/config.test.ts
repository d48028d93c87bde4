import { expect, it } from 'vitest';
import * as z from 'zod';
import { readConfig } from '../../shared/kernel/config.ts';

const settings = z.object({ BUS: z.string().min(1), PERIOD: z.coerce.number().int(), TABLE: z.string().optional() });

it('settings that fit are read with their types, and others are left out', () => {
  expect(readConfig(settings, { BUS: 'main', PERIOD: '5', HOME: '/root' })).toEqual({ BUS: 'main', PERIOD: 5 });
});

it.each([
  ['one is missing', { PERIOD: '5' }, ['BUS']],
  ['one is empty', { BUS: '', PERIOD: '5' }, ['BUS']],
  ['all are wrong', { PERIOD: 'soon' }, ['BUS', 'PERIOD']],
])('when %s the error names each wrong setting and no other', (_what, env, wrong) => {
  let message = '';
  try {
    readConfig(settings, env);
  } catch (error) {
    message = (error as Error).message;
  }
  const named = message.split('\n').slice(1);
  expect(named.map((line) => line.trim().split(':')[0])).toEqual(wrong);
});
