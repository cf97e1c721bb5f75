import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import type { GenerateContext } from '../../../src/core/backend.ts';
import type { Answer } from '../../../src/core/completion.ts';
import { chat } from '../candidates.ts';
import { completed, context } from '../conformance.ts';
import { openOn } from './open-openai-for-test.ts';
import { type Reply, delta, events, startScriptedOpenai, whole } from './scripted-openai.ts';

async function ask(reply: Reply, stream: boolean, changes: Partial<GenerateContext> = {}): Promise<Answer> {
  const server = await startScriptedOpenai(reply);
  const { backend } = await openOn(server, { options: { stream } });
  return backend.generate(chat([{ role: 'user', content: 'hi' }]), context(changes));
}

const streamed = (text: string, changes: Partial<GenerateContext> = {}): Promise<Answer> =>
  ask((response) => void response.setHeader('content-type', 'Text/Event-Stream').end(text), true, changes);
const said = (body: string | Buffer, headers: Record<string, string | string[]> = {}): Promise<Answer> =>
  ask((response) => void response.writeHead(200, headers).end(body), false);

const part = (choice: object): object => ({ choices: [{ index: 0, delta: { content: 'a' }, ...choice }] });
const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;

describe('of two reasons for an end the worse one holds', () => {
  test.each([
    ['length', 'stop', 'length'],
    ['stop', 'length', 'length'],
    ['content_filter', 'stop', 'content_filter'],
    ['stop', 'tool_calls', 'tool_calls'],
    ['stop', null, 'stop'],
  ])('%j, then %j', async (first, second, reason) => {
    const answer = await streamed(events(delta('a', first), delta('', second)));
    expect(completed(answer).body.choices?.[0]?.finish_reason).toBe(reason);
  });

  test.each([
    ['error', 'server-error'],
    ['abort', 'server-error'],
    ['tired', 'invalid-response'],
    [{ toString: 1 }, 'invalid-response'],
  ])('%j, then "stop"', async (first, kind) => {
    const answer = await streamed(events(part({ finish_reason: first }), delta('', 'stop')));
    expect(answer).toMatchObject({ status: 'failed', kind });
  });
});

test.each([
  ['a number of a choice that is none', events(part({ index: { toString: 1 }, finish_reason: 'stop' }))],
  ['a negative one', events(part({ index: -1, finish_reason: 'stop' }))],
  ['a call of a tool with an odd number', events(part({ delta: { tool_calls: [{ index: 1e9 }] } }))],
  [
    'arguments nested too deep',
    `data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":${deep}}}]}}]}\n\n`,
  ],
  ['UTF-16', Buffer.from(events(delta('a', 'stop')), 'utf16le').toString('latin1')],
  ['NUL bytes between its lines', events(delta('a', 'stop')).replaceAll('\n\n', '\n\0\n')],
])('a stream with %s is no answer', async (_name, text) => {
  expect(await streamed(text)).toMatchObject({ status: 'failed', kind: 'invalid-response' });
});

test.each([
  ['is nested too deep', JSON.stringify(whole('a', { x: 0 })).replace('"x":0', `"x":${deep}`), {}],
  ['is compressed', gzipSync(JSON.stringify(whole('a'))), { 'content-encoding': 'gzip' }],
  ['is empty', '', {}],
  ['is a page', '<html>log in</html>', { 'content-type': 'text/html' }],
  ['is cut', JSON.stringify(whole('a')).slice(0, -5), {}],
  ['is followed by something', `${JSON.stringify(whole('a'))}{}`, {}],
  ['has an odd reason', JSON.stringify(whole('a')).replace('"stop"', '[{"toString":1}]'), {}],
])('a whole answer that %s is none', async (_name, body, headers) => {
  expect(await said(body, headers)).toMatchObject({ status: 'failed', kind: 'invalid-response' });
});

test.each<object>([
  { error: [{ toString: 1 }] },
  { error: { message: { toString: 1 } } },
  { error: { message: 'x', code: { toString: 1 }, type: [{ toString: 1 }] } },
  { error: { toString: 1 } },
  { error: 0 },
])('%j is an error, told in a sentence', async (body) => {
  for (const answer of [await said(JSON.stringify(body)), await streamed(events(body))]) {
    expect(answer).toMatchObject({
      kind: 'server-error',
      message: expect.stringMatching(/^The server .*\.$/) as string,
    });
  }
  const refused = await ask((response) => void response.writeHead(400).end(JSON.stringify(body)), false);
  expect(refused).toMatchObject({ kind: 'bad-request', message: expect.stringMatching(/^The server .*\.$/) as string });
});

describe('an error without the key `error`', () => {
  test.each<[object, string]>([
    [{ object: 'error', message: 'CUDA out of memory', code: 500 }, 'out-of-memory'],
    [{ detail: 'boom' }, 'server-error'],
    [{ message: 'slow down', code: 429 }, 'rate-limited'],
  ])('%j is one all the same', async (error, kind) => {
    expect(await said(JSON.stringify(error))).toMatchObject({ status: 'failed', kind });
    // Also where the stream goes on to an end.
    const answer = await streamed(events(delta('half'), error, delta('', 'stop')));
    expect(answer).toMatchObject({ status: 'failed', kind });
  });
});

describe('a reason for an end in other words', () => {
  test.each([
    ['max_tokens', 'length'],
    ['MAX_TOKENS', 'length'],
    ['model_length', 'length'],
    ['SAFETY', 'content_filter'],
    ['STOP', 'stop'],
    ['eos', 'eos'],
    ['end_turn', 'end_turn'],
  ])('%s is %s', async (reason, ours) => {
    const text = events(delta('a', reason));
    const choices = [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: reason }];
    for (const answer of [await streamed(text), await said(JSON.stringify(whole('a', { choices })))])
      expect(completed(answer).body.choices?.[0]?.finish_reason).toBe(ours);
  });

  test.each(['insufficient_system_resource', 'network_error'])('%s is a failure of the server', async (reason) => {
    expect(await streamed(events(delta('a', reason)))).toMatchObject({ status: 'failed', kind: 'server-error' });
  });
});

test('headers that come twice are no bug', async () => {
  const location = ['location', 'http://a/', 'location', 'http://b/'];
  const answer = await ask((response) => void response.writeHead(302, location).end(), false);
  expect(answer).toMatchObject({ kind: 'unusable', message: expect.stringContaining('http://a/:') as string });
  const twice = ['retry-after', '1', 'retry-after', '2', 'x-ratelimit-remaining-requests', '0'];
  expect(await ask((response) => void response.writeHead(429, twice).end(), false)).toMatchObject({
    retryAfterMs: 1000,
  });
});

test.each<unknown>([
  { prompt_tokens: -5, completion_tokens: 1 },
  { prompt_tokens: 1.5, completion_tokens: 1 },
  { prompt_tokens: 1e308, completion_tokens: 1e308 },
  { prompt_tokens: 1 },
  { prompt_tokens: '1', completion_tokens: { toString: 1 } },
  [1],
])('counts that can’t be are not there: %j', async (usage) => {
  expect(completed(await said(JSON.stringify(whole('a', { usage })))).body).not.toHaveProperty('usage');
});

test('choices that a server numbers alike are numbered by their places', async () => {
  const message = { role: 'assistant', content: 'a' };
  const choices = [0, 0, { toString: 1 }].map((index) => ({ index, message, finish_reason: 'stop' }));
  const { body } = completed(await said(JSON.stringify(whole('a', { choices }))));
  expect(body.choices?.map(({ index }) => index)).toEqual([0, 1, 2]);
});

test('names of fields are a server’s, also those that JavaScript knows', async () => {
  const text = '{"choices":[{"delta":{"__proto__":"x","constructor":"y","content":"a"},"__proto__":{"text":"z"}}]}';
  const { body } = completed(await streamed(events(JSON.parse(text) as object, delta('b', 'stop'))));
  expect(body.choices?.[0]?.message?.content).toBe('ab');
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)['text']).toBeUndefined();
});

test('half a surrogate pair is kept as it was said', async () => {
  const text = events(delta('@', 'stop')).replace('@', String.raw`a\ud83d`);
  const { body } = completed(await streamed(text));
  expect(JSON.stringify(body.choices?.[0]?.message?.content)).toBe(String.raw`"a\ud83d"`);
});

test('what is no part of an answer is no sign of life', async () => {
  const signs: string[] = [];
  const nothing = [
    { choices: [] },
    part({ delta: {} }),
    part({ delta: { role: 'assistant', content: '' } }),
    { id: 'x' },
  ];
  const changes = { onActivity: () => signs.push('life'), onToken: () => signs.push('token') };
  await streamed(events(...nothing, ...nothing, delta('a', 'stop')), changes);
  // The head of the response is one.
  expect(signs.filter((sign) => sign === 'token')).toHaveLength(1);
  expect(signs.length).toBeLessThanOrEqual(3);
});

test('a failure keeps what the server counted', async () => {
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const counted = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } };
  expect(await streamed(events(delta('a', 'error'), counted))).toMatchObject({ kind: 'server-error', usage });
  expect(await streamed(events(counted, { error: 'x' }))).toMatchObject({ kind: 'server-error', usage });
  expect(await streamed(events(delta('a', 'stop'), counted).replace('data: [DONE]', ''))).toMatchObject({
    kind: 'server-error',
    usage,
  });
});

describe('after its end', () => {
  test('a stream that goes on is let go, and its connection with it', async () => {
    const server = await startScriptedOpenai((response) => {
      response.setHeader('content-type', 'text/event-stream').write(events(delta('a', 'stop')));
      response.write(events(delta('b', 'error')));
    });
    const { backend } = await openOn(server, { options: { stream: true } });
    const before = server.connections;
    const { body } = completed(await backend.generate(chat([{ role: 'user', content: 'hi' }]), context()));
    expect(body.choices?.[0]?.message?.content).toBe('a');
    await vi.waitFor(() => expect(server.connections).toBeLessThanOrEqual(Math.max(1, before)), { timeout: 30_000 });
  });

  test('a connection is used again', async () => {
    const server = await startScriptedOpenai((response) => {
      response.setHeader('content-type', 'text/event-stream').end(events(delta('a'.repeat(200_000), 'stop')));
    });
    const { backend } = await openOn(server, { options: { stream: true } });
    for (let time = 0; time < 5; time++) {
      completed(await backend.generate(chat([{ role: 'user', content: 'hi' }]), context()));
    }
    expect(server.connections).toBeLessThanOrEqual(3);
  });
});

test('answers of another model than the one asked for are told once', async () => {
  const server = await startScriptedOpenai(
    (response) => void response.end(JSON.stringify(whole('a', { model: 'other' }))),
  );
  const { backend, notices } = await openOn(server, { options: { stream: false } });
  for (let time = 0; time < 3; time++) {
    const { body } = completed(await backend.generate(chat([{ role: 'user', content: 'hi' }]), context()));
    expect(body.model).toBe('other');
  }
  expect(notices.filter((notice) => notice.includes('of the model other'))).toHaveLength(1);
});

describe('an answer whose content is a list of parts', () => {
  const thought = {
    type: 'thinking',
    thinking: [
      { type: 'text', text: 'Hm. ' },
      { type: 'text', text: 'So.' },
    ],
  };
  const parts = [thought, { type: 'text', text: 'Re' }, { type: 'text', text: 'd' }];
  const message = (content: unknown): string =>
    JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] });

  test('is its text, and what was thought stands beside it', async () => {
    const { body } = completed(await said(message(parts)));
    expect(body.choices?.[0]?.message).toMatchObject({ content: 'Red', reasoning_content: 'Hm. So.' });
  });

  test('is put together from a stream too', async () => {
    const pieces = parts.map((piece) => part({ delta: { content: [piece] } }));
    const answer = completed(await streamed(events(...pieces, delta('!', 'stop'))));
    expect(answer.body.choices?.[0]?.message).toMatchObject({ content: 'Red!', reasoning_content: 'Hm. So.' });
  });

  test.each([[{ type: 'image_url' }], [{ type: 'text' }], [7], [{ type: 'thinking', thinking: [{ type: 'x' }] }]])(
    'is no answer where a part is no text: %j',
    async (odd) => {
      const failed = {
        status: 'failed',
        kind: 'invalid-response',
        message: expect.stringContaining('not text') as string,
      };
      expect(await said(message([...parts, odd]))).toMatchObject(failed);
      expect(await streamed(events(part({ delta: { content: [odd] } }), delta('a', 'stop')))).toMatchObject(failed);
    },
  );
});
