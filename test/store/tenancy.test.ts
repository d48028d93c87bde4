import { BatchGetCommand, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../shared/kernel/clock.ts';
import { makeIds, tagOfTenant } from '../../shared/kernel/ids.ts';
import { seededRandom } from '../../shared/kernel/random.ts';
import { asTenant, mustBeSystem, ownTenant, SYSTEM } from '../../shared/store/context.ts';
import { Inventory } from '../../shared/store/inventory.ts';
import { Operations } from '../../shared/store/outbox.ts';
import { TenantData } from '../../shared/store/tenant-data.ts';
import { dynamo, store } from './edge.ts';

const numRuns = Number(process.env.STRATA_RANDOM_RUNS ?? 100);
const ids = makeIds(new ManualClock(), seededRandom(1));
const KINDS = ['vdc', 'vpc', 'network', 'vm'] as const;
const mine = ids.make('tenant');
const theirs = ids.make('tenant');
const MINE = `T#${tagOfTenant(mine)}#`;

beforeEach(() => {
  dynamo.reset();
  dynamo.on(GetCommand).resolves({});
  dynamo.on(QueryCommand).resolves({ Items: [] });
  dynamo.on(BatchGetCommand).resolves({});
});

/** The partitions that were asked for. */
const asked = () => [
  ...dynamo.commandCalls(GetCommand).map((c) => c.args[0].input.Key?.pk),
  ...dynamo.commandCalls(QueryCommand).map((c) => c.args[0].input.ExpressionAttributeValues?.[':pk']),
];

/** Ids of one's own, of others, of the system, forged ones, and any text. */
const anyId = fc.oneof(
  fc.constantFrom(...KINDS).map((kind) => ids.make(kind, tagOfTenant(mine))),
  fc.constantFrom(...KINDS).map((kind) => ids.make(kind, tagOfTenant(theirs))),
  fc.constantFrom(...KINDS, 'operation' as const).map((kind) => ids.make(kind)),
  fc.constantFrom(
    'vm_',
    'op_',
    'SYS#SITE',
    `T#${tagOfTenant(theirs)}#VM`,
    `vm_#T#${tagOfTenant(theirs)}#VM`,
    '..',
    '__proto__',
  ),
  fc.string({ unit: 'binary' }),
  fc.string().map((s) => `vm_${s}`),
);

describe('for a tenant', () => {
  it('no read leaves the tenant’s own partitions, whatever id is named', async () => {
    const forMe = () => new TenantData(store(), asTenant(mine));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KINDS), anyId, async (kind, id) => {
        dynamo.resetHistory();
        const missing = () => undefined;
        await forMe().get(kind, id).catch(missing);
        await forMe().find(kind, id);
        await forMe().list(kind, { where: { name: id } });
        await forMe().all(kind);
        await new Operations(store(), asTenant(mine)).get(id).catch(missing);
        await new Operations(store(), asTenant(mine)).list({ where: { target: id } });
        await new Operations(store(), asTenant(mine)).events({});
        expect(asked().filter((pk) => !String(pk).startsWith(MINE))).toEqual([]);
      }),
      { numRuns },
    );
  });

  it.each(KINDS)('a %s of another tenant and one that never was are refused in the same words', async (kind) => {
    const refusal = async (id: string) => {
      const error = await new TenantData(store(), asTenant(mine)).get(kind, id).catch((e: Error) => e);
      return String(error).replaceAll(id, '<id>');
    };
    const foreign = ids.make(kind, tagOfTenant(theirs));
    expect(await refusal(foreign)).toBe(await refusal(ids.make(kind, tagOfTenant(mine))));
  });

  it('an operation of another tenant is not even looked for', async () => {
    const operations = new Operations(store(), asTenant(mine));
    const foreign = ids.make('operation', tagOfTenant(theirs));
    await expect(operations.get(foreign)).rejects.toMatchObject({ code: 'not-found' });
    expect(asked()).toEqual([]);
  });

  it.each([
    ['the list of tenants', () => new Inventory(store(), asTenant(mine)).tenants()],
    ['a tenant', () => new Inventory(store(), asTenant(mine)).tenant(mine)],
    ['the VMs on a host', () => new TenantData(store(), asTenant(mine)).vmsOnHost('h1')],
  ])('%s is closed: to ask is a bug, not a refusal, and nothing is read', async (_what, ask) => {
    await expect((async () => ask())()).rejects.toThrow(/only the system/);
    expect(dynamo.calls()).toHaveLength(0);
  });
});

describe('for the system', () => {
  it('a thing is found by its own id, in its owner’s partition', async () => {
    await new TenantData(store(), SYSTEM).find('vm', ids.make('vm', tagOfTenant(theirs)));
    expect(asked()).toEqual([`T#${tagOfTenant(theirs)}#VM`]);
  });

  it.each(['web-1', 'vm_web-1', ''])(
    'a name (%o) finds nothing and reads nothing: names are a tenant’s',
    async (name) => {
      await expect(new TenantData(store(), SYSTEM).get('vm', name)).rejects.toMatchObject({ code: 'not-found' });
      expect(asked()).toEqual([]);
    },
  );

  it('a list without a tenant is a bug', async () => {
    await expect(new TenantData(store(), SYSTEM).list('vm')).rejects.toThrow(/per tenant/);
  });

  it('the VMs on a host are those of which the table says so, not the index', async () => {
    const entry = (sk: string, runsOn: string) => ({ pk: 'T#x#VM', sk, id: sk, runsOn });
    dynamo.on(QueryCommand).resolves({ Items: [entry('b', 'h1'), entry('moved', 'h1'), entry('a', 'h1')] });
    dynamo
      .on(BatchGetCommand)
      .resolves({ Responses: { Control: [entry('b', 'h1'), entry('moved', 'h2'), entry('a', 'h1')] } });
    expect((await new TenantData(store(), SYSTEM).vmsOnHost('h1')).map((vm) => vm.id)).toEqual(['a', 'b']);
  });
});

describe('a name', () => {
  const named = (...found: string[]) =>
    dynamo.on(QueryCommand).resolves({ Items: found.map((id) => ({ id, name: 'web' })) });
  const get = () => new TenantData(store(), asTenant(mine)).get('vm', 'web');

  it('that one thing has stands for it', async () => {
    named('vm_1');
    expect(await get()).toMatchObject({ id: 'vm_1' });
  });

  it.each([
    ['nothing has', [], 'not-found'],
    ['several things have', ['vm_1', 'vm_2'], 'ambiguous-name'],
  ])('that %s is refused', async (_what, found, code) => {
    named(...found);
    await expect(get()).rejects.toMatchObject({ code });
  });
});

it('what is the system’s is open to the system alone, and a tenant’s to that tenant', () => {
  expect(() => mustBeSystem(SYSTEM)).not.toThrow();
  expect(() => mustBeSystem(asTenant(mine))).toThrow(/only the system/);
  expect(() => ownTenant(asTenant(mine), mine)).not.toThrow();
  expect(() => ownTenant(asTenant(mine), theirs)).toThrow(expect.objectContaining({ code: 'not-found' }));
});
