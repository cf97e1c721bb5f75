import { textOf } from '../../src/core/request.ts';
import { openMock } from '../engine/requests.ts';
import { candidate, candidates, chat } from './candidates.ts';
import { describeBackend } from './conformance.ts';
import { openTinyScorer } from './open-tiny-scorer.ts';

const long = [{ role: 'user', content: 'Candidate: Kane, skills: sql, 3 years. '.repeat(230) }];

describeBackend('mock', {
  open: () => openMock({ latency_ms: 5, context_tokens: 1000 }),
  chat: (index) => candidate(index).request,
  expected: ({ body }) => textOf(body.messages?.at(-1)?.content ?? null),
  slow: chat([{ role: 'user', content: 'hello' }]),
  openSlow: () => openMock({ latency_ms: 60_000 }),
  bad: { request: chat(long), kind: 'context-too-long' },
});

describeBackend('llama-cpp', {
  open: openTinyScorer,
  chat: (index) => candidate(index).request,
  expected: ({ id }) => candidates.find(({ request }) => request.id === id)?.answer ?? '',
  slow: chat(long, { max_tokens: 1000 }),
  bad: { request: chat(long, { logit_bias: { 5: 1 } }), kind: 'bad-request' },
});
