import { expect, test } from 'vitest';
import { retrySteps } from '../../src/report/failures/retry-steps.ts';

const facts = { output: 'a.results.jsonl', parameters: {}, isPiped: false };
const cut = (message: string) => ({
  byKind: { truncated: 1 },
  byGroup: {},
  failures: [{ kind: 'truncated' as const, count: 1, message, ids: ['a'] }],
});

test('lines are to be mended only where their own limit cut the answer', () => {
  expect(retrySteps(cut('the answer was cut after 3 tokens: raise max_tokens'), facts)).toEqual([
    {
      reason: 'truncated: correct these lines, then',
      command: 'llmbatch resume a.results.jsonl --allow-drift --retry-failed all',
    },
  ]);
  expect(retrySteps(cut('the engine cut it'), facts)).toEqual([
    { reason: 'with the same settings', command: 'llmbatch resume a.results.jsonl --retry-failed all' },
  ]);
});

test('the limit of the run is raised', () => {
  const limited = { ...facts, parameters: { max_tokens: 100 } };
  expect(retrySteps(cut('the answer was cut after 100 tokens: raise max_tokens'), limited)).toEqual([
    { reason: 'with longer answers', command: 'llmbatch resume a.results.jsonl --max-tokens 400 --retry-failed all' },
  ]);
});

test('answers that several limits cut get more than the last of them', () => {
  const limited = { ...facts, parameters: { max_tokens: 320 } };
  const message = 'the answer was cut after 80 to 320 tokens: raise max_tokens';
  expect(retrySteps(cut(message), limited).map(({ command }) => command)).toEqual([
    expect.stringContaining('--max-tokens 1280 --retry-failed all'),
  ]);
});

test('answers that were cut while they repeated themselves get no longer limit', () => {
  const limited = { ...facts, parameters: { max_tokens: 320 } };
  for (const why of ['while it said the same again and again', 'and has only blanks']) {
    const message = `the answer was cut after 320 tokens, ${why}: more would not end it`;
    const commands = retrySteps(cut(message), limited).map(({ command }) => command);
    expect(commands).toEqual([
      expect.stringContaining('--temperature 0.7 --retry-failed all'),
      expect.stringContaining('-m LARGER_MODEL'),
    ]);
  }
});
