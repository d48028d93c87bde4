/** The workflow of an action, where it has another name. */
export const KIND: Record<string, string> = { failback: 'migrate', rollback: 'migrate' };
/** What the state of a plan allows. */
export const ONWARD: Record<string, readonly string[]> = {
  ready: ['migrate', 'test', 'failover', 'failback'],
  testComplete: ['cleanup', 'cleanup', 'failover'],
  testPartialFailure: ['cleanup', 'test', 'failover'],
  cleanupPartialFailure: ['cleanup'],
  migratePartialFailure: ['migrate', 'rollback', 'failover'],
  failoverPartialFailure: ['failover'],
  recovered: ['reprotect'],
  reprotectPartialFailure: ['reprotect'],
};
/** What an operator would do next. */
export const NEXT: Record<string, string> = {
  testComplete: 'cleanup',
  testPartialFailure: 'cleanup',
  cleanupPartialFailure: 'cleanup',
  migratePartialFailure: 'migrate',
  failoverPartialFailure: 'failover',
  recoveredPeerPending: 'reprotect',
  recovered: 'reprotect',
  reprotectPartialFailure: 'reprotect',
};
