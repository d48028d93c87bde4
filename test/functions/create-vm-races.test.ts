import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { host } from '../placement/hosts.ts';
import { CONFLICT, cancelled, dynamo, FAILED } from '../store/edge.ts';
import { audited, bodyOf, cancelAt, container, creation, network, rows, stand, tag, vdc, written } from './house.ts';

beforeEach(() => stand());

const create = (event: object = creation()) => container()(event);

describe('a creation that loses a race', () => {
  it('for the host takes another one, on the news', async () => {
    cancelAt('SYS#HOST', FAILED, host('h1', { free: { vcpus: 0 } }));
    expect((await create()).statusCode).toBe(201);
    const taken = written().map((items) => items[2]?.Update?.Key?.sk);
    expect(taken).toEqual(['h1', 'h2']);
  });

  it('for the address takes another one', async () => {
    cancelAt(`T#${tag}#IP`, FAILED);
    expect((await create()).statusCode).toBe(201);
    const [first, second] = written().map((items) => items[1]?.Put?.Item?.sk);
    expect(first).not.toBe(second);
  });

  it('for a wished address is refused', async () => {
    cancelAt(`T#${tag}#IP`, FAILED);
    const answer = await create(
      creation((body) => Object.assign(body, { nics: [{ networkId: network.id, ip: '10.1.0.9' }] })),
    );
    expect([answer.statusCode, bodyOf(answer).code]).toEqual([409, 'address-taken']);
  });

  it('on the same items waits and succeeds, with the same ids', async () => {
    cancelAt('SYS#HOST', CONFLICT);
    expect((await create()).statusCode).toBe(201);
    expect(written()[0]).toEqual(written()[1]);
  });

  it('again and again is told that the cloud is busy', async () => {
    dynamo.on(TransactWriteCommand).rejects(cancelled(CONFLICT));
    const answer = await create();
    expect([answer.statusCode, bodyOf(answer).code, answer.headers['retry-after']]).toEqual([503, 'busy', '1']);
  });

  it('for the quota is told the dimension, its limit, what is used and what was asked for', async () => {
    cancelAt(`T#${tag}#VDC`, FAILED, { ...vdc, left: { ...vdc.left, vcpus: 1 } });
    const answer = await create();
    expect(answer.statusCode).toBe(409);
    expect(bodyOf(answer)).toMatchObject({
      code: 'quota-exceeded',
      resource: 'vcpus',
      limit: 9000,
      used: 8999,
      requested: 2,
    });
    expect(audited()).toMatchObject([{ result: 'refused', code: 'quota-exceeded', status: 409 }]);
  });
});

describe('a creation with a key that was used', () => {
  /** The table after a first creation: its idempotency record stands. */
  async function used(first: object) {
    await create(first);
    const record = written()[0]?.[6]?.Put?.Item as { pk: string; sk: string };
    stand([...rows(), record]);
    return record;
  }

  it('answers as the first time, says so, and writes nothing', async () => {
    const first = bodyOf(await create());
    stand();
    const record = await used(creation());
    const answer = await create();
    expect([answer.statusCode, answer.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(bodyOf(answer).id).not.toBe(first.id);
    expect(record.pk).toBe(`T#${tag}#IDEM`);
    expect(written()).toEqual([]);
  });

  it('but another body is refused', async () => {
    await used(creation());
    const answer = await create(creation((body) => Object.assign(body, { name: 'other' })));
    expect([answer.statusCode, bodyOf(answer).code]).toEqual([422, 'key-reused']);
  });

  it('at the same time by another request answers what that one was answered', async () => {
    const record = await used(creation());
    dynamo.on(GetCommand).callsFake(({ Key: k }) => ({ Item: rows().find((r) => r.pk === k.pk && r.sk === k.sk) }));
    cancelAt(`T#${tag}#IDEM`, FAILED, record);
    const answer = await create();
    expect([answer.statusCode, answer.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(written()).toHaveLength(1);
  });
});
