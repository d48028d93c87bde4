import { describe, expect, it } from 'vitest';
import { labAnswer, labRequest } from '../../../shared/contract/lab.ts';
import { runLab } from '../../../shared/hypervisor/lab/lab.ts';
import { RefusedAt } from '../../../shared/hypervisor/lab/within.ts';
import { Refused } from '../../../shared/hypervisor/refusal.ts';
import { IMPOSSIBLE } from './impossible.ts';
import { POSSIBLE, type Question } from './questions.ts';

const ask = (question: Question) => runLab(labRequest.parse(question));

describe('every answer', () => {
  it.each(Object.entries(POSSIBLE))('has all that the contract says and nothing beyond: %s', (_, question) => {
    const answer = JSON.parse(JSON.stringify(ask(question)));
    const parsed = labAnswer.safeParse(answer);
    expect(parsed.error?.issues ?? []).toEqual([]);
    expect(answer).toEqual(parsed.data);
  });

  it.each(Object.entries(POSSIBLE))('begins with sentences that can be read: %s', (_, question) => {
    const { summary } = ask(question);
    expect(summary.length).toBeGreaterThan(0);
    for (const sentence of summary) {
      expect(sentence).toMatch(/^[a-zA-Z0-9].*\.$/s);
      expect(sentence).not.toMatch(/undefined|NaN|Infinity|\bnull\b|\[object/);
    }
  });
});

describe('what cannot be is refused by its rule, and the refusal names the part at fault:', () => {
  it.each(IMPOSSIBLE)('%s (%s)', (_, rule, at, question) => {
    const parsed = labRequest.parse(question);
    let thrown: unknown;
    try {
      runLab(parsed);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Refused);
    const { refusal } = thrown as Refused;
    expect([refusal.rule, thrown instanceof RefusedAt ? thrown.at : '']).toEqual([rule, at]);
    expect(refusal.reason).not.toMatch(/undefined|NaN|\[object/);
    expect(refusal.fix).not.toBe('');
  });
});
