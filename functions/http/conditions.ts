import { DomainError } from '../../shared/kernel/errors.ts';
import type { UpdateSpec } from '../../shared/store/transaction.ts';

export const nameTaken = (word: string, name: string) => () =>
  new DomainError('name-taken', `A ${word} named '${name}' exists already.`, {
    flaws: [{ location: 'body.name', message: 'is taken', fix: 'choose another name' }],
  });

/** The thing must still be as it was read. */
export const versioned = (thing: {
  id: string;
  version: number;
}): Pick<UpdateSpec, 'condition' | 'names' | 'values' | 'onFail'> => ({
  condition: '#version = :version',
  names: { '#version': 'version' },
  values: { ':version': thing.version },
  onFail: () =>
    new DomainError('precondition-failed', `${thing.id} was changed by somebody else meanwhile; read it again.`),
});
