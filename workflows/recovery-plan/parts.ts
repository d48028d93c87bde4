import { type Execution, type ExecutionPart, type ExecutionVm, VMS_PER_PART } from '../../shared/model/execution.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { changed } from './case.ts';

/** What became of the VMs of an execution: hundreds of them in one item, as writing each would cost as many writes. */
export async function readParts(
  execution: Pick<Execution, 'id' | 'tenantId' | 'vms'>,
  store: Store,
): Promise<ExecutionPart[]> {
  const n = Math.ceil(execution.vms / VMS_PER_PART);
  const parts = await store.getMany<ExecutionPart>(
    Array.from({ length: n }, (_, i) => keys.executionPart(execution.tenantId, execution.id, i)),
  );
  return parts.sort((a, b) => a.n - b.n);
}

export const entriesOf = (parts: readonly ExecutionPart[]): ExecutionVm[] =>
  parts.flatMap((part) => Object.values(part.vms));

/** The VM that an entry is started as: the copy that a test has made, or itself. */
export const subjectOf = ({ id, testVmId }: ExecutionVm): string => testVmId ?? id;

/** The parts with these entries in the place of theirs; those without a change unchanged. Pure. */
export function withEntries(parts: readonly ExecutionPart[], entries: readonly ExecutionVm[]): ExecutionPart[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return parts.map((part) => {
    const mine = Object.keys(part.vms).flatMap((id) => byId.get(id) ?? []);
    if (mine.length === 0) return part;
    return { ...part, vms: { ...part.vms, ...Object.fromEntries(mine.map((entry) => [entry.id, entry])) } };
  });
}

/** Writes those that differ, each by its version. `also`: what is to be told of the change, in the same transaction. */
export async function writeParts(
  was: readonly ExecutionPart[],
  is: readonly ExecutionPart[],
  store: Store,
  also: (tx: Transaction, before: ExecutionPart, after: ExecutionPart) => void = () => {},
): Promise<ExecutionPart[]> {
  const out: ExecutionPart[] = [];
  for (const [i, part] of is.entries()) {
    const before = was[i] as ExecutionPart;
    if (before === part) {
      out.push(part);
      continue;
    }
    const version = (before.version ?? 0) + 1;
    const tx = new Transaction().update(keys.executionPart(part.tenantId, part.executionId, part.n), {
      set: { vms: part.vms, version },
      condition: before.version === undefined ? 'attribute_not_exists(#version)' : '#version = :was',
      names: { '#version': 'version' },
      ...(before.version === undefined ? {} : { values: { ':was': before.version } }),
      onFail: changed(`part ${part.n} of execution ${part.executionId}`),
    });
    also(tx, before, part);
    await store.commit(tx);
    out.push({ ...part, version });
  }
  return out;
}
