import { describe, expect, test } from 'vitest';
import { candidate, candidates } from '../backends/candidates.ts';
import { ask, contentOf, longQuestion, question, startAsking } from './fake-ollama/ask.ts';
import { recordedExchanges } from './fake-ollama/recordings.ts';
import { recordedAnswer, replay, wireAnswer } from './fake-ollama/replay.ts';
import { startForTest } from './fake-ollama/start-for-test.ts';

test('it answers every candidate right, as many at once as it has slots', async () => {
  const server = await startForTest({ slots: 4 });
  const asked = await Promise.all(candidates.map((_, index) => ask(server.url, question(index))));
  expect(asked.map(contentOf)).toEqual(candidates.map(({ answer }) => answer));
  expect(server).toMatchObject({ loads: 1, maxInFlight: 4 });
});

/** What a real server answered, in the order it was asked; the fake has to say the same. */
const recordings = [
  ...['root', 'version', 'tags', 'show', 'show-verbose', 'show-unknown-404', 'preload', 'unload'],
  ...['chat-cold', 'chat-stream-ok', 'chat-stream-ok-2', 'chat-stream-repeat', 'chat-nonstream-ok'],
  ...['chat-nostreamfield', 'chat-format-json', 'chat-schema-nonstream', 'chat-schema-stream', 'chat-logprobs'],
  ...['generate-ok', 'generate-nonstream-ok', 'length-stop', 'length-stop-schema', 'stop-sequence', 'empty-answer'],
  ...['debug-render', 'unknown-option-200', 'error-bad-format-500', 'error-bad-json-400', 'error-bad-json-2-400'],
  ...['error-bad-option-500', 'error-bad-schema-400', 'error-bad-type-400', 'error-embed-501'],
  ...['error-empty-body-400', 'error-keep-alive-string-400', 'error-method-405', 'error-no-model-400'],
  ...['error-route-404', 'error-think-400', 'error-too-long-400', 'error-too-long-nonstream-400'],
  ...['error-unknown-model-404', 'too-long-truncated-200', 'fault-repeat-guard-no-done', 'reload-on-num-ctx'],
  ...['field-checks', 'option-checks', 'limits', 'answers'],
];

async function checkRecording(url: string, name: string): Promise<void> {
  for (const exchange of recordedExchanges(name)) {
    const answer = await replay(url, exchange);
    expect([exchange.request, wireAnswer(exchange, answer)]).toEqual([exchange.request, recordedAnswer(exchange)]);
  }
}

/** Clients that go do not keep others waiting. */
async function checkAborts(url: string): Promise<void> {
  const long = Array.from({ length: 8 }, () => startAsking(url, longQuestion(300)));
  await Promise.race(long.map(({ begun }) => begun));
  const waiting = startAsking(url, question(1, { think: false }));
  for (const { abort } of long) abort();
  const asked = await waiting.done;
  expect(asked.endMs).toBeLessThan(1000);
  expect(contentOf(asked)).toBe(candidate(1).answer);
}

/** The same question again is known but for its last token, where the server says so. */
async function checkCounts(url: string): Promise<void> {
  const first = await ask(url, question(2));
  const again = await ask(url, question(2));
  for (const { lines } of [first, again]) {
    expect(lines.at(-1)).toMatchObject({ prompt_eval_count: 50, eval_count: 14, done_reason: 'stop' });
  }
  expect([49, undefined]).toContain(again.lines.at(-1)?.['prompt_eval_cached_count']);
}

const checks = [
  ['clients that go', checkAborts],
  ['counts', checkCounts],
] as const;

test.each(recordings)('it answers as recorded: %s', async (name) => {
  const { url } = await startForTest();
  await checkRecording(url, name);
});

test('it lists what is loaded as recorded', async () => {
  const { url } = await startForTest();
  for (const name of ['ps-empty', 'preload', 'ps-loaded', 'unload', 'ps-after-unload']) await checkRecording(url, name);
});

test('it answers as recorded with the chat template of the model itself', async () => {
  const { url } = await startForTest({ nativeTemplate: true });
  await checkRecording(url, 'native-too-long-default-400');
});

test.each(checks)('it does as a real server: %s', async (_, check) => {
  const { url } = await startForTest({ tokenMs: 1 });
  await check(url);
});

/** The same against a real server with the model tiny-scorer (`LLMBATCH_TEST_OLLAMA=127.0.0.1:11434`): the fake is faithful. */
const realServer = process.env['LLMBATCH_TEST_OLLAMA'];

describe.skipIf(realServer === undefined)('a real server', () => {
  const url = `http://${realServer}`;

  test.each(recordings)('answers as recorded: %s', async (name) => {
    await checkRecording(url, name);
  });

  test.each(checks)('does the same: %s', async (_, check) => {
    await check(url);
  });
});
