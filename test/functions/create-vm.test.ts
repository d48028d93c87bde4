import { beforeEach, describe, expect, it } from 'vitest';
import { tagOfId } from '../../shared/kernel/ids.ts';
import {
  audited,
  bodyOf,
  container,
  creation,
  network,
  stand,
  strangeVpcId,
  tag,
  tenantId,
  vdc,
  vpcId,
  written,
} from './house.ts';

beforeEach(() => stand());

const create = (event: object = creation()) => container()(event);
describe('a creation', () => {
  it('is exactly one write: VM, address, ledgers of host, datastore and VDC, operation and idempotency record', async () => {
    const answer = await create();
    expect(answer.statusCode).toBe(201);
    expect(written()).toHaveLength(1);
    const vm = bodyOf(answer);
    const shape = written()[0]?.map((a) => {
      const [[kind, action]] = Object.entries(a) as [
        [string, { TableName: string; Key?: { pk: string }; Item?: { pk: string } }],
      ];
      return [kind, action.TableName, (action.Key ?? action.Item)?.pk];
    });
    expect(shape).toEqual([
      ['Put', 'Control', `T#${tag}#VM`],
      ['Put', 'Control', `T#${tag}#IP#${network.id}`],
      ['Update', 'Control', 'SYS#HOST#c1'],
      ['Update', 'Control', 'SYS#DATASTORE#s1'],
      ['Update', 'Control', `T#${tag}#VDC`],
      ['Put', 'Events', `T#${tag}#OP`],
      ['Put', 'Control', `T#${tag}#IDEM`],
    ]);
    expect(written()[0]?.[5]?.Put?.Item).toMatchObject({
      kind: 'provision-vm',
      state: 'waiting',
      input: { vms: [vm.id] },
    });
    expect(audited()).toEqual([]);
  });

  it('takes what the VM needs from each ledger, relative and under the condition that it is there', async () => {
    await create();
    const [, , hostLedger, datastoreLedger, vdcLedger] = written()[0] ?? [];
    const taken = (values: object = {}) => Object.values(values).filter((v) => typeof v === 'number' && v < 0);
    expect(taken(hostLedger?.Update?.ExpressionAttributeValues)).toEqual([-2, -4096, -1]);
    expect(taken(datastoreLedger?.Update?.ExpressionAttributeValues)).toEqual([-20]);
    expect(taken(vdcLedger?.Update?.ExpressionAttributeValues).sort()).toEqual([-1, -2, -20, -4096]);
    for (const ledger of [hostLedger, datastoreLedger, vdcLedger])
      expect(ledger?.Update?.ConditionExpression).toMatch(/>=/);
  });

  it('answers the VM, where to follow it, and its version', async () => {
    const answer = await create();
    const vm = bodyOf(answer);
    expect(vm).toMatchObject({
      name: 'web-1',
      state: 'creating',
      vdcId: vdc.id,
      nics: [{ ip: expect.stringMatching(/^10\.1\.0\./) }],
    });
    expect(tagOfId(vm.id)).toBe(tag);
    expect(answer.headers).toMatchObject({ 'operation-location': `/v1/operations/${vm.operationId}`, etag: '"1"' });
    expect(vm).not.toHaveProperty('hostId');
  });

  it('is on the audit trail with who asked, in which roles and from where', async () => {
    await create();
    expect(written()[0]?.[5]?.Put?.Item?.audit).toMatchObject({
      actor: '0d2f6f0a-2b0e-4c41-9d3e-6a1d3f7b2c55',
      roles: ['tenant-admin', 'tenant-operator'],
      source: '203.0.113.7',
      tenantId,
      operationId: 'createVm',
      result: 'done',
    });
  });

  it('whose body the gateway has encoded is the same creation', async () => {
    const event = creation();
    const encoded = { ...event, body: Buffer.from(event.body).toString('base64'), isBase64Encoded: true };
    expect(bodyOf(await create(encoded))).toMatchObject({ name: 'web-1' });
  });

  it('of several VMs on one host charges each ledger once', async () => {
    const answer = await create(creation((body) => Object.assign(body, { count: 3, nics: [] })));
    expect(bodyOf(answer).items).toHaveLength(3);
    const ledgers = written()[0]?.filter((a) => a.Update?.Key?.pk === `T#${tag}#VDC`);
    expect(ledgers).toHaveLength(1);
  });

  it.each([
    ['its id', vpcId],
    ['its name', 'private'],
  ])('in a VPC that is named by %s is kept under the id', async (_how, named) => {
    const answer = await create(creation((body) => Object.assign(body, { vpcId: named, nics: [] })));
    expect(bodyOf(answer).vpcId).toBe(vpcId);
  });

  it('that is only tried writes nothing', async () => {
    const answer = await create({ ...creation(), rawQueryString: 'dryRun=true' });
    expect([answer.statusCode, bodyOf(answer).dryRun, written()]).toEqual([200, true, []]);
  });
});

describe('a creation is refused before anything is written', () => {
  it.each([
    [
      'beyond the quota',
      (b: Record<string, unknown>) => Object.assign(b, { disks: [{ name: 'root', sizeGiB: 9001 }] }),
      409,
      'quota-exceeded',
    ],
    [
      'too large for every host',
      (b: Record<string, unknown>) => Object.assign(b, { cpu: { vcpus: 23 } }),
      507,
      'no-capacity',
    ],
    [
      'in a VPC of another VDC',
      (b: Record<string, unknown>) => Object.assign(b, { vpcId: strangeVpcId, nics: [] }),
      400,
      'invalid-request',
    ],
    [
      'in a VPC that is not there',
      (b: Record<string, unknown>) => Object.assign(b, { vpcId: 'nowhere', nics: [] }),
      404,
      'not-found',
    ],
    [
      'on a network that is not there',
      (b: Record<string, unknown>) => Object.assign(b, { nics: [{ networkId: 'net_0' }] }),
      404,
      'not-found',
    ],
    [
      'with a field that is not known',
      (b: Record<string, unknown>) => Object.assign(b, { colour: 'red' }),
      400,
      'invalid-request',
    ],
  ])('when it is %s, and the refusal is on the audit trail', async (_what, change, status, code) => {
    const answer = await create(creation(change));
    expect([answer.statusCode, bodyOf(answer).code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(written()).toEqual([]);
    expect(audited()).toMatchObject([{ pk: 'SYS#AUDIT#2026-01-01', result: 'refused', code, operationId: 'createVm' }]);
  });
});
