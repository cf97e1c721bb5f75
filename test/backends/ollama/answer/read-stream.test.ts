import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../../../src/backends/ollama/model/loaded-model.ts';
import { answerText } from '../../../../src/core/completion.ts';
import { chat } from '../../candidates.ts';
import { completed } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { answer, loadedOn } from '../open-ollama-for-test.ts';
import { type ScriptedServer, end, lines, piece, startScripted } from '../scripted-server.ts';

expectSilence();

let server: ScriptedServer;
let loaded: LoadedModel;
beforeEach(async () => {
  server = await startScripted();
  loaded = loadedOn(server);
});

const request = chat([{ role: 'user', content: 'hello' }], { max_tokens: 100 });

/** What the model is said to answer with these bytes of a stream. */
const ask = (body: string | Buffer, changes = {}) => {
  server.replies['/api/chat'] = body;
  return answer(loaded, request, changes);
};

const textOf = async (body: string | Buffer): Promise<string> => answerText(completed(await ask(body)).body);

describe('a stream', () => {
  test('is joined from its pieces, byte by byte if need be', async () => {
    const body = Buffer.from(lines(piece('Grüße, '), piece('\u{1F642}\u2028'), piece('<b>\\"\n'), end()));
    server.replies['/api/chat'] = async (response) => {
      for (const byte of body) {
        response.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      response.end();
    };
    expect(answerText(completed(await answer(loaded, request)).body)).toBe('Grüße, \u{1F642}\u2028<b>\\"\n');
  });

  test.each<[string, string]>([
    ['without a newline at its end', lines(piece('a'), end()).trimEnd()],
    ['with other line ends', lines(piece('a'), end()).replaceAll('\n', '\r\n')],
    ['with text in its last line', lines(end({ message: { role: 'assistant', content: 'a' } }))],
    ['with fields that nobody knows', lines(piece('a', { mood: 'good' }), end({ mood: 'good' }))],
    [
      'with nothing but the text in its lines',
      lines({ message: { content: 'a' } }, { done: true, done_reason: 'stop' }),
    ],
  ])('is whole %s', async (_, body) => {
    expect(await textOf(body)).toBe('a');
  });

  test('without any text is an empty answer', async () => {
    expect(await textOf(lines(end({ eval_count: 1 })))).toBe('');
  });

  test('tells of the first token, and of life at every line that says something', async () => {
    const seen: unknown[] = [];
    const logprobs = [{ token: 'a' }, { token: 'b' }];
    const body = lines(piece(''), piece('', { thinking: 'hm' }), { ...piece('ab'), logprobs }, end());
    const onToken = (count?: number): void => void seen.push(count);
    await ask(body, { onToken, onActivity: () => seen.push('life'), onFirstToken: () => seen.push('first') });
    expect(seen).toEqual([1, 'life', 'first', 2, 'life', 'life']);
  });

  test.each<[string, string, string]>([
    ['ends without its last line', lines(piece('a')), 'server-error'],
    ['says that it is not done', lines(piece('a'), end({ done: false })), 'server-error'],
    ['says nothing', '', 'server-error'],
    ['says something else than done', lines(piece('a'), { status: 'success' }), 'server-error'],
    ['calls done by another name', lines(piece('a'), end({ done: 'yes' })), 'server-error'],
    ['breaks off in its last line', lines(piece('a'), end()).slice(0, -3), 'invalid-response'],
    ['breaks off in its last counter', lines(piece('a'), end()).slice(0, -2), 'invalid-response'],
    ['has a broken line', `${lines(piece('a'))}{"message":{"con\n${lines(end())}`, 'invalid-response'],
    ['has an empty line', `${lines(piece('a'))}\n${lines(end())}`, 'invalid-response'],
    ['has an empty line with another end', `${lines(piece('a'))}\r\n${lines(end())}`, 'invalid-response'],
    ['has a line that is null', `null\n${lines(end())}`, 'invalid-response'],
    ['has a line that is a list', `[]\n${lines(end())}`, 'invalid-response'],
    ['has a line that is a text', `"a"\n${lines(end())}`, 'invalid-response'],
    ['has two objects on a line', `${lines(piece('a')).trimEnd()}${lines(end())}`, 'invalid-response'],
    ['is a page', '<html><body>Welcome</body></html>', 'invalid-response'],
    ['has a byte order mark in the middle', `${lines(piece('a'))}\u{FEFF}${lines(end())}`, 'invalid-response'],
    ['has a number for a text', lines({ message: { content: 5 } }, end()), 'invalid-response'],
    ['has a text for a message', lines({ message: 'a' }, end()), 'invalid-response'],
    ['has a number for a thought', lines({ message: { thinking: 5 } }, end()), 'invalid-response'],
    ['has a tool call without a name', lines(piece('', { tool_calls: [{}] }), end()), 'invalid-response'],
    ['has tool calls that are no list', lines(piece('', { tool_calls: 5 }), end()), 'invalid-response'],
    ['has log probabilities that are no list', lines({ ...piece('a'), logprobs: 5 }, end()), 'invalid-response'],
    ['has a text for a counter', lines(piece('a'), end({ eval_count: '3' })), 'invalid-response'],
    ['ends for a reason that is none', lines(piece('a'), end({ done_reason: 'load' })), 'invalid-response'],
    ['ends without a reason', lines(piece('a'), end({ done_reason: undefined })), 'server-error'],
    ['ends with an empty reason', lines(piece('a'), end({ done_reason: '' })), 'server-error'],
    ['ends without one token', lines(end({ eval_count: 0 })), 'server-error'],
    ['ends and counts nothing', lines({ done: true, done_reason: 'stop' }), 'server-error'],
    ['says an error that turns into no text', lines({ error: { toString: 1 } }), 'server-error'],
    ['says an error without a text', lines({ error: '' }), 'server-error'],
    [
      'is nested too deep',
      `{"message":{"content":"","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}}\n`,
      'invalid-response',
    ],
    ['says an error', lines(piece('a'), { error: 'out of paper' }), 'server-error'],
    ['says an error that is no text', lines(piece('a'), { error: { code: 5 } }), 'server-error'],
    ['says an error beside an end', lines(piece('a'), end({ error: 'unexpected EOF' })), 'engine-crashed'],
  ])('is no answer where it %s', async (_, body, kind) => {
    expect(await ask(body)).toMatchObject({ status: 'failed', kind });
  });

  test('may begin with a byte order mark', async () => {
    expect(await ask(`\u{FEFF}${lines(piece('a'), end())}`)).toMatchObject({ status: 'completed' });
  });

  test('is a repetition where the server’s guard ended it', async () => {
    const ended = async (count: number) => ask(lines(...Array.from({ length: count }, () => piece(' a'))));
    expect(await ended(31)).toMatchObject({
      kind: 'repetition',
      message: expect.stringContaining('31 times') as string,
    });
    expect(await ended(29)).toMatchObject({ kind: 'server-error' });
    const [spaces, mixed] = [piece('\n'), piece(' ')];
    expect(await ask(lines(...Array.from({ length: 20 }, () => [spaces, mixed]).flat()))).toMatchObject({
      kind: 'repetition',
    });
    const recovered = [...Array.from({ length: 40 }, () => piece('a')), piece('b')];
    expect(await ask(lines(...recovered))).toMatchObject({ kind: 'server-error' });
    expect(completed(await ask(lines(...recovered, end()))).body.choices).toHaveLength(1);
  });
});

/** A line of a stream, and what it does to the answer. */
type Line = { bytes: string } & ({ does: 'add'; text: string } | { does: 'end' } | { does: 'break' });

const json = (value: unknown): string => JSON.stringify(value);
const text = fc.string({ unit: 'binary', maxLength: 12 });

const goodLine: fc.Arbitrary<Line> = text.map((said) => ({ does: 'add', text: said, bytes: json(piece(said)) }));
const lastLine: fc.Arbitrary<Line> = fc
  .constantFrom('stop', 'length')
  .map((reason) => ({ does: 'end', bytes: json(end({ done_reason: reason })) }));
const badLine: fc.Arbitrary<Line> = fc
  .oneof(
    fc.constantFrom('', ' ', 'null', '[]', '{', '}', '{"error":"x"}', '{"error":null}', '{"status":"success"}'),
    fc.constantFrom(
      json(end({ done_reason: 'unload' })),
      json(end({ done_reason: undefined })),
      json({ message: { content: ['a'] } }),
      '{"message":null}',
    ),
    text.map((said) => json(piece(said)).slice(0, -1)),
    text.map((said) => `${json(piece(said))}${json(piece(said))}`),
    fc
      .jsonValue()
      .filter((value) => typeof value !== 'object')
      .map(json),
  )
  .map((bytes) => ({ does: 'break', bytes }));

/** The text of a stream that is whole, else null. */
function wholeText(all: Line[]): string | null {
  let said = '';
  for (const line of all) {
    if (line.does === 'break') return null;
    if (line.does === 'end') return said;
    said += line.text;
  }
  return null;
}

/** Sends the bytes in pieces of these sizes, over and over. */
function sendIn(sizes: number[], body: Buffer): void {
  server.replies['/api/chat'] = async (response) => {
    for (let from = 0, turn = 0; from < body.length; turn++) {
      const size = sizes[turn % sizes.length] ?? body.length;
      response.write(body.subarray(from, from + size));
      from += size;
      await new Promise(setImmediate);
    }
    response.end();
  };
}

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });

describe('whatever comes as a stream', () => {
  test('is a success exactly where it is whole, with the text of its pieces', async () => {
    const streams = fc.tuple(
      fc.array(fc.oneof({ weight: 8, arbitrary: goodLine }, { weight: 1, arbitrary: badLine }), { maxLength: 8 }),
      fc.option(lastLine, { freq: 4, nil: null }),
      sizes,
    );
    await fc.assert(
      fc.asyncProperty(streams, async ([head, last, chunks]) => {
        const all = last === null ? head : [...head, last];
        sendIn(chunks, Buffer.from(all.map(({ bytes }) => `${bytes}\n`).join('')));
        const answered = await answer(loaded, request);
        const whole = wholeText(all);
        expect(answered.status).toBe(whole === null ? 'failed' : 'completed');
        if (answered.status === 'completed') expect(answerText(answered.body)).toBe(whole);
      }),
      { numRuns: 150 },
    );
  });

  test('is none where it is cut anywhere before the last brace', async () => {
    const body = Buffer.from(lines(piece('Grüße'), piece('\u{1F642}'), end()));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: body.length - 2 }), sizes, async (length, chunks) => {
        sendIn(chunks, body.subarray(0, length));
        expect((await answer(loaded, request)).status).toBe('failed');
      }),
      { numRuns: 60 },
    );
  });

  test('is none where it is noise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
        expect((await ask(Buffer.from(noise))).status).toBe('failed');
      }),
      { numRuns: 60 },
    );
  });

  test('is none where a byte of it is another', async () => {
    const body = Buffer.from(lines(piece('abc'), end()));
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const broken = Buffer.from(body);
        broken[place] = (broken[place] ?? 0) ^ change;
        const answered = await ask(broken);
        // It may be a whole stream of another text; it is never more or less than what it says.
        if (answered.status === 'failed') return;
        const parts = broken
          .toString()
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as ReturnType<typeof piece>);
        expect(parts.at(-1)?.done).toBe(true);
        expect(answerText(answered.body)).toBe(parts.map(({ message }) => message?.content ?? '').join(''));
      }),
      { numRuns: 150 },
    );
  });
});
