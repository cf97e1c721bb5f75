import { Template } from '@huggingface/jinja';
import { expect, test } from 'vitest';
import type { OpenaiClient } from '../../../../src/backends/openai/http/client.ts';
import { createThinking } from '../../../../src/backends/openai/answer/thinking-keys.ts';
import type { ServerFacts } from '../../../../src/backends/openai/server/server-facts.ts';
import type { RequestBody } from '../../../../src/core/request.ts';

/** As Qwen3's. */
const template = new Template(
  `{%- for message in messages -%}{{- message.content -}}{%- endfor -%}{{- '<think></think>' if enable_thinking is false -}}`,
);

/** The pages of a `llama-server` and a `vllm serve`, of which a token is a character. */
const pages: Record<string, (body: Record<string, unknown>) => object> = {
  '/apply-template': ({ messages, chat_template_kwargs: kwargs }) => ({
    prompt: template.render({ messages, ...(kwargs as object) }),
  }),
  '/tokenize': ({ messages, chat_template_kwargs: kwargs }) => ({
    tokens: template.render({ messages, ...(kwargs as object) }).split(''),
  }),
  '/detokenize': ({ tokens }) => ({ prompt: (tokens as string[]).join('') }),
};

const facts = (kind: ServerFacts['kind'], version: string): ServerFacts => ({
  version,
  kind,
  continues: 'unknown',
  queues: false,
  slots: null,
  contextTokens: null,
  template: '',
  modelPath: null,
});

/** The keys that a server is sent for these; `asked`: the questions that it got. */
async function told(
  kind: ServerFacts['kind'],
  keys: Record<string, unknown>,
  { version = 'it', hasPages = true } = {},
) {
  const asked: string[] = [];
  const client = {
    place: { root: '' } as OpenaiClient['place'],
    ask: async (url: string, body: object) => {
      asked.push(url);
      const said = hasPages ? pages[url]?.(body as Record<string, unknown>) : undefined;
      return { status: said === undefined ? 404 : 200, headers: {}, text: JSON.stringify(said ?? {}) };
    },
  };
  const body = { model: 'm', messages: [{ role: 'user', content: 'a' }], ...keys } as RequestBody;
  const tell = createThinking(client, facts(kind, version), 'm');
  const { model: _model, messages: _messages, ...sent } = await tell(body, new AbortController().signal);
  return { sent, asked };
}

const kwargs = (given: object) => ({ chat_template_kwargs: given });

test.each<[ServerFacts['kind'], unknown, object]>([
  ['llama-server', false, kwargs({ enable_thinking: false })],
  ['llama-server', 99, { thinking_budget_tokens: 99, ...kwargs({ enable_thinking: true }) }],
  ['vllm', true, kwargs({ enable_thinking: true })],
  ['vllm', 99, { thinking_token_budget: 99, ...kwargs({ enable_thinking: true }) }],
  ['ollama', false, { reasoning_effort: 'none' }],
  [null, false, { reasoning_effort: 'none' }],
  [null, true, { reasoning_effort: 'medium' }],
  [null, 'high', { reasoning_effort: 'high' }],
])('a server of the kind %s is told in its own words: %j', async (kind, think, keys) => {
  expect((await told(kind, { think })).sent).toEqual(keys);
});

test('a server that shows no template gets the words of all', async () => {
  const all = kwargs({ enable_thinking: false, thinking: false });
  expect((await told(null, { think: false }, { version: 'sglang' })).sent).toEqual(all);
  expect((await told('vllm', { think: false }, { hasPages: false })).sent).toEqual(all);
});

test('what can’t be done is refused by name', async () => {
  await expect(told('vllm', { think: 'low' })).rejects.toThrow('knows no levels');
  await expect(told(null, { think: 99 })).rejects.toThrow('not known to limit thinking to a number of tokens');
  await expect(told(null, { think: false, messages: undefined })).rejects.toThrow('is only for chats');
});

test('the other keys go as they are, and a server that is told nothing is asked nothing', async () => {
  const keys = { reasoning_effort: 'low', ...kwargs({ enable_thinking: true }) };
  expect(await told('vllm', keys)).toEqual({ sent: keys, asked: [] });
});
