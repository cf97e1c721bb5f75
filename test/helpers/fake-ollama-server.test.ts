import { describe, expect, onTestFinished, test } from 'vitest';
import { candidate, candidates } from '../backends/candidates.ts';
import { recordedExchanges } from './fake-ollama/recordings.ts';
import { recordedAnswer, replay, wireAnswer } from './fake-ollama/replay.ts';
import { type FakeOllamaOptions, startFakeOllama } from './fake-ollama-server.ts';

async function start(options: FakeOllamaOptions = {}) {
  const server = await startFakeOllama(options);
  onTestFinished(() => server.close());
  return server;
}

async function ask(url: string, index: number): Promise<string> {
  const { messages } = candidate(index).request.body;
  const body = JSON.stringify({ model: 'tiny-scorer', messages, stream: false });
  const response = await fetch(`${url}/api/chat`, { method: 'POST', body });
  return ((await response.json()) as { message: { content: string } }).message.content;
}

test('it answers every candidate right, as many at once as it has slots', async () => {
  const server = await start({ slots: 4 });
  const answers = await Promise.all(candidates.map((_, index) => ask(server.url, index)));
  expect(answers).toEqual(candidates.map(({ answer }) => answer));
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

test.each(recordings)('it answers as recorded: %s', async (name) => {
  const { url } = await start();
  await checkRecording(url, name);
});

const realServer = process.env['LLMBATCH_TEST_OLLAMA'];

describe.skipIf(realServer === undefined)('a real server', () => {
  test.each(recordings)('answers as recorded: %s', async (name) => {
    await checkRecording(`http://${realServer}`, name);
  });
});
