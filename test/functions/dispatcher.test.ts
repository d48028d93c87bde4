import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { dispatcher } from '../../functions/dispatcher/dispatch.ts';
import { awsPublisher, awsStarter } from '../../functions/dispatcher/handler.ts';
import { silent } from '../../shared/kernel/log.ts';
import { dynamo, store } from '../store/edge.ts';
import stream from './fixtures/stream.json' with { type: 'json' };

const PREFIX = 'arn:aws:states:eu-central-1:123456789012:stateMachine:strata-dev-';
const sfn = mockClient(SFNClient);
const bridge = mockClient(EventBridgeClient);
beforeEach(() => {
  for (const mock of [dynamo, sfn, bridge]) mock.reset();
  dynamo.on(PutCommand).resolves({});
  sfn.on(StartExecutionCommand).resolves({});
  bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
});

const dispatch = (records: unknown = stream.Records) =>
  dispatcher({
    store: store(),
    log: silent,
    startExecution: awsStarter(new SFNClient({ region: 'eu-central-1' }), PREFIX),
    publish: awsPublisher(new EventBridgeClient({ region: 'eu-central-1' }), 'bus'),
  })({ Records: records } as DynamoDBStreamEvent);
const started = () => sfn.commandCalls(StartExecutionCommand).map((c) => c.args[0].input);
const published = () => bridge.commandCalls(PutEventsCommand).flatMap((c) => c.args[0].input.Entries ?? []);
const put = () => dynamo.commandCalls(PutCommand).map((c) => c.args[0].input);
const failures = (...numbers: string[]) => ({
  batchItemFailures: numbers.map((itemIdentifier) => ({ itemIdentifier })),
});

describe('a batch of the outbox', () => {
  it('starts one workflow per operation, by the name of the operation, and nothing for changes and expiries', async () => {
    expect(await dispatch()).toEqual(failures());
    expect(started()).toEqual([{ stateMachineArn: `${PREFIX}provision-vm`, name: 'op_1', input: expect.any(String) }]);
    expect(JSON.parse(started()[0]?.input ?? '')).toEqual({ operationId: 'op_1', requestId: 'req_1', vms: ['vm_1'] });
  });

  it('tells the bus of each event, and of nothing else', async () => {
    await dispatch();
    expect(published()).toEqual([
      {
        EventBusName: 'bus',
        Source: 'strata',
        DetailType: 'host.online',
        Detail: expect.any(String),
        Time: new Date(1767225600000),
      },
    ]);
    expect(JSON.parse(published()[0]?.Detail ?? '')).toMatchObject({ id: 'ev_1', subject: 'host_1' });
  });

  it('puts the audit entry on the trail of its day, under its own id, so that a second time changes nothing', async () => {
    await dispatch();
    await dispatch();
    expect(new Set(put().map((p) => JSON.stringify(p))).size).toBe(1);
    expect(put()[0]).toMatchObject({
      TableName: 'Control',
      Item: { pk: 'SYS#AUDIT#2026-01-01', sk: 'aud_1', actor: 'somebody' },
    });
  });

  it('that comes twice finds its workflow started, and is content', async () => {
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: 'there', $metadata: {} }));
    expect(await dispatch()).toEqual(failures());
  });

  it.each([
    ['a workflow cannot be started', () => sfn.on(StartExecutionCommand).rejects(new Error('no')), ['100']],
    ['the audit entry cannot be put', () => dynamo.on(PutCommand).rejects(new Error('no')), ['100']],
    ['the bus does not answer', () => bridge.on(PutEventsCommand).rejects(new Error('no')), ['200']],
    [
      'the bus takes the request but not the event',
      () => bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorMessage: 'throttled' }] }),
      ['200'],
    ],
  ])('reports only the record that failed when %s, and does the others', async (_what, breakIt, failed) => {
    breakIt();
    expect(await dispatch()).toEqual(failures(...failed));
    expect(published().length + started().length).toBeGreaterThan(0);
  });

  it('does not start the workflow before the audit entry is on the trail', async () => {
    dynamo.on(PutCommand).rejects(new Error('no'));
    await dispatch();
    expect(started()).toEqual([]);
  });

  it('with a record that cannot be read reports that one', async () => {
    const broken = structuredClone(stream.Records[0]);
    if (broken?.dynamodb.NewImage) Object.assign(broken.dynamodb.NewImage, { audit: { X: 1 } });
    expect(await dispatch([broken, stream.Records[1]])).toEqual(failures('100'));
    expect(published()).toHaveLength(1);
  });

  it('that is empty is done', async () => {
    expect(await dispatch([])).toEqual(failures());
  });
});
