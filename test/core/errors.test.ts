import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  EngineError,
  JournalError,
  UsageError,
  allErrorKinds,
  codeOf,
  groupOf,
  isErrorKind,
  isTransient,
  messageOf,
  stopsTheRun,
} from '../../src/core/errors.ts';

test('a kind is retried, or fails its request, or stops the run', () => {
  const both = allErrorKinds.filter((kind) => isTransient(kind) && stopsTheRun(kind));
  expect(both).toEqual([]);
  expect(allErrorKinds.filter(isTransient)).toEqual([
    'rate-limited',
    'overloaded',
    'timeout',
    'connection',
    'server-error',
    'engine-crashed',
    'out-of-memory',
    'invalid-response',
  ]);
  expect(allErrorKinds.filter(stopsTheRun)).toEqual(['unauthorized', 'model-not-found', 'unusable']);
});

test('the reports group kinds as OOM, timeout, model and other', () => {
  const groups = new Set(allErrorKinds.map(groupOf));
  expect([...groups].toSorted()).toEqual(['OOM', 'model', 'other', 'timeout']);
});

test('no property that every object has is a kind', () => {
  expect(['constructor', 'toString', '__proto__', ''].some(isErrorKind)).toBe(false);
});

test('errors carry their exit code, their name, a hint and a cause', () => {
  const cause = new Error('cause');
  expect(new UsageError('wrong', 'do this')).toMatchObject({ exitCode: 2, name: 'UsageError', hint: 'do this' });
  expect(new JournalError('full', undefined, cause)).toMatchObject({ exitCode: 5, name: 'JournalError', cause });
  expect(new EngineError('unusable', 'gone')).toMatchObject({ exitCode: 4, kind: 'unusable', hint: undefined });
});

test('anything thrown has a message, and a system error its code', async () => {
  const error: unknown = await open('/no/such/file').catch((thrown: unknown) => thrown);
  expect([codeOf(error), codeOf(new Error('plain')), codeOf('text')]).toEqual(['ENOENT', '', '']);
  expect([messageOf(new Error('plain')), messageOf('text'), messageOf(7)]).toEqual(['plain', 'text', '7']);
});
