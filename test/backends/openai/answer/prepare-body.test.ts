import { expect, test } from 'vitest';
import type { BatchRequest } from '../../../../src/core/request.ts';
import type { FakeOpenaiOptions } from '../../../helpers/fake-openai-server.ts';
import { chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { openOn, startFake } from '../open-openai-for-test.ts';

type Kind = NonNullable<FakeOpenaiOptions['kind']>;

const user = { role: 'user', content: 'Name a colour.' };
const begun = { role: 'assistant', content: 'The colour is' };
const keys = { continue_final_message: true, add_generation_prompt: false };

/** What is sent for a request; the message of its failure where nothing is. */
async function sentTo(options: FakeOpenaiOptions, request: BatchRequest): Promise<Record<string, unknown> | string> {
  const server = await startFake(options);
  const { backend } = await openOn(server, { options: { stream: false } });
  const answer = await backend.generate(request, context());
  if (answer.status === 'failed') {
    expect(server.requests).toEqual([]);
    expect(answer.kind).toMatch(/^(bad-request|control-token)$/);
    return answer.message;
  }
  completed(answer);
  return server.requests[0]?.body ?? {};
}

test.each<Kind>(['vllm', 'llama-server'])('%s is told to continue a last message of the assistant’s', async (kind) => {
  for (const changes of [{}, keys, { continue_final_message: true }, { add_generation_prompt: false }])
    expect(await sentTo({ kind }, chat([user, begun], changes))).toMatchObject(keys);
  expect(await sentTo({ kind }, chat([user]))).not.toHaveProperty('continue_final_message');
});

test.each<[Kind, object, string]>([
  ['vllm', { ...keys, add_generation_prompt: true }, 'both true'],
  ['llama-server', { continue_final_message: false }, "llama-server can't honour `continue_final_message`: false"],
  ['hosted', {}, 'it is unknown whether this server continues it'],
  ['ollama', {}, 'use -b ollama'],
])('what a server of the kind %s can’t do is refused by name: %j', async (kind, changes, message) => {
  expect(await sentTo({ kind }, chat([user, begun], changes as Record<string, unknown>))).toContain(message);
});

test.each<[Kind, Record<string, unknown>, string]>([
  ['ollama', { options: { num_ctx: 4096 } }, "Ollama's /v1 drops `options` in silence: move its keys into the line"],
  ['ollama', { top_k: 5 }, 'drops `top_k` in silence: use -b ollama.'],
  ['ollama', { stop_token_ids: [5] }, 'drops `stop_token_ids` in silence: remove it or use another backend.'],
  ['llama-server', { format: 'json' }, 'llama-server drops `format` in silence: use `response_format`'],
  ['llama-server', { repetition_penalty: 1.2 }, 'drops `repetition_penalty` in silence: use `repeat_penalty`.'],
  ['vllm', { num_ctx: 4096 }, 'vllm drops `num_ctx` in silence: it is the same for all requests'],
  ['vllm', { repeat_penalty: 1.2 }, 'drops `repeat_penalty` in silence: use `repetition_penalty`.'],
  ['vllm', { grammar: 'root ::= "a"' }, 'drops `grammar` in silence: use `response_format`'],
])('a key that a server of the kind %s drops without a word is refused by name: %j', async (kind, changes, message) => {
  expect(await sentTo({ kind }, chat([user], changes))).toContain(message);
  expect(await sentTo({ kind: 'hosted' }, chat([user], changes))).toMatchObject(changes);
});

test.each<[Kind, Record<string, unknown>]>([
  ['ollama', { raw: false, mirostat: 0, min_tokens: 0, options: null }],
  ['llama-server', { repeat_penalty: 1.2, top_k: 5, grammar: 'root ::= "a"', min_tokens: 0 }],
  ['vllm', { repetition_penalty: 1.2, top_k: 5, min_tokens: 1, raw: false }],
])(
  'a server of the kind %s is sent the keys that it has, and those that ask for nothing: %j',
  async (kind, changes) => {
    expect(await sentTo({ kind }, chat([user], changes))).toMatchObject(changes);
  },
);

test('an empty list of tools is not sent, since servers refuse it', async () => {
  const sent = await sentTo({}, chat([user], { tools: [], tool_choice: 'auto' }));
  expect(sent).not.toHaveProperty('tools');
  expect(sent).not.toHaveProperty('tool_choice');
});

test('a server that nobody knows gets what the request says, in the words of the server', async () => {
  const hosted = (changes: Record<string, unknown>, last = {}) =>
    sentTo({ kind: 'hosted' }, chat([user, { ...begun, ...last }], changes));
  expect(await hosted({ continue_final_message: true })).toMatchObject({ continue_final_message: true });
  expect(await hosted({ continue_final_message: false })).not.toHaveProperty('continue_final_message');
  expect(await hosted({}, { prefix: true })).toMatchObject({ messages: [user, { ...begun, prefix: true }] });
});

test('vLLM closes a last message of the assistant’s where it is told to', async () => {
  const body = await sentTo({ kind: 'vllm' }, chat([user, begun], { continue_final_message: false }));
  expect(body).toMatchObject({ continue_final_message: false });
  expect(body).not.toHaveProperty('add_generation_prompt');
});

test('a completion is sent as it is, control tokens and all, and begins once', async () => {
  const tokens = ['<s>', '</s>'];
  const raw = (prompt: string, options: FakeOpenaiOptions) =>
    sentTo(options, { ...chat([user]), endpoint: '/v1/completions', body: { model: 'tiny-scorer', prompt } });
  const markup = '[INST] Name a colour. [/INST]</s>';
  for (const kind of ['vllm', 'llama-server', 'hosted'] as const)
    expect(await raw(markup, { kind })).toMatchObject({ prompt: markup });
  expect(await raw(`<s>${markup}`, { kind: 'vllm', tokens })).toMatchObject({ prompt: markup });
  // Nobody knows what an unknown server adds.
  expect(await raw(`<s>${markup}`, { kind: 'hosted', tokens })).toMatchObject({ prompt: `<s>${markup}` });
});

test('what is no token of the server’s model is text', async () => {
  const html = chat([{ role: 'user', content: 'It was <s>5</s>, [INST] said.' }]);
  expect(await sentTo({ kind: 'hosted' }, html)).toContain('messages[0] holds `<s>`');
  expect(await sentTo({ kind: 'vllm' }, html)).toContain('messages[0] holds `<s>`');
  expect(await sentTo({ kind: 'vllm', tokens: ['<bos>', '[INST]'] }, html)).toContain('messages[0] holds `[INST]`');
  expect(await sentTo({ kind: 'vllm', tokens: ['<bos>'] }, html)).toMatchObject({ messages: html.body.messages });
});
