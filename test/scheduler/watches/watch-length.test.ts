import { expect, test } from 'vitest';
import type { RequestBody } from '../../../src/core/request.ts';
import { watchLength } from '../../../src/scheduler/watches/watch-length.ts';

const entry = (id: string, pieces: number, body: Partial<RequestBody> = {}) => ({
  request: { id, line: 1, endpoint: '/v1/chat/completions' as const, body: { model: 'm', ...body } },
  pieces,
  writingSince: null,
});

/** What is told of these requests, looked at twice a second for so many seconds. */
function toldOf(entries: Parameters<ReturnType<typeof watchLength>>[0], seconds: number): string[] {
  const told: string[] = [];
  const look = watchLength(({ topic, text }) => void told.push(`${topic}: ${text}`));
  for (let at = 0; at <= seconds * 1000; at += 500) look(entries, 5000 + at);
  return told;
}

test('an answer that is written for a minute is told once, with its id, its tokens and the flag', () => {
  const writing = [entry('waits', 0), entry('writes', 812), entry('writes-too', 3)];
  expect(toldOf(writing, 59)).toEqual([]);
  const told = [expect.stringMatching(/^long-answer: .*\bwrites\b.* for 1m 00s \(812 tokens so far\).*--max-tokens/)];
  expect(
    toldOf(
      writing.map((each) => ({ ...each, writingSince: null })),
      600,
    ),
  ).toEqual(told);
});

test.each(['max_tokens', 'max_completion_tokens', 'num_predict'])('one that has %s is not', (key) => {
  expect(toldOf([entry('writes', 812, { [key]: 4000 })], 600)).toEqual([]);
});

test('one that only waits for its first token is not', () => {
  expect(toldOf([entry('waits', 0)], 600)).toEqual([]);
});
