import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { LlmbatchError } from '../../src/core/errors.ts';
import { openOn as openOllama } from './ollama/open-ollama-for-test.ts';
import { startScripted } from './ollama/scripted-server.ts';
import { openOn as openOpenai } from './openai/open-openai-for-test.ts';

/** What a server tells of itself at the start may be anything: that is no mistake of ours, whatever comes of it. */
const oddValues: unknown[] = [null, 5, 1e308, 'x', [null], { toString: 1, length: 'x' }];

/**
 * The text of a value with something odd in each of its paths, one at a time. Each opening looks through the processes of
 * the machine, so a place gets two of the odd values, and its neighbours the others.
 */
function oddTexts(value: unknown): string[] {
  const texts: string[] = ['null', '5', '[]', '"x"', '', '<html>', '{}', '['.repeat(20_000)];
  let turn = 0;
  const visit = (inner: unknown, put: (odd: unknown) => unknown): void => {
    turn++;
    const here = oddValues.filter((_, index) => (index + turn) % 3 === 0);
    for (const odd of here) texts.push(JSON.stringify(put(odd)));
    if (typeof inner !== 'object' || inner === null) return;
    for (const [key, part] of Object.entries(inner)) {
      visit(part, (odd) => put(Array.isArray(inner) ? inner.with(Number(key), odd) : { ...inner, [key]: odd }));
    }
  };
  visit(value, (odd) => odd);
  return texts;
}

/** What opening a backend threw that is no failure a user can act on. */
async function bugOf(opening: Promise<{ close: () => Promise<void> }>): Promise<unknown> {
  try {
    await (await opening).close();
    return null;
  } catch (error) {
    return error instanceof LlmbatchError ? null : error;
  }
}

const details = { family: 'llama', parameter_size: '1B', quantization_level: 'F16', format: 'gguf' };
const listed = { name: 'tiny-scorer:latest', size: 1000, digest: 'abc', details, capabilities: ['completion'] };
const ollama: Record<string, unknown> = {
  '/api/version': { version: '0.34.0' },
  '/api/tags': { models: [listed] },
  '/api/ps': { models: [{ ...listed, size_vram: 0, context_length: 1024 }] },
  '/api/show': {
    details,
    capabilities: ['completion', 'tools'],
    template: '{{ .Prompt }}<|im_end|>',
    parameters: 'stop "<|im_end|>"\nrepeat_penalty 1.1',
    model_info: {
      'general.architecture': 'llama',
      'llama.context_length': 8192,
      'tokenizer.ggml.tokens': ['<s>', '</s>', 'a'],
      'tokenizer.ggml.token_type': [3, 3, 1],
      'tokenizer.ggml.eos_token_id': 1,
    },
  },
  load: { message: { role: 'assistant', content: '' }, done: true, done_reason: 'load' },
};

/** A server of its own, and what opens a backend on it when it says this text at this path. */
type OddServer = () => Promise<(path: string, text: string) => Promise<Backend>>;

const startOddOllama: OddServer = async () => {
  const replies = Object.fromEntries(Object.entries(ollama).map(([at, value]) => [at, JSON.stringify(value)]));
  const server = await startScripted(replies);
  return (path, text) => {
    server.replies[path] = text;
    return openOllama(server);
  };
};

const openai: Record<string, unknown> = {
  '/v1/models': { data: [{ id: 'tiny-scorer', owned_by: 'llamacpp', max_model_len: 1024 }] },
  '/health': { status: 'ok' },
  '/props': {
    build_info: 'b1',
    total_slots: 2,
    chat_template: 'x',
    default_generation_settings: { n_ctx: 1024 },
  },
  '/api/version': { version: '0.34.0' },
  '/version': { version: '1' },
};

const startOddOpenai: OddServer = async () => {
  const odd = { path: '', text: '' };
  const server = createServer(({ url: at = '' }, response) => {
    response.end(at === odd.path ? odd.text : JSON.stringify(openai[at] ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return async (path, text) => {
    Object.assign(odd, { path, text });
    return (await openOpenai({ url })).backend;
  };
};

const paths = [
  ...Object.entries(ollama).map(([path, value]) => ({ name: 'an Ollama server', path, value, start: startOddOllama })),
  ...Object.entries(openai).map(([path, value]) => ({
    name: 'an OpenAI-compatible server',
    path,
    value,
    start: startOddOpenai,
  })),
];

test.each(paths)('what $name says at $path is no bug of ours', { timeout: 300_000 }, async ({ path, value, start }) => {
  const left = oddTexts(value);
  const work = async (): Promise<void> => {
    const open = await start();
    for (let text = left.pop(); text !== undefined; text = left.pop()) {
      expect([text.slice(0, 200), await bugOf(open(path, text))]).toEqual([text.slice(0, 200), null]);
    }
  };
  // Some are waited for.
  await Promise.all(Array.from({ length: 16 }, work));
});
