import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ROOT } from '../../infra/aws/bundle.ts';
import { buildHouse, type House } from '../../infra/aws/house.ts';
import type { TableId } from '../../infra/topology.ts';

interface Statement {
  Condition?: Record<string, Record<string, string[]>>;
  Effect: string;
  Action: string | string[];
  Resource: unknown;
}
// biome-ignore lint/suspicious/noExplicitAny: templates are documents without a type; what a test reads of one, it asserts.
type Properties = Record<string, any>;
export interface Resource {
  Type: string;
  Properties: Properties;
  DeletionPolicy?: string;
}
export interface DeployedFunction {
  name: string;
  properties: Properties;
  environment: Record<string, unknown>;
  statements: { actions: string[]; resources: unknown[]; leadingKeys: string[] | undefined }[];
}

/** The stacks as they are deployed, without the code of the functions. */
export function house(stage: string, context: Record<string, string> = {}) {
  const flags = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')).context;
  const app = new App({ context: { ...flags, 'aws:cdk:bundling-stacks': [], stage, ...context } });
  const stacks = buildHouse(app);
  const templates = Object.fromEntries(
    Object.entries(stacks).map(([part, stack]) => [part, Template.fromStack(stack)]),
  );
  return { app, stacks, templates: templates as Record<keyof House, Template> };
}
export type BuiltHouse = ReturnType<typeof house>;

export const resourcesOf = (template: Template, type: string): Resource[] =>
  Object.values(template.toJSON().Resources as Record<string, Resource>).filter((resource) => resource.Type === type);

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Every function of the house by its name without the stage, with what its role may do. */
export function functionsOf({ templates }: BuiltHouse, stage: string): Map<string, DeployedFunction> {
  const found = new Map<string, DeployedFunction>();
  for (const template of Object.values(templates)) {
    const policies = resourcesOf(template, 'AWS::IAM::Policy');
    for (const { Properties: properties } of resourcesOf(template, 'AWS::Lambda::Function')) {
      const role: string = properties.Role['Fn::GetAtt'][0];
      const mine = policies.filter((policy) => policy.Properties.Roles.some((r: { Ref: string }) => r.Ref === role));
      const statements = mine.flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]);
      const name = String(properties.FunctionName).replace(`strata-${stage}-`, '');
      found.set(name, {
        name,
        properties,
        environment: properties.Environment?.Variables ?? {},
        statements: statements.map((s) => ({
          actions: list(s.Action),
          resources: list(s.Resource),
          leadingKeys: s.Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'],
        })),
      });
    }
  }
  return found;
}

/** The tables that a value of a template speaks of, by name or by ARN. */
export const tablesIn = (value: unknown): TableId[] =>
  (['control', 'events', 'world'] as const).filter((id) =>
    new RegExp(`${id}Table`, 'i').test(JSON.stringify(value) ?? ''),
  );
