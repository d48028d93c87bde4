import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../infra/aws/bundle.ts';
import { AUDITORS } from '../../infra/aws/permissions.ts';
import { FUNCTIONS, type FunctionSpec, TABLES, type TableId, WORKFLOWS } from '../../infra/topology.ts';
import { OPERATION_KINDS } from '../../shared/model/operation.ts';
import { type DeployedFunction, functionsOf, house, tablesIn } from './house.ts';

const specs: Record<string, FunctionSpec> = {
  ...FUNCTIONS,
  ...Object.fromEntries(OPERATION_KINDS.map((kind) => [kind, WORKFLOWS[kind].steps])),
};
const faces = Object.keys(specs).filter((name) => specs[name]?.routes);
const deployed = functionsOf(house('dev'), 'dev');
const get = (name: string): DeployedFunction => {
  const found = deployed.get(name);
  if (!found) throw new Error(`There is no function ${name}.`);
  return found;
};
const on = (name: string, table: TableId): string[] =>
  get(name)
    .statements.filter((s) => tablesIn(s.resources).includes(table))
    .flatMap((s) => s.actions);

describe('what functions may reach', () => {
  it('deploys each function of the topology once, and only the one of the user pool beside them', () => {
    expect([...deployed.keys()].sort()).toEqual([...Object.keys(specs), 'claims'].sort());
  });

  it.each(faces)('keeps the World table from %s, unless it is the simulation face', (name) => {
    const reached = get(name).statements.flatMap((s) => tablesIn(s.resources));
    expect(reached.includes('world')).toBe(name === 'sim-api');
  });

  it('gives tenant-api no index and no scan, so that it cannot look across tenants', () => {
    const { statements } = get('tenant-api');
    expect(JSON.stringify(statements)).not.toContain('/index/');
    expect(statements.flatMap((s) => s.actions)).not.toContain('dynamodb:Scan');
    expect(on('tenant-api', 'control')).toContain('dynamodb:Query');
  });

  it('lets system functions query the indexes that exist on AWS, by their names', () => {
    const text = JSON.stringify(get('system-api').statements);
    for (const index of TABLES.control.indexes) expect(text).toContain(`/index/${index.name}`);
    for (const { statements } of deployed.values()) {
      for (const index of TABLES.events.embeddedIndexes)
        expect(JSON.stringify(statements)).not.toContain(`/index/${index.name}`);
    }
  });

  it.each(Object.keys(specs))('grants %s the tables of the topology, and writes only where it says so', (name) => {
    for (const table of Object.keys(TABLES) as TableId[]) {
      const access = specs[name]?.tables[table];
      // The stream of the Events table is the dispatcher's source, not a table that it reads.
      const actions = on(name, table).filter((action) => !/Stream|Shard|GetRecords/.test(action));
      expect(actions.includes('dynamodb:GetItem')).toBe(access !== undefined);
      expect(actions.includes('dynamodb:PutItem')).toBe(access === 'readWrite');
      if (access === undefined) expect(actions).toEqual([]);
    }
  });

  it('lets exactly the callers of the port invoke the site agent', () => {
    const callers = [...deployed.values()].filter((f) =>
      f.statements.some((s) => s.actions.includes('lambda:InvokeFunction')),
    );
    expect(callers.map((f) => f.name).sort()).toEqual(
      Object.keys(specs)
        .filter((name) => specs[name]?.port)
        .sort(),
    );
    for (const { statements } of callers) {
      const targets = statements.filter((s) => s.actions.includes('lambda:InvokeFunction')).flatMap((s) => s.resources);
      for (const target of targets) expect(JSON.stringify(target)).toMatch(/siteagent/i);
    }
  });

  it('lets only the dispatcher start executions and publish, and only ours', () => {
    for (const { name, statements } of deployed.values()) {
      const actions = statements.flatMap((s) => s.actions);
      expect(actions.includes('states:StartExecution')).toBe(name === 'dispatcher');
      expect(actions.includes('events:PutEvents')).toBe(name === 'dispatcher');
    }
    const machines =
      get('dispatcher').statements.find((s) => s.actions.includes('states:StartExecution'))?.resources ?? [];
    expect(machines).toHaveLength(OPERATION_KINDS.length);
    for (const kind of OPERATION_KINDS) expect(JSON.stringify(machines)).toContain(`:stateMachine:strata-dev-${kind}"`);
  });

  it('grants nothing on every resource but tracing, and nothing by wildcard', () => {
    for (const { name, statements } of deployed.values()) {
      for (const { actions, resources } of statements) {
        expect(
          actions.filter((action) => action.includes('*')),
          name,
        ).toEqual([]);
        if (resources.includes('*'))
          expect(
            actions.filter((a) => !a.startsWith('xray:') && a !== 'dynamodb:ListStreams'),
            name,
          ).toEqual([]);
      }
    }
  });
});

/** What a command of the SDK needs. A command that is missing here is one that nobody thought of when granting. */
const NEEDS: Record<string, string[]> = {
  Get: ['GetItem'],
  BatchGet: ['BatchGetItem'],
  Query: ['Query'],
  Scan: ['Scan'],
  Put: ['PutItem'],
  Update: ['UpdateItem'],
  Delete: ['DeleteItem'],
  TransactGet: ['GetItem'],
  TransactWrite: ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'],
  BatchWrite: ['BatchWriteItem'],
};

/** The sources below a folder of the project. */
const sources = (folder: string): { name: string; text: string }[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ name: join(folder, file), text: readFileSync(join(ROOT, folder, file), 'utf8') }));

describe('what the code asks of DynamoDB', () => {
  it('is granted to the functions of the system', () => {
    const used = new Set<string>();
    for (const { text } of ['shared', 'functions', 'workflows'].flatMap(sources)) {
      for (const [, names = ''] of text.matchAll(/import \{([^}]*)\} from '@aws-sdk\/lib-dynamodb'/g)) {
        for (const [, command = ''] of names.matchAll(/\b(\w+)Command\b/g)) used.add(command);
      }
    }
    expect(used).toContain('TransactWrite');
    const granted = on('system-api', 'control');
    for (const command of used) {
      expect(NEEDS, `${command}Command`).toHaveProperty(command);
      for (const action of NEEDS[command] ?? []) expect(granted, `${command}Command`).toContain(`dynamodb:${action}`);
    }
  });

  it('reads whole tables only in the functions that are granted that', () => {
    const readers = ['functions', 'workflows']
      .flatMap(sources)
      .filter(({ text }) => /\breadBelief\b|\.scan[<(]/.test(text));
    expect([...AUDITORS]).toEqual(expect.arrayContaining(readers.map(({ name }) => name.split('/')[1])));
    for (const { name, statements } of deployed.values()) {
      expect(
        statements.some((s) => s.actions.includes('dynamodb:Scan')),
        name,
      ).toBe(AUDITORS.has(name));
    }
  });
});

describe('the keys that a tenants’ face may name', () => {
  it('are tenants’ partitions, and of the system’s only those that a placement or an address claim needs', () => {
    const face = [...deployed.values()].find(({ name }) => name === 'tenant-api');
    const tables = face?.statements.filter((s) => s.actions.includes('dynamodb:GetItem')) ?? [];
    expect(tables).toHaveLength(2);
    for (const { leadingKeys = [] } of tables) {
      expect(leadingKeys).toContain('T#*');
      expect(leadingKeys.filter((k) => k.startsWith('SYS#TENANT') || k === 'SYS#*' || k === '*')).toEqual([]);
    }
  });
});
