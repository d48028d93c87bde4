import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { STEP_TABLES } from '../../infra/local/workflows/steps.ts';
import { WORKFLOWS } from '../../infra/topology.ts';
import { OPERATION_KINDS, type OperationKind } from '../../shared/model/operation.ts';
import { UNWIND } from '../../workflows/engine/step-table.ts';
import { type AslState, lint, type Machine, stepsOf } from './asl-lint.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const machines = globSync('workflows/*/definition.asl.json', { cwd: root }).map((file) => ({
  kind: basename(dirname(file)) as OperationKind,
  machine: JSON.parse(readFileSync(`${root}/${file}`, 'utf8')) as Machine,
}));

describe.each(machines)('the state machine of $kind', ({ kind, machine }) => {
  it('is valid Amazon States Language', () => {
    // The validator writes into what it is given.
    const { isValid, errorsText } = validate(structuredClone(machine));
    expect(isValid, isValid ? '' : errorsText()).toBe(true);
  });

  it('keeps to the subset that AWS and the embedded engine both honour', () => {
    expect(lint(machine)).toEqual([]);
  });

  it('calls every step of its table, unwinding, and nothing else', () => {
    const called = [...new Set(stepsOf(machine))].sort();
    expect(called).toEqual([...Object.keys(STEP_TABLES[kind]), UNWIND].sort());
  });
});

it('a machine that is not valid is refused', () => {
  expect(validate({ StartAt: 'A', States: { A: { Type: 'Pass', Next: 'Nowhere' } } }).isValid).toBe(false);
});

it('there is a workflow for every kind of operation, and no other', () => {
  expect(machines.map((m) => m.kind).sort()).toEqual([...OPERATION_KINDS].sort());
});

it.each(OPERATION_KINDS)('the folder of %s has all its parts', (kind) => {
  for (const part of ['definition.asl.json', 'steps.ts', 'handler.ts'])
    expect(existsSync(`${root}/workflows/${kind}/${part}`), part).toBe(true);
  expect(WORKFLOWS[kind].definition).toBe(`workflows/${kind}/definition.asl.json`);
});

describe('the lint sees', () => {
  const retry = [{ ErrorEquals: ['TryAgain'], JitterStrategy: 'FULL' }];
  const caught = [{ ErrorEquals: ['States.ALL'], Next: 'B' }];
  const invoke = 'arn:aws:states:::lambda:invoke';
  const good = {
    Type: 'Task',
    Resource: invoke,
    Parameters: { Payload: { step: 'a', 'execution.$': '$$.Execution.Name' } },
    TimeoutSeconds: 5,
    Retry: retry,
    Catch: caught,
    End: true,
  };
  const only = (state: AslState): Machine => ({ StartAt: 'A', States: { A: state } });
  const without = (field: string): Machine =>
    only(Object.fromEntries(Object.entries(good).filter(([f]) => f !== field)) as AslState);
  const map = (processor: object): Machine =>
    only({ Type: 'Map', ItemProcessor: { ...only(good), ...processor }, End: true });

  const planted: [string, Machine, RegExp][] = [
    ['a state of an unknown type', only({ Type: 'Loop' }), /type Loop/],
    ['JSONata on a machine', { ...only(good), QueryLanguage: 'JSONata' }, /QueryLanguage/],
    ['JSONata on a state', only({ ...good, QueryLanguage: 'JSONata' }), /QueryLanguage/],
    ['variables', only({ ...good, Assign: { a: 1 } }), /Assign/],
    ['heartbeats', only({ ...good, HeartbeatSeconds: 5 }), /HeartbeatSeconds/],
    ['a distributed map', map({ ProcessorConfig: { Mode: 'DISTRIBUTED' } }), /DISTRIBUTED/],
    ['batches of items', only({ Type: 'Map', ItemBatcher: {}, ItemProcessor: only(good), End: true }), /ItemBatcher/],
    ['the state in the context', only({ ...good, Parameters: { 'n.$': '$$.State.Name' } }), /\$\$\.State\.Name/],
    ['a task that waits for a token', only({ ...good, Resource: `${invoke}.waitForTaskToken` }), /waitForTaskToken/],
    ['a task that calls another service', only({ ...good, Resource: 'arn:aws:states:::sqs:sendMessage' }), /sqs/],
    ['a task without Retry', without('Retry'), /no Retry/],
    ['a Retry without jitter', only({ ...good, Retry: [{ ErrorEquals: ['TryAgain'] }] }), /without jitter/],
    ['a task without Catch', without('Catch'), /no Catch/],
    ['a task without TimeoutSeconds', without('TimeoutSeconds'), /no TimeoutSeconds/],
    ['a wait of 24 days', only({ Type: 'Wait', Seconds: 24 * 86_400, Next: 'B' }), /waits 2073600 seconds/],
    ['a choice that may find no way', only({ Type: 'Choice', Choices: [] }), /no Default/],
    ['a flaw inside of a map', map({ States: { A: { ...good, Assign: {} } } }), /A: A: has Assign/],
    [
      'a flaw inside of a branch',
      only({ Type: 'Parallel', Branches: [without('Catch')], End: true }),
      /A: A: has no Catch/,
    ],
  ];
  it.each(planted)('%s', (_, machine, flaw) => {
    expect(lint(machine).join('\n')).toMatch(flaw);
  });

  it('nothing in what is allowed', () => {
    expect(lint(only(good))).toEqual([]);
    expect(lint(map({}))).toEqual([]);
    expect(lint(only({ Type: 'Wait', SecondsPath: '$.seconds', Next: 'B' }))).toEqual([]);
  });

  it('the steps that are called, inside of maps too', () => {
    expect(stepsOf(map({}))).toEqual(['a']);
    expect(stepsOf(only({ ...good, Parameters: {} }))).toEqual(['undefined']);
  });
});
