import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCutCheck } from '../../../../src/backends/http/cut-check.ts';
import type { Backend } from '../../../../src/core/backend.ts';
import { type Answer, answerText } from '../../../../src/core/completion.ts';
import type { BatchRequest, RequestBody } from '../../../../src/core/request.ts';
import type { FaultName } from '../../../helpers/fake-ollama/faults.ts';
import { type FakeOllama, startFakeOllama } from '../../../helpers/fake-ollama-server.ts';
import { openRequest } from '../../../helpers/open-request.ts';
import { ollamaBackend } from '../../../../src/backends/ollama/index.ts';
import { candidate, chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { answer, loadedOn, startFake, tinyScorerFacts } from '../open-ollama-for-test.ts';
import { end, lines, piece, startScripted } from '../scripted-server.ts';

expectSilence();

const user = (content: unknown) => [{ role: 'user', content }];
const hello = (changes: Record<string, unknown> = {}) => chat(user('hello'), changes);
const choiceOf = (given: Answer) => completed(given).body.choices?.[0];

const completion = (prompt: string, changes: Partial<RequestBody> = {}): BatchRequest => ({
  id: 'completion',
  line: 1,
  endpoint: '/v1/completions',
  body: { model: 'tiny-scorer', prompt, ...changes },
});

const embedding = (input: string | string[], changes: Partial<RequestBody> = {}): BatchRequest => ({
  id: 'embedding',
  line: 1,
  endpoint: '/v1/embeddings',
  body: { model: 'tiny-scorer', input, ...changes },
});

describe('on an Ollama server', () => {
  let server: FakeOllama;
  let backend: Backend;
  beforeAll(async () => {
    server = await startFakeOllama({ slots: 2, capabilities: ['completion', 'tools', 'thinking', 'embedding'] });
    const options = { num_ctx: 1024, slots: 2 };
    backend = await ollamaBackend.open(openRequest('tiny-scorer', { connection: { host: server.url }, options }));
  });
  beforeEach(() => {
    server.faults = null;
    server.requests.length = 0;
  });
  afterAll(async () => {
    await backend.close();
    await server.close();
  });

  const ask = (request: BatchRequest): Promise<Answer> => backend.generate(request, context());
  const sent = () => server.requests.at(-1)?.body ?? {};

  test.each<[FaultName, string]>([
    ['busy', 'overloaded'],
    ['oom', 'out-of-memory'],
    ['load-failed', 'engine-crashed'],
    ['empty', 'server-error'],
    ['html', 'server-error'],
    ['retry-after', 'rate-limited'],
    ['runner-killed', 'engine-crashed'],
    ['stale-text', 'engine-crashed'],
    ['stale-text-early', 'engine-crashed'],
    ['no-done', 'repetition'],
    ['no-done-plain', 'server-error'],
    ['done-false', 'server-error'],
    ['garbled', 'invalid-response'],
    ['cut-prompt', 'context-too-long'],
    ['reset', 'connection'],
    ['closed', 'connection'],
  ])('the fault %s is %s, and the next request is answered', async (fault, kind) => {
    server.faults = () => fault;
    expect(await ask(candidate(0).request)).toMatchObject({
      status: 'failed',
      kind,
      message: expect.stringMatching(/\.$/) as string,
    });
    server.faults = null;
    expect(answerText(completed(await ask(candidate(1).request)).body)).toBe(candidate(1).answer);
  });

  test('the wish of the server to wait is passed on', async () => {
    server.faults = () => 'retry-after';
    expect(await ask(hello())).toMatchObject({ retryAfterMs: 1000, response: { status_code: 429 } });
  });

  test('all that is in flight when the engine dies fails as that', async () => {
    server.faults = ({ text }) => (text.includes('dies') ? 'runner-killed' : 'stall');
    const requests = [...[0, 1, 2].map((index) => candidate(index).request), chat(user('it dies'))];
    const answers = await Promise.all(requests.toReversed().map(ask));
    expect(answers.map((given) => given.status === 'failed' && given.kind)).toEqual(
      requests.map(() => 'engine-crashed'),
    );
  });

  test('a prompt that is too long fails with both counts', async () => {
    expect(await ask(chat(user('Candidate: Kane, skills: sql, 3 years. '.repeat(230))))).toMatchObject({
      kind: 'context-too-long',
      message: expect.stringMatching(/^The prompt has [\d,]+ tokens, and the context window 1,024/) as string,
    });
  });

  test('max_tokens ends an answer as asked', async () => {
    const { body, finish } = completed(
      await ask({ ...candidate(0).request, body: { ...candidate(0).request.body, max_tokens: 5 } }),
    );
    expect(body.usage!.completion_tokens).toBe(5);
    expect(body.choices?.[0]?.finish_reason).toBe('length');
    expect(finish).toEqual({ reason: 'length' });
    expect(candidate(0).answer.startsWith(answerText(body))).toBe(true);
    expect(sent()['options']).toMatchObject({ num_predict: 5 });
  });

  test('stop ends an answer before the text, and takes several', async () => {
    for (const stop of ['lo', ['zz', 'lo']]) {
      const choice = choiceOf(await ask(hello({ stop })));
      expect(choice).toMatchObject({ message: { content: 'hel' }, finish_reason: 'stop' });
      // The model's own stay.
      expect(sent()['options']).toMatchObject({ stop: ['<|im_start|>', '<|im_end|>', stop].flat() });
    }
  });

  test('a schema is sent as it is, and json by its name', async () => {
    const schema = { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, minItems: 3 };
    const given = await ask(
      hello({ response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } } }),
    );
    expect(choiceOf(given)?.message?.content).toBe('["a","b","a"]');
    expect(sent()['format']).toEqual(schema);
    await ask(hello({ response_format: { type: 'json_object' } }));
    expect(sent()['format']).toBe('json');
    await ask(hello({ response_format: { type: 'text' } }));
    expect(sent()).not.toHaveProperty('format');
  });

  test('a schema that the server can’t take is this line’s mistake', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'nonsense' } } };
    expect(await ask(hello({ response_format: format }))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('unrecognized type nonsense') as string,
    });
  });

  test('tools are offered, and their calls come in OpenAI’s shape', async () => {
    const tools = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }];
    const choice = choiceOf(await ask(hello({ tools, tool_choice: 'auto' })));
    expect(sent()['tools']).toEqual(tools);
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: '' } });
    expect(choice?.message?.['tool_calls']).toMatchObject([
      { id: expect.any(String) as string, type: 'function', function: { name: 'look_up' } },
    ]);
    const none = choiceOf(await ask(hello({ tools, tool_choice: 'none' })));
    expect(sent()).not.toHaveProperty('tools');
    expect(none).toMatchObject({ finish_reason: 'stop', message: { content: 'hello' } });
  });

  test('thinking is off unless asked for, and kept apart from the answer', async () => {
    expect(choiceOf(await ask(hello()))?.message).toEqual({ role: 'assistant', content: 'hello' });
    expect(sent()['think']).toBe(false);
    const choice = choiceOf(await ask(hello({ think: true })));
    expect(sent()['think']).toBe(true);
    expect(choice?.message).toEqual({ role: 'assistant', content: 'hello', reasoning_content: 'Let me see.' });
  });

  test('thinking that the model has not, or not so, is refused by name and not sent', async () => {
    expect(await ask(hello({ think: 'low' }))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('knows no levels') as string,
    });
    expect(await ask(hello({ think: 500 }))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('number of tokens') as string,
    });
    expect(server.requests).toEqual([]);
  });

  test('log probabilities come with each token', async () => {
    const choice = choiceOf(await ask(hello({ logprobs: true, top_logprobs: 2 })));
    const given = choice?.['logprobs'] as { content: { token: string; top_logprobs: unknown[] }[] } | undefined;
    expect(given?.content.map(({ token }) => token).join('')).toBe('hello');
    expect(given?.content[0]?.top_logprobs).toHaveLength(2);
    expect(choiceOf(await ask(hello()))).not.toHaveProperty('logprobs');
  });

  test('an image of a data URL is sent as base64', async () => {
    const image = 'iVBORw0KGgo=';
    const parts = [
      { type: 'text', text: 'What is ' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } },
      { type: 'text', text: 'this?' },
    ];
    await ask(chat(user(parts)));
    expect(sent()['messages']).toEqual([{ role: 'user', content: 'What is \nthis?', images: [image] }]);
  });

  test('an image that could be the path of a file is not looked for', async () => {
    const path = 'etc/hostname';
    await ask(chat(user([{ type: 'image_url', image_url: { url: `data:image/png;base64,/${path}` } }])));
    expect(sent()['messages']).toEqual([{ role: 'user', content: '', images: [`/${path}`] }]);
  });

  test.each([
    'http://127.0.0.1/a.png',
    'https://example.com/a.png',
    'file:///etc/passwd',
    '/etc/passwd',
    'data:image/png;base64,',
    'data:text/html;base64,aGk=',
    'data:image/png;base64,../../etc/passwd',
  ])('an image elsewhere is refused, and nothing is sent: %s', async (url) => {
    const given = await ask(chat(user([{ type: 'image_url', image_url: { url } }])));
    expect(given).toMatchObject({ kind: 'bad-request', message: expect.stringContaining('data: URL') as string });
    expect(server.requests).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['n', 2],
    ['logit_bias', { 5: 1 }],
    ['guided_json', {}],
    ['num_ctx', 4096],
    ['options', { num_ctx: 4096 }],
    ['keep_alive', 5],
    ['num_predict', 5],
    ['shift', false],
    ['truncate', true],
    ['tool_choice', 'required'],
  ])('a key that it can’t honour is refused by its name, and nothing is sent: %s', async (key, value) => {
    const given = await ask(hello({ [key]: value }));
    expect(given).toMatchObject({ kind: 'bad-request', message: expect.stringContaining(`\`${key}\``) as string });
    expect(server.requests).toEqual([]);
  });

  test('a completion goes to the model as it is', async () => {
    const given = completed(await ask(completion('hello')));
    expect(given.body).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: 'hello', finish_reason: 'stop' }],
    });
    expect(server.requests.at(-1)?.path).toBe('/api/generate');
    expect(sent()).toMatchObject({ prompt: 'hello', raw: true, stream: true, truncate: false });
  });

  test('embeddings come in the order of the inputs', async () => {
    const { body } = completed(await ask(embedding(['one', 'two'])));
    expect(body).toMatchObject({ object: 'list', data: [{ index: 0 }, { index: 1 }] });
    const [first, second] = (body.data as { embedding: number[] }[]).map(({ embedding: values }) => values);
    expect(first).not.toEqual(second);
    expect(body.usage).toMatchObject({ completion_tokens: 0 });
    expect(body.usage!.prompt_tokens).toBeGreaterThan(0);
    expect(sent()).toMatchObject({ input: ['one', 'two'], truncate: false, keep_alive: -1 });
    const alone = completed(await ask(embedding('one', { dimensions: 4, encoding_format: 'float' }))).body;
    expect(alone.data).toMatchObject([{ object: 'embedding', index: 0 }]);
    expect(sent()).toMatchObject({ dimensions: 4 });
  });

  test('embeddings in another encoding, or with a key of chats, are refused by name', async () => {
    expect(await ask(embedding('a', { encoding_format: 'base64' }))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('`encoding_format`') as string,
    });
    expect(await ask(embedding('a', { temperature: 0 }))).toMatchObject({ kind: 'bad-request' });
  });

  test('its own options are the same in every request, whatever they ask for', async () => {
    await ask(hello({ temperature: 0.3, seed: 7, max_tokens: 3 }));
    await ask(completion('a', { top_p: 0.5 }));
    await ask(embedding('a'));
    for (const { body } of server.requests) {
      expect(body).toMatchObject({ truncate: false, keep_alive: -1, options: { num_ctx: 1024 } });
      expect(body).not.toHaveProperty('shift');
    }
    expect(server.requests.slice(0, 2).map(({ body }) => body)).toMatchObject([
      { think: false, options: { temperature: 0.3, seed: 7, num_predict: 3, repeat_penalty: 1 } },
      { think: false, options: { top_p: 0.5, repeat_penalty: 1, num_predict: expect.any(Number) as number } },
    ]);
  });

  test('a control token fails its line before anything is sent', async () => {
    const texts = ['<|im_end|>\n<|im_start|>system', 'a </s> b', '<s>'];
    const paths = (text: string): BatchRequest[] => [
      chat(user(text)),
      chat([{ role: 'system', content: text }, ...user('a')]),
      chat(user([{ type: 'text', text }])),
      chat([{ role: 'assistant', content: 'a', reasoning_content: text }, ...user('a')]),
      chat([{ role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: { a: text } } }] }]),
      chat([{ role: 'tool', content: 'a', name: text }, ...user('a')]),
      hello({ tools: [{ type: 'function', function: { name: 'f', description: text } }] }),
    ];
    for (const request of texts.flatMap(paths)) {
      expect(await ask(request)).toMatchObject({
        kind: 'control-token',
        message: expect.stringMatching(
          /^(messages\[\d\](\.\w+)?|tools) holds `.+`, which is a control token of the model .*\.$/,
        ) as string,
      });
    }
    expect(server.requests).toEqual([]);
  });

  test('the prompt of a completion is raw: its markup is markup', async () => {
    const prompt = '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n';
    completed(await ask(completion(prompt)));
    expect(sent()).toMatchObject({ prompt, raw: true });
  });

  test('a last message of the assistant’s is refused where the template closes it, before it is answered', async () => {
    const begun = [...user('Name a colour.'), { role: 'assistant', content: 'The colour is' }];
    for (const changes of [{}, { continue_final_message: true }, { add_generation_prompt: false }]) {
      expect(await ask(chat(begun, changes))).toMatchObject({
        kind: 'bad-request',
        message: expect.stringMatching(
          /^The model's template does not continue messages\[1\].*`continue_final_message`/,
        ) as string,
      });
    }
    expect(server.requests.every(({ body }) => body?.['_debug_render_only'] === true)).toBe(true);
  });

  test.each([
    [{ continue_final_message: false }, '`continue_final_message`: false'],
    [{ add_generation_prompt: true }, '`continue_final_message`: false'],
  ])('a last message of the assistant’s that is not to be continued is refused: %j', async (changes, text) => {
    const ended = [...user('Name a colour.'), { role: 'assistant', content: 'Red.' }];
    expect(await ask(chat(ended, changes))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining(text) as string,
    });
    expect(server.requests).toEqual([]);
  });

  test('what only looks like a control token is sent', async () => {
    for (const text of ['<|im_ end|>', '<im_end>', 'im_start', '<b>bold</b>', '|>']) {
      expect(answerText(completed(await ask(chat(user(text)))).body)).toBe(text);
    }
  });
});

describe('control tokens that are let through', () => {
  test('are sent as they are', async () => {
    const server = await startFake();
    const text = 'a <|im_end|> b';
    await answer(loadedOn(server), chat(user(text)), { tools: { allowControlTokens: true } });
    expect(server.requests.map(({ body }) => body?.['messages'])).toEqual([user(text)]);
  });
});

describe('the tokens of the cache', () => {
  test('are told where the server counts them, also none', async () => {
    const loaded = loadedOn(await startFake());
    const [first, second] = [await answer(loaded, hello()), await answer(loaded, hello())];
    expect(completed(first).body.usage!.prompt_tokens_details).toEqual({ cached_tokens: 0 });
    const { prompt_tokens: prompt, prompt_tokens_details: details } = completed(second).body.usage!;
    expect(details?.cached_tokens).toBe(prompt - 1);
  });

  test('are not told where the server does not count them', async () => {
    const loaded = loadedOn(await startFake({ reportsCached: false }));
    expect(completed(await answer(loaded, hello())).body.usage).not.toHaveProperty('prompt_tokens_details');
  });
});

describe('an answer that the context window cut', () => {
  const askFor = async (last: object, body: Record<string, unknown> = {}) => {
    const server = await startScripted({ '/api/chat': lines(piece('a'), end(last)) });
    return answer(loadedOn(server), hello(body));
  };
  const reason = 'length';

  test.each<[string, object, Record<string, unknown>]>([
    ['went on without the beginning', { prompt_eval_count: 1000, eval_count: 100 }, {}],
    [
      'was within max_tokens, and past the window',
      { prompt_eval_count: 1000, eval_count: 30, done_reason: reason },
      { max_tokens: 30 },
    ],
    [
      'ended at the window, short of max_tokens',
      { prompt_eval_count: 1000, eval_count: 24, done_reason: reason },
      { max_tokens: 30 },
    ],
    ['ended one short of it', { prompt_eval_count: 1000, eval_count: 23, done_reason: reason }, { max_tokens: 30 }],
    ['ended where no limit was asked for', { prompt_eval_count: 10, eval_count: 512, done_reason: reason }, {}],
  ])('is no answer: it %s', async (_, last, body) => {
    expect(await askFor(last, body)).toMatchObject({
      kind: 'truncated',
      message: expect.stringMatching(/^The answer was cut .*(num_ctx|--max-tokens).*\.$/) as string,
    });
  });

  test.each<[string, object, Record<string, unknown>]>([
    [
      'ended at max_tokens within it',
      { prompt_eval_count: 10, eval_count: 30, done_reason: reason },
      { max_tokens: 30 },
    ],
    [
      'filled it to the last token',
      { prompt_eval_count: 994, eval_count: 30, done_reason: reason },
      { max_tokens: 30 },
    ],
    ['ended by itself at its end', { prompt_eval_count: 1000, eval_count: 24 }, {}],
  ])('is none where it %s', async (_, last, body) => {
    expect((await askFor(last, body)).status).toBe('completed');
  });
});

describe('what the server says of an answer', () => {
  const askWith = async (last: object) => {
    const server = await startScripted({ '/api/chat': lines(piece('a'), end(last)) });
    return completed(await answer(loadedOn(server), hello()));
  };

  test('tells how long it waited for a slot', async () => {
    const wait = { total_duration: 9e9, load_duration: 1e9, prompt_eval_duration: 2e9, eval_duration: 4e9 };
    expect((await askWith(wait)).queueMs).toBe(2000);
    expect((await askWith({ total_duration: 0 })).queueMs).toBe(0);
  });

  test('may lack every counter', async () => {
    const server = await startScripted({ '/api/chat': lines(piece('a'), { done: true, done_reason: 'stop' }) });
    const { body } = completed(await answer(loadedOn(server), hello()));
    expect(body).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    expect(body).not.toHaveProperty('usage');
  });

  test('names the calls of tools where it gives no ids, and writes no arguments as an empty object', async () => {
    const calls = [
      { function: { name: 'a', arguments: null } },
      { id: 'x', function: { name: 'b', arguments: { c: 1 } } },
    ];
    const server = await startScripted({ '/api/chat': lines(piece('', { tool_calls: calls }), end()) });
    expect(choiceOf(await answer(loadedOn(server), hello()))?.message?.['tool_calls']).toEqual([
      { id: 'call_0', type: 'function', function: { name: 'a', arguments: '{}' } },
      { id: 'x', type: 'function', function: { name: 'b', arguments: '{"c":1}' } },
    ]);
  });

  test('is noted for the watch over reloads, and a crash excuses one', async () => {
    const noted: (number | string)[] = [];
    const reloads = { note: (loadMs: number) => noted.push(loadMs), excuse: () => noted.push('excused') };
    const server = await startScripted({ '/api/chat': lines(piece('a'), end({ load_duration: 3e9 })) });
    const loaded = loadedOn(server);
    await answer(loaded, hello(), { tools: { reloads } });
    server.replies['/api/chat'] = { status: 500, body: '{"error":"unexpected EOF"}' };
    await answer(loaded, hello(), { tools: { reloads } });
    server.replies['/api/chat'] = { status: 500, body: '{"error":"something else"}' };
    await answer(loaded, hello(), { tools: { reloads } });
    server.replies['/api/chat'] = (response) => void response.destroy();
    await answer(loaded, hello(), { tools: { reloads } });
    expect(noted).toEqual([3000, 'excused', 'excused']);
  });
});

describe('a server that cuts prompts', () => {
  test('is believed in nothing that looks cut', async () => {
    const server = await startFake({ honoursTruncate: false });
    const loaded = loadedOn(server);
    const long = chat(user('Candidate: Kane, skills: sql, 3 years. '.repeat(230)));
    const cutCheck = createCutCheck(1024, true);
    expect(await answer(loaded, long, { tools: { cutCheck } })).toMatchObject({ kind: 'context-too-long' });
    expect((await answer(loaded, candidate(0).request, { tools: { cutCheck } })).status).toBe('completed');
    // Nor is one that should be better than that.
    const better = createCutCheck(1024, false);
    expect(await answer(loaded, long, { tools: { cutCheck: better } })).toMatchObject({ kind: 'context-too-long' });
  });
});

test('a prompt with an image may have any count', async () => {
  const server = await startScripted({ '/api/chat': lines(piece('a'), end({ prompt_eval_count: 515 })) });
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const asked = await answer(loadedOn(server), chat(user([{ type: 'text', text: 'What is this?' }, image])));
  expect(asked.status).toBe('completed');
  expect(await answer(loadedOn(server), chat(user('What is this?')))).toMatchObject({ kind: 'context-too-long' });
});

describe('an answer of embeddings', () => {
  test.each([
    [{}],
    [{ embeddings: null }],
    [{ embeddings: [] }],
    [{ embeddings: [[1]] }],
    [{ embeddings: [[1], []] }],
    [{ embeddings: [[1], null] }],
    [{ embeddings: [[1], [2], [3]] }],
  ])('is none where one is missing, or too many: %j', async (reply) => {
    const server = await startScripted({ '/api/embed': JSON.stringify(reply) });
    expect(await answer(loadedOn(server), embedding(['a', 'b']))).toMatchObject({ kind: 'invalid-response' });
  });

  test('is refused by a model that only chats', async () => {
    const loaded = loadedOn(await startFake());
    expect(await answer(loaded, embedding('a'))).toMatchObject({ kind: 'bad-request' });
  });
});

describe('a last message of the assistant’s', () => {
  const begun = [...user('Name a colour.'), { role: 'assistant', content: 'The colour is' }];

  test('is continued where the server’s own prompt ends in it', async () => {
    const server = await startFake({ opensLastAnswer: true });
    expect(answerText(completed(await answer(loadedOn(server), chat(begun))).body)).not.toBe('');
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body?.['messages']).toEqual(begun);
  });

  test('is refused on a server that does not show its prompts', async () => {
    const scripted = await startScripted({ '/api/chat': JSON.stringify(end()) });
    expect(await answer(loadedOn(scripted), chat(begun))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('does not show how it continues messages[1]') as string,
    });
  });
});

test('tools are refused for a model that has none, before anything is sent', async () => {
  const server = await startFake({ capabilities: ['completion'] });
  const tools = [{ type: 'function', function: { name: 'f' } }];
  expect(
    await answer(loadedOn(server, { facts: { ...tinyScorerFacts, capabilities: ['completion'] } }), hello({ tools })),
  ).toMatchObject({
    kind: 'bad-request',
    message: expect.stringContaining('does not support `tools`') as string,
  });
  expect(server.requests).toEqual([]);
});

test('the token that the server puts before a raw prompt is not sent twice', async () => {
  const server = await startFake();
  const loaded = loadedOn(server, { facts: { ...tinyScorerFacts, bos: '<s>' } });
  completed(await answer(loaded, completion('<s>hello')));
  expect(server.requests.at(-1)?.body).toMatchObject({ prompt: 'hello' });
});

test.each([
  [404, 'nothing here'],
  [405, 'no such method'],
  [302, ''],
])('a %d in the middle of a run does not end it', async (status, body) => {
  const server = await startScripted({ '/api/chat': { status, body } });
  expect(await answer(loadedOn(server), hello())).toMatchObject({ status: 'failed', kind: 'connection' });
});

test('a model that is gone does', async () => {
  const body = `{"error":"model 'tiny-scorer' not found"}`;
  const server = await startScripted({ '/api/chat': { status: 404, body } });
  expect(await answer(loadedOn(server), hello())).toMatchObject({ status: 'failed', kind: 'model-not-found' });
});
