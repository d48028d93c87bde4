import { expect, it } from 'vitest';
import { busy, DomainError, invalid, notFound, PROBLEMS, type ProblemCode } from '../../shared/kernel/errors.ts';

it.each(Object.entries(PROBLEMS))('a refusal with code %s has the status and title of the table', (code, problem) => {
  const error = new DomainError(code as ProblemCode, 'why');
  expect(error.status).toBe(problem.status);
  expect(problem.title).not.toBe('');
});

it('a missing thing is told in the same words, whoever owns it', () => {
  expect(notFound('VM', 'vm_1').message).toBe("There is no VM 'vm_1'.");
});

it('a single flaw is the detail; of several the number is told and all are listed', () => {
  const [a, b] = [
    { location: 'body.a', message: 'is missing' },
    { location: 'body.b', message: 'is missing' },
  ];
  expect(invalid([a]).message).toBe('is missing');
  expect(invalid([a, b]).message).toMatch(/^2 parts/);
  expect(invalid([a, b]).flaws).toEqual([a, b]);
});

it('whoever is told that the cloud is busy is told when to come again', () => {
  expect(busy('later').figures.retryAfterSeconds).toBe(1);
});
