import { expect, test } from 'vitest';
import { backends } from '../../src/backends/index.ts';
import { echoBackend } from '../../examples/echo-backend.ts';
import { llamaCppBackend } from '../../src/backends/llama-cpp/index.ts';
import { mockBackend } from '../../src/backends/mock/index.ts';
import { ollamaBackend } from '../../src/backends/ollama/index.ts';
import { openaiBackend } from '../../src/backends/openai/index.ts';
import { vllmBackend } from '../../src/backends/vllm/index.ts';
import type { Backend } from '../../src/core/backend.ts';
import { type BatchRequest, textOf } from '../../src/core/request.ts';
import { openMock } from '../scheduler/requests.ts';
import { candidate, candidates, chat } from './candidates.ts';
import { describeBackend, describedBackends } from './conformance.ts';
import { type FakeOllamaOptions, startFakeOllama } from '../helpers/fake-ollama-server.ts';
import { type FakeOpenaiOptions, startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { openSharedVllm } from '../helpers/fake-vllm.ts';
import { openRequest } from '../helpers/open-request.ts';
import { realVllm, vllmOptions } from '../real-backends/real-engines.ts';
import { engineForms, openTinyScorer } from './open-tiny-scorer.ts';

const long = [{ role: 'user', content: 'Candidate: Kane, skills: sql, 3 years. '.repeat(230) }];

test.each(backends)('the suite has a subject for $name', ({ name }) => {
  expect(describedBackends).toContain(name);
});

describeBackend('mock', {
  endpoints: mockBackend.endpoints,
  takesAnyKey: true,
  open: () => openMock({ latency_ms: 5, context_tokens: 1000 }),
  chat: (index) => candidate(index).request,
  expected: ({ body }) => textOf(body.messages?.at(-1)?.content ?? null),
  slow: chat([{ role: 'user', content: 'hello' }]),
  openSlow: () => openMock({ latency_ms: 600_000 }),
  bad: { request: chat(long), kind: 'context-too-long' },
});

const openEcho = (options = {}): Promise<Backend> => echoBackend.open(openRequest('echo', { options }));

describeBackend('echo (of examples/)', {
  endpoints: echoBackend.endpoints,
  open: openEcho,
  chat: (index) => chat([{ role: 'user', content: `question ${index}` }]),
  expected: ({ body }) => textOf(body.messages?.at(-1)?.content ?? null),
  slow: chat([{ role: 'user', content: 'hello' }]),
  openSlow: () => openEcho({ delay_ms: 600_000 }),
  bad: { request: chat(long), kind: 'context-too-long' },
});

for (const { form, options, isAbsent } of engineForms) {
  describeBackend(form, {
    endpoints: llamaCppBackend.endpoints,
    open: () => openTinyScorer({ options }),
    chat: (index) => candidate(index).request,
    expected: answerOf,
    slow: chat(long, { max_tokens: 1000 }),
    bad: { request: chat(long, { logit_bias: { 5: 1 } }), kind: 'bad-request' },
    isAbsent,
  });
}

const tooLong = { request: chat([{ role: 'user', content: 'x'.repeat(5000) }]), kind: 'context-too-long' } as const;

/** On a server of its own, which is closed with it. */
async function openOnFake(server: FakeOllamaOptions = {}, options = {}): Promise<Backend> {
  const { url: host, close } = await startFakeOllama({ slots: 4, ...server });
  const backend = await ollamaBackend.open(openRequest('tiny-scorer', { connection: { host }, options }));
  return {
    ...backend,
    async close() {
      await backend.close();
      await close();
    },
  };
}

describeBackend('ollama', {
  endpoints: ollamaBackend.endpoints,
  open: () => openOnFake(),
  chat: (index) => candidate(index).request,
  expected: answerOf,
  slow: chat([{ role: 'user', content: 'hello' }]),
  openSlow: () => openOnFake({ tokenMs: 10_000 }, { slots: 4 }),
  bad: tooLong,
});

const realOllama = process.env['LLMBATCH_TEST_OLLAMA'] ?? null;

describeBackend('ollama (on the server that LLMBATCH_TEST_OLLAMA names)', {
  endpoints: ollamaBackend.endpoints,
  open: () =>
    ollamaBackend.open(openRequest('tiny-scorer', { connection: { host: realOllama }, options: { num_thread: 1 } })),
  chat: (index) => candidate(index).request,
  expected: answerOf,
  slow: chat(long, { max_tokens: 1000 }),
  bad: tooLong,
  staysRunning: true,
  isAbsent: realOllama === null,
});

async function openOnFakeOpenai(server: FakeOpenaiOptions = {}, options = {}): Promise<Backend> {
  const { url: baseUrl, close } = await startFakeOpenai(server);
  const backend = await openaiBackend.open(openRequest('tiny-scorer', { connection: { baseUrl }, options }));
  return {
    ...backend,
    async close() {
      await backend.close();
      await close();
    },
  };
}

describeBackend('openai', {
  endpoints: openaiBackend.endpoints,
  takesAnyKey: true,
  open: () => openOnFakeOpenai({ slots: 4 }),
  chat: (index) => candidate(index).request,
  expected: answerOf,
  slow: chat([{ role: 'user', content: 'hello' }]),
  openSlow: () => openOnFakeOpenai({ tokenMs: 10_000 }),
  bad: tooLong,
});

const items = { type: 'array', items: { enum: ['hire'] }, minItems: 120, maxItems: 120 };
const longArray = { type: 'json_schema', json_schema: { name: 'long', schema: items } };
const realOpenai = process.env['LLMBATCH_TEST_OPENAI'] ?? null;

describeBackend('openai (on the server that LLMBATCH_TEST_OPENAI names)', {
  endpoints: openaiBackend.endpoints,
  takesAnyKey: true,
  open: () => openaiBackend.open(openRequest('tiny-scorer', { connection: { baseUrl: realOpenai } })),
  chat: (index) => candidate(index).request,
  expected: answerOf,
  slow: chat([{ role: 'user', content: 'hello' }], { max_tokens: 900, response_format: longArray }),
  bad: tooLong,
  staysRunning: true,
  isAbsent: realOpenai === null,
});

describeBackend('vllm', {
  endpoints: vllmBackend.endpoints,
  open: async () => (await openSharedVllm()).backend,
  chat: (index) => candidate(index).request,
  expected: answerOf,
  slow: chat([{ role: 'user', content: 'hello' }]),
  openSlow: async () => (await openSharedVllm({ platform: 'cuda', stepMs: 2000 })).backend,
  bad: tooLong,
  answersWhole: true,
});

describeBackend('vllm (on the Python that LLMBATCH_PYTHON names)', {
  endpoints: vllmBackend.endpoints,
  open: openRealVllm,
  chat: (index) => candidate(index).request,
  expected: answerOf,
  slow: chat([{ role: 'user', content: 'hello' }], { max_tokens: 900, ignore_eos: true }),
  bad: tooLong,
  answersWhole: true,
  startMs: 300_000,
  isAbsent: realVllm === null,
});

function openRealVllm(): Promise<Backend> {
  const { python, model, environment } = realVllm!;
  return vllmBackend.open(openRequest(model, { connection: { python }, environment, options: vllmOptions }));
}

function answerOf({ id }: BatchRequest): string {
  return candidates.find(({ request }) => request.id === id)?.answer ?? '';
}
