import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Node } from 'constructs';

/** Who signs the tokens that the API accepts. */
export interface Issuer {
  url: string;
  audience: string[];
}

/** What differs between deployments; everything else is the same everywhere. */
export interface StageSettings {
  name: string;
  /** Keeps its data: what holds state is protected from deletion and outlives its stack. */
  stateful: boolean;
  removalPolicy: RemovalPolicy;
  logRetention: RetentionDays;
  /** Any OIDC issuer; without one the deployment makes a Cognito user pool. */
  issuer?: Issuer;
}

const text = (node: Node, key: string): string | undefined => {
  const value: unknown = node.tryGetContext(key);
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new Error(`The context value "${key}" must be text.`);
  return value;
};

/**
 * Reads the deployment's settings: `cdk deploy --all -c stage=prod -c issuer=https://id.example.com -c audience=strata`.
 * @throws Error that says which context value is missing or wrong.
 */
export function readStage(node: Node): StageSettings {
  const name = text(node, 'stage') ?? 'dev';
  if (!/^[a-z][a-z0-9-]{0,11}$/.test(name))
    throw new Error(`The stage "${name}" must be 1-12 of a-z, 0-9 and "-", and start with a letter.`);
  const url = text(node, 'issuer');
  const audience = (text(node, 'audience') ?? '').split(',').flatMap((part) => part.trim() || []);
  if (url && audience.length === 0)
    throw new Error('An issuer needs an audience: set the context value "audience" too.');
  if (!url && audience.length > 0) throw new Error('An audience needs an issuer: set the context value "issuer" too.');
  const stateful = name !== 'dev';
  return {
    name,
    stateful,
    removalPolicy: stateful ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    logRetention: stateful ? RetentionDays.THREE_MONTHS : RetentionDays.ONE_WEEK,
    ...(url ? { issuer: { url, audience } } : {}),
  };
}
