import { expect, test } from 'vitest';
import { readEvents } from '../../../src/backends/openai/read-events.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

async function read(text: string, size = text.length || 1) {
  const events: unknown[] = [];
  let activities = 0;
  await readEvents(inPieces(text, size), {
    redact: (line) => line.replaceAll('sk-1', '[key]'),
    onActivity: () => activities++,
    onEvent: (event) => events.push(event),
  });
  return { events, activities };
}

const stream = [
  ': ping',
  '',
  'event: message',
  'id: 1',
  'retry: 5',
  'data: {"a":"ä"}',
  '',
  'data:{"b":2}',
  '',
  'data: [DONE]',
  '',
];
const events = [{ a: 'ä' }, { b: 2 }];

test.each([1, 2, 3, 7, 1000])('pieces of %i characters', async (size) => {
  expect((await read(stream.join('\n'), size)).events).toEqual(events);
  expect((await read(stream.join('\r\n'), size)).events).toEqual(events);
});

test('every piece of an event is a sign of life', async () => {
  const text = `data: {"a":"${'x'.repeat(100)}"}\n\ndata: [DONE]`;
  expect((await read(text, 10)).activities).toBe(Math.ceil(text.length / 10));
});

test.each([1, 3, 1000])('comments are none, nor what else says nothing, in pieces of %i', async (size) => {
  const { activities } = await read(': ping\n\r\n: data: x\nevent: ping\nid: 1\n\ndata: [DONE]\n: bye', size);
  expect(activities).toBeGreaterThan(0);
  expect(activities).toBeLessThanOrEqual('data: [DONE]'.length);
});

test('what is quoted of a line is without the key', async () => {
  await expect(read('data: sk-1 \u009B2J\n')).rejects.toThrow('no part of an answer: "data: [key] "');
});

test('the last line may lack its end, and what comes after the last event is nothing', async () => {
  expect((await read('data: {"a":1}\n\ndata: [DONE]')).events).toEqual([{ a: 1 }]);
  expect((await read('data: [DONE]\n\ndata: {"a":1}\n\n')).events).toEqual([]);
});

test.each(['', ': ping\n', 'data: {"a":1}\n\n', 'data: [DON'])('%j ends too soon', async (text) => {
  await expect(read(text)).rejects.toMatchObject({ name: 'BrokenAnswer' });
});

test('an end without [DONE] may be tried again', async () => {
  await expect(read('data: {"a":1}\n\n')).rejects.toMatchObject({ kind: 'server-error' });
});

test.each(['data: {"a":\n\ndata: [DONE]\n', 'data: 1\n', '<html>\n', '{"a":1}\n', 'data: \n'])(
  '%j is no part of an answer',
  async (text) => {
    await expect(read(text)).rejects.toMatchObject({ kind: 'invalid-response' });
  },
);

test('an error as older llama-servers send it', async () => {
  expect((await read('error: {"message":"x"}\n\ndata: [DONE]\n')).events).toEqual([{ error: { message: 'x' } }]);
});
