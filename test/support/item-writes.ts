import type { MemoryEngine } from './dynamo/client.ts';

interface Written {
  /** Items written to the tables of the control plane, Control and Events. */
  items: number;
  /** Of these, by what stands in them. */
  kinds: Map<string, number>;
}
type Write = { TableName?: string; Key?: Keys; Item?: Keys; UpdateExpression?: string };
type Keys = Record<string, { S?: string }>;

const KINDS: readonly [RegExp, string][] = [
  [/^T#\w+#VM$/, 'VMs'],
  [/^SYS#HOST#/, 'hosts'],
  [/#RECOVERY$/, 'parts'],
  [/^SYS#(INCIDENT|OPEN)$/, 'incidents'],
  [/#OP$/, 'operations'],
  [/#EV$/, 'events'],
  [/^SYS#ALARM$/, 'alarms'],
];

/**
 * Counts what is written, item by item: a transaction of a hundred actions is a hundred items. The world's own table is
 * left out, and so is the mark by which the embedded feed knows what it has passed on: a stream needs none.
 */
export function countItemWrites({ db }: MemoryEngine): { begin(): void; written(): Written } {
  let kinds = new Map<string, number>();
  const count = (write: Write) => {
    if (write.TableName?.endsWith('world') || write.UpdateExpression?.startsWith('REMOVE #pending')) return;
    const pk = (write.Key ?? write.Item)?.pk?.S ?? '';
    const kind = KINDS.find(([pattern]) => pattern.test(pk))?.[1] ?? pk;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  };
  const carryOut = db.carryOut.bind(db);
  db.carryOut = (command, input) => {
    const output = carryOut(command, input);
    if (command === 'TransactWriteItemsCommand')
      for (const item of (input as { TransactItems: Record<string, Write>[] }).TransactItems)
        for (const [name, write] of Object.entries(item)) if (name !== 'ConditionCheck') count(write);
    if (['PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand'].includes(command)) count(input as Write);
    return output;
  };
  return {
    begin: () => {
      kinds = new Map();
    },
    written: () => ({ items: [...kinds.values()].reduce((n, k) => n + k, 0), kinds }),
  };
}
