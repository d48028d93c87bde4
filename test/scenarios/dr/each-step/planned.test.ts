import { tryEachStep } from './compose.ts';

const REPROTECTION = ['inspectOld', 'reverse', 'awaitCopy', 'endReprotection'];

tryEachStep('a planned migration', {
  workflow: 'plan-migrate',
  steps: (step) => !REPROTECTION.includes(step),
  before: [],
  begin: 'migrate plan p1',
  sites: ['a', 'b'],
  after: ['migrate plan p1', 'reprotect plan p1'],
  promises: 'web run at b; nothing was lost; plan p1 is ready; group shop is protected',
});

tryEachStep('a failback', {
  workflow: 'plan-migrate',
  steps: (step) => step !== 'check',
  before: ['migrate plan p1', 'reprotect plan p1', 'test plan p1', 'cleanup plan p1'],
  begin: 'failback plan p1',
  sites: ['a', 'b'],
  after: ['failback plan p1', 'reprotect plan p1'],
  promises: 'web run at a; nothing was lost; plan p1 is ready; group shop is protected',
});
