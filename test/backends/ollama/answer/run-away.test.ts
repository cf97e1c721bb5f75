import type { ServerResponse } from 'node:http';
import { expect, test, vi } from 'vitest';
import { chat } from '../../candidates.ts';
import { completed } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { answer, loadedOn } from '../open-ollama-for-test.ts';
import { end, lines, piece, startScripted } from '../scripted-server.ts';

expectSilence();

const hello = (changes: Record<string, unknown> = {}) => chat([{ role: 'user', content: 'hello' }], changes);

/** Says the same until nobody listens. */
function endlessly(response: ServerResponse, text: string): void {
  while (!response.destroyed && response.write(text));
  if (!response.destroyed) response.once('drain', () => endlessly(response, text));
}

const words = ['I', ' do', ' not', ' know', '. '];
const rounds = (count: number): object[] =>
  Array.from({ length: count }, () => words.map((word) => piece(word))).flat();

test.each([
  ['text', lines(...words.map((word) => piece(word)))],
  ['thinking', lines(...words.map((word) => piece('', { thinking: word })))],
])('an answer whose %s repeats itself without end is stopped, and the server is let go', async (_name, round) => {
  const server = await startScripted({ '/api/chat': (response) => endlessly(response, round) });
  let tokens = 0;
  const onToken = (count = 1): void => void (tokens += count);
  const given = await answer(loadedOn(server), hello(), { onToken });
  expect(given).toMatchObject({ status: 'failed', kind: 'repetition' });
  expect(given.status === 'failed' && given.message).toMatch(
    /after at least \d+ tokens: "I do not know\." came \d+ times/,
  );
  expect(tokens).toBeGreaterThanOrEqual(512);
  expect(tokens).toBeLessThan(600);
  await vi.waitFor(() => expect(server.connections).toBe(0), { timeout: 30_000 });
});

test.each([
  ['is allowed to', hello(), { allowRepetition: true }],
  ['is held to a form', hello({ response_format: { type: 'json_object' } }), {}],
])('an answer that %s repeat itself is whole', async (_name, request, tools) => {
  const server = await startScripted({ '/api/chat': lines(...rounds(150), end({ eval_count: 750 })) });
  const { body } = completed(await answer(loadedOn(server), request, { tools }));
  expect(body.choices?.[0]?.message?.content).toBe(words.join('').repeat(150));
});
