import { request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import { candidate } from '../../backends/candidates.ts';
import type { FakeOllama, FakeOllamaOptions } from '../fake-ollama-server.ts';
import { ask, contentOf, longQuestion, question, startAsking } from './ask.ts';
import type { FaultName } from './faults.ts';
import { recordedExchanges } from './recordings.ts';
import { recordedAnswer, replay, wireAnswer } from './replay.ts';
import { startForTest } from './start-for-test.ts';
import { waitFor } from '../wait.ts';

/** A server that fails the first time it gets a request. */
async function startFailing(fault: FaultName, options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const server = await startForTest(options);
  server.faults = ({ kind }, attempt) => (kind === 'answer' && attempt === 0 ? fault : null);
  return server;
}

const errors = (name: string): unknown[] =>
  recordedExchanges(name).flatMap(({ response }) => {
    const last = response.body?.trim().split('\n').at(-1) ?? '';
    return [{ status: response.status, type: response.headers['Content-Type'], last }];
  });

test.each<[FaultName, number, string]>([
  ['busy', 503, '{"error":"server busy, please try again.  maximum pending requests exceeded"}'],
  ['oom', 500, '{"error":"llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory"}'],
  ['load-failed', 500, '{"error":"llama-server process has terminated: exit status 1"}'],
  ['retry-after', 429, '{"error":"too many requests"}'],
  ['empty', 200, ''],
])('%s, and then the answer', async (fault, status, body) => {
  const { url } = await startFailing(fault);
  expect(await ask(url, question(0))).toMatchObject({ status, body });
  expect(contentOf(await ask(url, question(0)))).toBe(candidate(0).answer);
});

test('the texts of busy and load-failed are those of a real server', async () => {
  const { url } = await startFailing('busy');
  expect((await ask(url, question(0))).body).toBe(recordedExchanges('cold-burst-503')[3]?.response.body);
  const other = await startFailing('load-failed');
  expect((await ask(other.url, question(0))).body).toBe(recordedExchanges('error-load-failed-500')[0]?.response.body);
});

test('retry-after and html', async () => {
  const { url } = await startFailing('retry-after');
  expect((await ask(url, question(0))).headers).toMatchObject({ 'retry-after': '1' });
  const proxy = await startFailing('html');
  expect(await ask(proxy.url, question(0))).toMatchObject({ status: 502, headers: { 'content-type': 'text/html' } });
});

test('runner-killed: the one that runs hears it in its stream, those that wait get a 500, the next one loads', async () => {
  const server = await startForTest({ tokenMs: 5 });
  server.faults = (_, attempt) => (attempt === 0 ? 'runner-killed' : null);
  const running = startAsking(server.url, longQuestion(20));
  await running.begun;
  server.faults = null;
  const waiting = [1, 2, 3].map((index) => startAsking(server.url, question(index)));
  const asked = await Promise.all([running, ...waiting].map(({ done }) => done));
  const seen = asked.map(({ status, headers, body }) => ({
    status,
    type: headers['content-type'],
    last: body.trim().split('\n').at(-1),
  }));
  expect(seen).toEqual(errors('fault-runner-killed-with-queue'));
  expect(contentOf(await ask(server.url, question(0)))).toBe(candidate(0).answer);
  expect(server.loads).toBe(2);
});

test('runner-killed: the model is listed as if nothing had been, and then loaded anew', async () => {
  const server = await startFailing('runner-killed');
  const [killed, listed, next] = recordedExchanges('fault-runner-killed-midstream');
  const { body } = await ask(server.url, question(0));
  server.faults = null;
  expect(body.trim().split('\n').at(-1)).toBe(killed?.response.body.trim().split('\n').at(-1));
  if (listed === undefined || next === undefined) throw new Error('the recording has three exchanges');
  expect(wireAnswer(listed, await replay(server.url, listed))).toEqual(recordedAnswer(listed));
  expect(wireAnswer(next, await replay(server.url, next))).toEqual(recordedAnswer(next));
  expect(server.loads).toBe(2);
});

test('runner-killed without a stream is a 500', async () => {
  const { url } = await startFailing('runner-killed');
  const { status, headers, body } = await ask(url, question(0, { stream: false }));
  expect([{ status, type: headers['content-type'], last: body }]).toEqual(errors('fault-runner-killed-nonstream'));
});

test('stale-text: the errors after a crash quote the refusal of an earlier request', async () => {
  const server = await startForTest({ tokenMs: 5 });
  const [refused] = recordedExchanges('fault-runner-killed-stale-text');
  const long = `Candidate: ${'Moroli, skills: python, 20 years; '.repeat(260)}`;
  const { messages } = candidate(0).request.body;
  const tooLong = await ask(server.url, question(0, { messages: [messages?.[0], { role: 'user', content: long }] }));
  expect(tooLong).toMatchObject({ status: 400, body: refused?.response.body });
  server.faults = () => 'runner-killed';
  const running = startAsking(server.url, longQuestion(20));
  await running.begun;
  server.faults = null;
  const waiting = startAsking(server.url, question(1));
  const asked = await Promise.all([running.done, waiting.done]);
  const seen = asked.map(({ status, headers, body }) => ({
    status,
    type: headers['content-type'],
    last: body.trim().split('\n').at(-1),
  }));
  expect(seen).toEqual(errors('fault-runner-killed-stale-text').slice(1));
});

test.each<[FaultName, number]>([
  ['stale-text', 200],
  ['stale-text-early', 500],
])('%s needs no earlier request', async (fault, status) => {
  const { url } = await startFailing(fault);
  const asked = await ask(url, question(0));
  expect(asked.status).toBe(status);
  expect(asked.lines.at(-1)?.['error']).toContain('exceeds the available context size');
});

test('no-done: equal tokens, and a clean end without a last line', async () => {
  const { url } = await startFailing('no-done');
  const asked = await ask(url, question(0));
  expect(asked).toMatchObject({ status: 200, error: '' });
  expect(contentOf(asked)).toBe('a'.repeat(31));
  expect(asked.lines.at(-1)).toMatchObject({ done: false });
});

test.each<FaultName>(['no-done-plain', 'done-false'])('%s: a clean end without a last line', async (fault) => {
  const { url } = await startFailing(fault);
  const asked = await ask(url, question(0));
  expect(asked).toMatchObject({ status: 200, error: '' });
  expect(contentOf(asked)).toBe('{"matched":["python"],"score":');
  expect(asked.lines.at(-1)).toMatchObject({ done: false });
  const whole = await startFailing(fault);
  expect((await ask(whole.url, question(0, { stream: false }))).lines).toMatchObject([{ done: false }]);
});

test('garbled: one line is no JSON, the others are whole', async () => {
  const { url } = await startFailing('garbled');
  const asked = await ask(url, question(0));
  expect(asked.lines.filter((line) => line === null)).toHaveLength(1);
  expect(contentOf(asked)).toBe(candidate(0).answer);
  expect(asked.lines.at(-1)).toMatchObject({ done: true });
  const whole = await startFailing('garbled');
  expect((await ask(whole.url, question(0, { stream: false }))).lines).toEqual([null]);
});

test('cut-prompt: half the window, and a wrong answer', async () => {
  const { url } = await startFailing('cut-prompt');
  const asked = await ask(url, question(0));
  expect(asked.lines.at(-1)).toMatchObject({ done: true, done_reason: 'stop', prompt_eval_count: 1027 });
  expect(contentOf(asked)).not.toBe(candidate(0).answer);
});

test('a server that does not honour truncate cuts', async () => {
  const { url } = await startForTest({ honoursTruncate: false });
  const asked = await ask(url, question(0, {}, { num_ctx: 32 }));
  expect(asked.lines.at(-1)).toMatchObject({ done: true, prompt_eval_count: 19 });
});

test('with the chat template of the model itself, a prompt is never cut', async () => {
  const { url } = await startForTest({ nativeTemplate: true });
  expect(await ask(url, question(0, { truncate: true }, { num_ctx: 32 }))).toMatchObject({ status: 400 });
});

test.each<FaultName>(['reset', 'closed'])('%s: the connection breaks within the answer', async (fault) => {
  const server = await startFailing(fault);
  const asked = await ask(server.url, question(0));
  expect(asked.error).toBe('ECONNRESET');
  expect(contentOf(await ask(server.url, question(0)))).toBe(candidate(0).answer);
  expect(server.aborted).toBe(0);
});

test.each<FaultName>(['hang', 'stall'])('%s: nothing more comes, until the client goes', async (fault) => {
  const server = await startFailing(fault);
  const asking = startAsking(server.url, question(0));
  const late = await Promise.race([asking.done, new Promise((resolve) => setTimeout(() => resolve('late'), 100))]);
  expect(late).toBe('late');
  asking.abort();
  await asking.done;
  expect(contentOf(await ask(server.url, question(0)))).toBe(candidate(0).answer);
  expect(server.aborted).toBe(1);
});

test('an outage: connections break, the port refuses, then it answers again', async () => {
  const server = await startForTest({ tokenMs: 5 });
  const running = startAsking(server.url, longQuestion(50));
  await running.begun;
  const waiting = startAsking(server.url, question(1));
  await waitFor(() => expect(server.maxWaiting).toBe(1));
  await server.stop();
  expect(await running.done).toMatchObject({ status: 200, error: 'ECONNRESET' });
  expect(await waiting.done).toMatchObject({ status: 0, error: 'ECONNRESET' });
  expect(await ask(server.url, question(1))).toMatchObject({ status: 0, error: 'ECONNREFUSED' });
  await server.start();
  expect(contentOf(await ask(server.url, question(1)))).toBe(candidate(1).answer);
  expect(server).toMatchObject({ loads: 2, aborted: 0 });
});

test('a model that is deleted is not found until it is back', async () => {
  const server = await startForTest();
  await ask(server.url, question(0));
  server.deleteModel('tiny-scorer');
  expect(await ask(server.url, question(0))).toMatchObject({
    status: 404,
    body: '{"error":"model \'tiny-scorer\' not found"}',
  });
  server.addModel('tiny-scorer');
  expect(contentOf(await ask(server.url, question(0)))).toBe(candidate(0).answer);
});

test('a host name that is not local is refused', async () => {
  const { url } = await startForTest();
  const [exchange] = recordedExchanges('error-host-403');
  const status = await new Promise((resolve) => {
    const headers = { host: 'example.org' };
    httpRequest(`${url}/api/version`, { headers }, (response) => resolve(response.statusCode)).end();
  });
  expect(status).toBe(exchange?.response.status);
});

test('it thinks, calls tools and embeds where it is said to be able to', async () => {
  const { url } = await startForTest({ capabilities: ['completion', 'thinking', 'tools', 'embedding'] });
  const thought = await ask(url, question(0, { stream: false }));
  expect(thought.lines).toMatchObject([{ message: { content: candidate(0).answer, thinking: 'Let me see.' } }]);
  expect(await ask(url, question(0, { stream: false, think: false }))).not.toHaveProperty('lines.0.message.thinking');
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];
  const called = await ask(url, question(0, { stream: false, tools }));
  expect(called.lines).toMatchObject([{ message: { tool_calls: [{ function: { name: 'look', arguments: {} } }] } }]);
  const embedded = await ask(url, { model: 'tiny-scorer', input: ['rust', 'java'] }, '/api/embed');
  expect(embedded.lines[0]?.['embeddings']).toHaveLength(2);
  expect(embedded.lines).toMatchObject([{ prompt_eval_count: 4 }]);
});

test('it notes what it was asked', async () => {
  const server = await startForTest();
  await ask(server.url, { model: 'tiny-scorer' });
  await ask(server.url, question(0));
  expect(server.requests).toMatchObject([
    { method: 'POST', path: '/api/chat', kind: 'load' },
    { kind: 'answer', body: { model: 'tiny-scorer', options: { num_ctx: 2048 } } },
  ]);
});
