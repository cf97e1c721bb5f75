import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { noUsage } from '../../../../src/core/completion.ts';
import {
  classifyErrorBody,
  classifyResponse,
  classifyThrown,
} from '../../../../src/backends/openai/http/classify-error.ts';
import { createClient } from '../../../../src/backends/openai/http/client.ts';
import { type ErrorPageName, errorPages } from '../../../helpers/fake-openai/errors.ts';
import { freePort } from '../../../helpers/serve.ts';

const classify = (status: number, text: string) => classifyResponse({ status, headers: {}, text });

test.each<[ErrorPageName, string]>([
  ['rate-limited', 'rate-limited'],
  ['quota', 'unusable'],
  ['overloaded', 'overloaded'],
  ['server-error', 'server-error'],
  ['out-of-memory', 'out-of-memory'],
  ['engine-dead', 'engine-crashed'],
  ['content-filter', 'refused'],
  ['unauthorized', 'unauthorized'],
  ['forbidden', 'unauthorized'],
  ['model-gone', 'model-not-found'],
  ['path-gone', 'unusable'],
  ['bad-key', 'bad-request'],
  ['too-large', 'bad-request'],
  ['no-stream', 'bad-request'],
  ['timed-out', 'timeout'],
  ['gateway', 'connection'],
  ['gateway-timeout', 'timeout'],
  ['moved', 'unusable'],
])('%s is %s, with a sentence', (name, kind) => {
  const { status, body } = errorPages[name];
  const failed = classify(status, body);
  expect(failed).toMatchObject({ kind, response: { status_code: status } });
  expect(failed.message).toMatch(/^[A-Z].*\.$/);
  expect(failed.message).not.toMatch(/<html>|secret/);
});

test('what a server says is one line, without what a terminal would act on', () => {
  const message = '\u001B[2J\u001B]0;owned\u0007first\nsecond \u009B31mred';
  for (const [status, before] of [
    [500, ''],
    [400, 'maximum context length: '],
    [401, ''],
  ] as const) {
    const failed = classify(status, JSON.stringify({ error: { message: before + message } }));
    expect(failed.message).toContain(`The server says: ${before}first second red.`);
  }
  const headers = { location: 'http://x/\u001B[2Jy' };
  expect(classifyResponse({ status: 302, headers, text: '' }).message).toContain('to http://x/y:');
});

test('it says what to do', () => {
  const messageOf = (name: ErrorPageName): string => classify(errorPages[name].status, errorPages[name].body).message;
  expect(messageOf('unauthorized')).toContain('OPENAI_API_KEY');
  expect(messageOf('path-gone')).toContain('/v1');
  expect(messageOf('no-stream')).toContain('--option stream=false');
  expect(
    classifyResponse({ ...errorPages.moved, headers: { location: 'http://other/v1?key=secret' }, text: '' }).message,
  ).toBe('The server redirects (307) to http://other/v1: use the final address for --base-url.');
});

describe('a context that is too small', () => {
  test.each<[ErrorPageName, string]>([
    ['context-vllm', 'The prompt has at least 1,025 tokens, and the context window 1,024'],
    ['context-vllm-answer', 'The prompt has 1,000 tokens, and the context window 1,024: lower max_tokens'],
    ['context-llama-server', 'The prompt has 4,185 tokens, and the context window 2,048'],
    ['context-openai', 'The prompt has 9,001 tokens, and the context window 8,192'],
    ['context-openai-answer', 'The prompt has 4,005 tokens, and the context window 4,097: lower max_tokens'],
    ['context-sglang', 'The prompt has 5,000 tokens, and the context window 4,096'],
    ['context-ollama', 'The server says: the prompt is longer than the context length'],
  ])('%s', (name, start) => {
    const failed = classify(errorPages[name].status, errorPages[name].body);
    expect(failed.kind).toBe('context-too-long');
    expect(failed.message.slice(0, start.length)).toBe(start);
  });

  test.each([
    [
      "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens (139000 of text input, 1000 in the output).",
      '140,000',
      '131,072',
    ],
    ['The decoder prompt (length 1030) is longer than the maximum model length of 1024. Make sure', '1,030', '1,024'],
    [
      "You passed 1025 input tokens and requested 16 output tokens. However, the model's context length is only 1024 tokens",
      '1,025',
      '1,024',
    ],
    [
      'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens',
      '5,000',
      '4,096',
    ],
    ['prompt is too long: 208310 tokens > 200000 maximum', '208,310', '200,000'],
    [
      'Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.',
      '300,000',
      '272,000',
    ],
  ])('%s', (message, prompt, window) => {
    const failed = classify(400, JSON.stringify({ error: { message } }));
    expect(failed.kind).toBe('context-too-long');
    expect(failed.message).toContain(`${prompt} tokens, and the context window ${window}`);
  });

  test('only a refusal of the request says so', () => {
    const message = 'CUDA error; earlier: request (9 tokens) exceeds the available context size (8 tokens)';
    expect(classify(500, JSON.stringify({ error: { message } })).kind).toBe('server-error');
  });

  test('an older llama-server refuses it with a 500', () => {
    const message = 'the request exceeds the available context size. try increasing the context size';
    expect(classify(500, JSON.stringify({ error: { message } })).kind).toBe('context-too-long');
  });
});

test('a refusal that quotes the request stops no run', () => {
  const message = "1 validation error: 'input': 'This model was not found useful, says the candidate'";
  expect(classify(400, JSON.stringify({ error: { message } })).kind).toBe('bad-request');
});

test.each([
  ['', 'The server answers with HTTP 500.'],
  ['plain words', 'The server says: plain words.'],
  ['{"error":"a text."}', 'The server says: a text.'],
  ['{"detail":"a detail"}', 'The server says: a detail.'],
  ['{"message":"a message"}', 'The server says: a message.'],
  ['[1]', 'The server says: [1].'],
])('a body of %s', (text, message) => {
  expect(classify(500, text)).toMatchObject({ kind: 'server-error', message });
});

test('an error in the middle of an answer has the status that it names', () => {
  expect(classifyErrorBody({ message: 'slow down', code: 429 }).kind).toBe('rate-limited');
  expect(classifyErrorBody({ message: 'x', code: 'server_error' }).kind).toBe('server-error');
  expect(classifyErrorBody('just words')).toMatchObject({
    kind: 'server-error',
    message: 'The server says: just words.',
  });
});

describe('a connection', () => {
  async function failureOf(port: number) {
    const place = { url: `http://127.0.0.1:${port}/v1`, root: '', isLocal: true, key: null };
    const client = createClient(place, 1);
    onTestFinished(() => client.close());
    const never = new AbortController().signal;
    return client.post('/v1/chat/completions', {}, never).then(() => null, classifyThrown);
  }

  test('that is refused, or broken, in words', async () => {
    const message = 'Nothing listens at the address of the server.';
    expect(await failureOf(await freePort())).toEqual({
      status: 'failed',
      kind: 'connection',
      message,
      // Nothing was sent.
      usage: noUsage,
    });
    const server = createServer((socket) => socket.resetAndDestroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const broken = await failureOf((server.address() as AddressInfo).port);
    expect(broken).not.toHaveProperty('usage');
    expect(broken?.message).toMatch(/^The server (broke|closed) the connection before the answer was whole\.$/);
  });

  test('that speaks no HTTP', async () => {
    const server = createServer((socket) => socket.end('hello\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    expect(await failureOf((server.address() as AddressInfo).port)).toMatchObject({ kind: 'connection' });
  });

  test('a mistake of this program is no failure of the server', () => {
    expect(() => classifyThrown(new TypeError('x is not a function'))).toThrow(TypeError);
  });
});

test('a request that is larger than all that a minute allows is not sent again', () => {
  const message = 'Request too large for m on tokens per min (TPM): Limit 30000, Requested 50000.';
  expect(classify(429, JSON.stringify({ error: { message, code: 'rate_limit_exceeded' } })).kind).toBe('bad-request');
});
