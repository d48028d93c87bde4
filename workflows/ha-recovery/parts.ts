import {
  type Incident,
  type IncidentVm,
  PART_SIZE,
  type PartRef,
  type RecoveryPart,
} from '../../shared/model/incident.ts';
import { keys } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { Transaction } from '../../shared/store/transaction.ts';
import { changed } from './case.ts';

/** All that is written about the VMs of an incident; a part that was announced but never written is empty. */
export async function readParts(incident: Incident, store: Store): Promise<RecoveryPart[]> {
  const found = await store.getMany<RecoveryPart>(incident.parts.map((ref) => keyOf(incident.id, ref)));
  const byName = new Map(found.map((part) => [nameOf(part), part]));
  return incident.parts.map((ref) => byName.get(nameOf(ref)) ?? emptyPart(incident.id, ref));
}

export const entriesOf = (parts: readonly RecoveryPart[]): IncidentVm[] =>
  parts.flatMap((part) => Object.values(part.vms));

/** An entry; of one that stands in no part yet, its tenant is needed. */
export type Filed = IncidentVm & { tenantId?: string };

/**
 * Files what is to be said about VMs in the parts where they stand, or in new ones of their tenants. Pure. The answer
 * holds all parts, those without a change unchanged.
 */
export function fileEntries(
  incidentId: string,
  parts: readonly RecoveryPart[],
  entries: readonly Filed[],
): RecoveryPart[] {
  const out = [...parts];
  const at = new Map(parts.flatMap((part, i) => Object.keys(part.vms).map((id) => [id, i] as const)));
  const open = new Map<string, number>();
  for (const [i, part] of parts.entries()) open.set(part.tenantId, i);
  const fresh = new Set<number>();
  for (const { tenantId, ...entry } of entries) {
    let i = at.get(entry.id);
    if (i === undefined) {
      if (tenantId === undefined) throw new Error(`VM ${entry.id} stands in no part, and its tenant is not said`);
      i = open.get(tenantId);
      if (i === undefined || Object.keys((out[i] as RecoveryPart).vms).length >= PART_SIZE) {
        i = out.push(emptyPart(incidentId, { tenantId, n: out.length })) - 1;
        open.set(tenantId, i);
      }
    }
    const part = out[i] as RecoveryPart;
    // Copied once, then filled: a part has hundreds of entries.
    if (fresh.has(i)) part.vms[entry.id] = entry;
    else {
      out[i] = { ...part, vms: { ...part.vms, [entry.id]: entry } };
      fresh.add(i);
    }
    at.set(entry.id, i);
  }
  return out;
}

/** In which part each VM stands. */
export const partOf = (parts: readonly RecoveryPart[]): Map<string, number> =>
  new Map(parts.flatMap((part) => Object.keys(part.vms).map((id) => [id, part.n] as const)));

/** Writes those that differ, each by its version, with what is to be told of the change. */
export async function writeParts(
  was: readonly RecoveryPart[],
  is: readonly RecoveryPart[],
  store: Store,
  tell: (tx: Transaction, before: RecoveryPart | undefined, after: RecoveryPart) => void = () => {},
): Promise<void> {
  const before = new Map(was.map((part) => [nameOf(part), part]));
  for (const part of is) {
    const old = before.get(nameOf(part));
    if (old === part) continue;
    const { incidentId, tenantId, n, vms, version } = part;
    const tx = new Transaction().update(keyOf(incidentId, part), {
      set: { incidentId, tenantId, n, vms, version: version + 1 },
      condition: version === 0 ? 'attribute_not_exists(pk)' : '#version = :was',
      ...(version === 0 ? {} : { values: { ':was': version } }),
      onFail: changed(`part ${n} of incident ${incidentId}`),
    });
    tell(tx, old, part);
    await store.commit(tx);
  }
}

export const refsOf = (parts: readonly RecoveryPart[]): PartRef[] => parts.map(({ tenantId, n }) => ({ tenantId, n }));

const keyOf = (incidentId: string, { tenantId, n }: PartRef) => keys.recoveryPart(tenantId, incidentId, n);
const nameOf = ({ tenantId, n }: PartRef) => `${tenantId}/${n}`;
const emptyPart = (incidentId: string, { tenantId, n }: PartRef): RecoveryPart => ({
  incidentId,
  tenantId,
  n,
  vms: {},
  version: 0,
});
