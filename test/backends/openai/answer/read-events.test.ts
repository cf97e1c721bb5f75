import { expect, test } from 'vitest';
import { readEvents } from '../../../../src/backends/openai/answer/read-events.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = text.length || 1) {
  const events: unknown[] = [];
  let activities = 0;
  await readEvents(inPieces(text, size), {
    redact: (line) => line.replaceAll('sk-1', '[key]'),
    onActivity: () => activities++,
    onEvent: (event) => events.push(event) > 0 && !('empty' in event),
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

test.each([1, 2, 3, 7, 1000])('pieces of %i bytes', async (size) => {
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
  expect(activities).toBeLessThanOrEqual('data: [DONE]\n'.length);
});

test('what is quoted of a line is without the key', async () => {
  await expect(read('data: sk-1 \u009B2J\n')).rejects.toThrow('not part of an answer: "data: [key] "');
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
  '%j is not part of an answer',
  async (text) => {
    await expect(read(text)).rejects.toMatchObject({ kind: 'invalid-response' });
  },
);

test('an error as older llama-servers send it', async () => {
  expect((await read('error: {"message":"x"}\n\ndata: [DONE]\n')).events).toEqual([{ error: { message: 'x' } }]);
});

test('an event that is not part of an answer is no sign of life, however often it comes', async () => {
  const empty = 'data: {"empty":1}\n\n';
  expect((await read(`${empty.repeat(50)}data: [DONE]\n`, empty.length)).activities).toBe(1);
});

test.each([
  ['event: error\ndata: {"message":"died"}\n\n', { message: 'died' }],
  ['event: error\r\ndata: {"error":{"message":"died"}}\r\n\r\n', { message: 'died' }],
  ['event: error\ndata: it died\n\n', 'it died'],
  ['event:error\ndata: {"error":null,"message":"died"}\n\n', { error: null, message: 'died' }],
])('%j is an error', async (text, error) => {
  expect((await read(`${text}data: {"a":1}\n\ndata: [DONE]\n`, 3)).events).toEqual([{ error }, { a: 1 }]);
});

test('an event of another name is as any', async () => {
  expect((await read('event: chunk\ndata: {"a":1}\n\nevent: error\n\ndata: {"b":1}\ndata: [DONE]\n')).events).toEqual([
    { a: 1 },
    { b: 1 },
  ]);
});

test('what comes after the end is not read', async () => {
  let isRead = false;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('data: {"a":1}\n\ndata: [DONE]\n');
    isRead = true;
    yield Buffer.from('data: {"a":2}\n\ndata: [DONE]\n');
  }
  await readEvents(pieces(), { redact: (line) => line, onActivity: () => {}, onEvent: () => true });
  expect(isRead).toBe(false);
});

test('an event that is nested too deep is not part of an answer', async () => {
  const deep = `data: {"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}\n`;
  await expect(read(deep)).rejects.toMatchObject({
    kind: 'invalid-response',
    message: expect.stringContaining('deep'),
  });
});
