import { tryEachStep } from './compose.ts';

tryEachStep('a test', {
  workflow: 'plan-test',
  before: [],
  begin: 'test plan p1',
  sites: ['a', 'b'],
  after: ['test plan p1', 'cleanup plan p1'],
  promises: 'web run at a; nothing was lost; plan p1 is ready; group shop is protected',
});

tryEachStep('a clean-up', {
  workflow: 'plan-cleanup',
  before: ['test plan p1'],
  begin: 'cleanup plan p1',
  sites: ['a', 'b'],
  after: ['cleanup plan p1'],
  promises: 'web run at a; nothing was lost; plan p1 is ready; group shop is protected',
});

tryEachStep('a failover', {
  workflow: 'plan-failover',
  before: ['fault site-loss site-a for 25m'],
  begin: 'failover plan p1',
  sites: ['b'],
  after: ['failover plan p1', 'reprotect plan p1'],
  promises: 'web run at b; nothing was lost; plan p1 is ready; group shop is protected',
});

tryEachStep('a reprotection', {
  workflow: 'plan-reprotect',
  before: ['migrate plan p1'],
  begin: 'reprotect plan p1',
  sites: ['a', 'b'],
  after: ['reprotect plan p1'],
  promises: 'web run at b; nothing was lost; plan p1 is ready; group shop is protected',
});
