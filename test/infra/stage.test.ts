import { App } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { readStage } from '../../infra/aws/stage.ts';

const read = (context: Record<string, string>) => readStage(new App({ context }).node);

describe('the settings of a deployment', () => {
  it('are those of a throw-away stage unless told otherwise', () => {
    expect(read({})).toMatchObject({ name: 'dev', stateful: false });
    expect(read({ stage: 'prod' })).toMatchObject({ name: 'prod', stateful: true });
  });

  it('take any issuer with its audiences', () => {
    expect(read({ issuer: 'https://id.example.com', audience: 'a, b' }).issuer).toEqual({
      url: 'https://id.example.com',
      audience: ['a', 'b'],
    });
  });

  it.each([
    ['an issuer without an audience', { issuer: 'https://id.example.com' }, /audience/],
    ['an audience without an issuer', { audience: 'strata' }, /issuer/],
    ['a stage that makes no valid names', { stage: 'Prod_1' }, /stage/],
  ])('refuse %s', (_what, context, message) => {
    expect(() => read(context as Record<string, string>)).toThrow(message);
  });
});
