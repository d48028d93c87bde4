import type { MemoryTable } from './table.ts';
import type { Row } from './values.ts';

export type WriteKind = 'put' | 'update' | 'delete' | 'check';

/** What is known here of a write, alone or in a transaction. */
export interface Write {
  TableName?: string | undefined;
  Item?: Row | undefined;
  Key?: Row | undefined;
  UpdateExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Row | undefined;
  ReturnValuesOnConditionCheckFailure?: string | undefined;
}
export const WRITE_FIELDS = [
  'TableName',
  'Item',
  'Key',
  'UpdateExpression',
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ReturnValuesOnConditionCheckFailure',
];

/** A write, thought out and not yet done. */
export interface Change {
  table: MemoryTable;
  tableName: string;
  key: { pk: string; sk: string };
  before: Row | undefined;
  /** What stands there afterwards: null when nothing does, undefined when all stays as it is. */
  row: Row | null | undefined;
  /** The condition holds. */
  ok: boolean;
}

/** A question of which only a part would be understood is not answered. @throws a plain error. */
export function mustBeKnown(input: object, fields: readonly string[]): void {
  for (const [field, value] of Object.entries(input))
    if (value !== undefined && !fields.includes(field)) throw new Error(`the field ${field} is not known here`);
}
