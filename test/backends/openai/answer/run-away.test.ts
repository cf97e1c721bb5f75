import type { ServerResponse } from 'node:http';
import { expect, test, vi } from 'vitest';
import { chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { openOn } from '../open-openai-for-test.ts';
import { delta, events, startScriptedOpenai } from '../scripted-openai.ts';

const hello = (changes: Record<string, unknown> = {}) => chat([{ role: 'user', content: 'hello' }], changes);
const said = (part: object): object => ({ choices: [{ index: 0, delta: part }] });
const round = (...parts: object[]): string => events(...parts).replace('data: [DONE]\n\n', '');

/** Says the same until nobody listens. */
function endlessly(response: ServerResponse, text: string): void {
  while (!response.destroyed && response.write(text));
  if (!response.destroyed) response.once('drain', () => endlessly(response, text));
}

const words = ['I', ' do', ' not', ' know', '. '];
const calls = (part: string): object => said({ tool_calls: [{ index: 0, function: { arguments: part } }] });

test.each([
  ['text', round(...words.map((content) => said({ content })))],
  ['thinking', round(...words.map((thought) => said({ reasoning_content: thought })))],
  ['call', round(...words.map(calls))],
  [
    'text, in pieces whose borders shift,',
    round(...['I do not k', 'now. I do ', 'not know. I', ' do not know. '].map((content) => said({ content }))),
  ],
])('an answer whose %s repeats itself without end is stopped, and the server is let go', async (_name, text) => {
  const server = await startScriptedOpenai((response) => {
    response.setHeader('content-type', 'text/event-stream');
    response.write(
      events({ usage: { prompt_tokens: 5, completion_tokens: 600 }, choices: [] }).replace('data: [DONE]\n\n', ''),
    );
    endlessly(response, text);
  });
  const { backend } = await openOn(server, { options: { stream: true } });
  const given = await backend.generate(hello(), context());
  expect(given).toMatchObject({ status: 'failed', kind: 'repetition', usage: { completion_tokens: 600 } });
  expect(given.status === 'failed' && given.message).toMatch(
    /"(I do not know\.|know\. I do not)" came \d+ times in a row/,
  );
  await vi.waitFor(() => expect(server.connections).toBeLessThanOrEqual(1), { timeout: 30_000 });
});

const saidBy = (index: number, content: string): object => ({ choices: [{ index, delta: { content } }] });
const noise = (at: number): string => ` ${(at * at * 7919).toString(36)}`;
/** Three answers of one request, a piece of each in turn. */
const three = (second: (at: number) => string): string[] =>
  Array.from({ length: 700 }, (_, at) => [saidBy(0, noise(at)), saidBy(1, second(at)), saidBy(2, noise(at + 9))]).map(
    (parts) => round(...parts),
  );

test.each([
  ['one of several answers', (at: number) => words[at % words.length]!, 'repetition'],
  ['none of several answers', (at: number) => noise(at + 5), null],
])('where %s repeats itself without end, the request fails for it', async (_name, second, kind) => {
  const server = await startScriptedOpenai((response) => {
    response.setHeader('content-type', 'text/event-stream');
    for (const part of three(second)) response.write(part);
    const ends = [0, 1, 2].map((index) => ({ choices: [{ index, delta: {}, finish_reason: 'stop' }] }));
    response.end(events(...ends));
  });
  const { backend } = await openOn(server, { options: { stream: true } });
  const given = await backend.generate(hello({ n: 3 }), context());
  expect(given.status === 'failed' ? given.kind : null).toBe(kind);
});

const finite = async (request: ReturnType<typeof hello>, allowRepetition: boolean) => {
  const parts = Array.from({ length: 300 }, () => words.map((content) => said({ content }))).flat();
  const server = await startScriptedOpenai((response) => {
    response.setHeader('content-type', 'text/event-stream').end(events(...parts, delta('', 'stop')));
  });
  const { backend } = await openOn(server, { options: { stream: true }, allowRepetition });
  return backend.generate(request, context());
};

test.each([
  ['is allowed to', hello(), true],
  ['is held to a form', hello({ response_format: { type: 'json_object' } }), false],
  [
    'must call a tool',
    hello({ tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: 'required' }),
    false,
  ],
])('an answer that %s repeat itself is whole', async (_name, request, allowed) => {
  expect(completed(await finite(request, allowed)).body.choices?.[0]?.message?.content).toBe(
    words.join('').repeat(300),
  );
});

test('one that repeats itself is no answer though it came to its end meanwhile', async () => {
  expect(await finite(hello(), false)).toMatchObject({ kind: 'repetition' });
});
