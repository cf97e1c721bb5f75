import { describe, expect, test } from 'vitest';
import { createFailureGroups, createMessagePool } from '../../src/core/failures/failure-groups.ts';

const cut = (tokens: string): string => `the answer was cut after ${tokens} tokens: raise max_tokens`;

describe('failures that say the same', () => {
  test('show the range of their tokens, whatever came first', () => {
    const groups = createFailureGroups();
    for (const [id, tokens] of Object.entries({ a: '320', b: '80', c: '1,280', d: '320' }))
      groups.add('truncated', { id, message: cut(tokens) });
    groups.add('input', { id: 'e', message: 'the id "x" was seen before, on line 3' });
    groups.add('input', { id: 'f', message: 'the id "x" was seen before, on line 9' });
    expect(groups.read()).toEqual([
      { kind: 'truncated', count: 4, message: cut('80 to 1,280'), ids: ['a', 'b', 'c', 'd'] },
      { kind: 'input', count: 2, message: 'the id "x" was seen before, on line 3', ids: ['e', 'f'] },
    ]);
  });

  test('are kept once each, and as the first of their kind when there are too many', () => {
    const pooled = createMessagePool();
    expect([cut('80'), cut('320'), cut('80')].map(pooled)).toEqual([cut('80'), cut('320'), cut('80')]);
    for (let tokens = 1; tokens < 1000; tokens++) pooled(cut(String(tokens)));
    expect([pooled(cut('5000')), pooled('another')]).toEqual([cut('80'), '']);
  });
});
